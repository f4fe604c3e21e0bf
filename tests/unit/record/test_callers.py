"""Threads belong to whoever began them; those for one question alone are not people's, and do not stay for ever."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from old_stores import VERSIONS, unpack

from tierwise.errors import UnknownName
from tierwise.home import files_of
from tierwise.record import ANY, Bound, Record, Spent, backups
from tierwise.record.file.backups import newest_backup
from tierwise.record.file.schema import VERSION
from tierwise.turns import DecisionRecord, Notice
from tierwise.types import ToolCall

NOW = time.time()
DAY = 86_400.0


@pytest.fixture
def record(own_home: Path) -> Iterator[Record]:
    store = Record(own_home)
    yield store
    store.close()


def begin(
    store: Record,
    turn: str,
    thread: str,
    caller: str | None = None,
    at: float = NOW,
    begun_with: dict[str, Any] | None = None,
    *,
    passing: bool = False,
) -> None:
    record = DecisionRecord(turn, thread, f"What of {turn}?", "running", at, caller=caller)
    store.start(record, begun_with, passing=passing)


def end(store: Record, turn: str, **fields: object) -> DecisionRecord:
    return store.finish(replace(store.get(turn), **({"status": "done", "text": "Yes.", "final": "quick"} | fields)))  # type: ignore[arg-type]


def say(
    store: Record, turn: str, thread: str, caller: str | None = None, at: float = NOW, *, passing: bool = False
) -> None:
    begin(store, turn, thread, caller, at, passing=passing)
    end(store, turn)


def leave(store: Record, turn: str) -> None:
    """As if the program that runs it had ended."""
    with store._writing() as db:
        db.execute("UPDATE turns SET owner = 'gone' WHERE turn_id = ?", (turn,))
    store.let_go(turn)
    store.repair()


# -- whose a thread is -------------------------------------------------------------------------------------------------


def test_a_thread_is_used_by_whoever_began_it_by_people_and_where_nobody_needs_a_key(record: Record) -> None:
    say(record, "a", "t", "k-one")
    for turn, caller in (("b", "k-one"), ("c", None), ("d", "local")):
        say(record, turn, "t", caller)
    assert record.owner_of("t") == "k-one"
    for thread, owner in (("t", "k-one"), ("mine", None), ("here", "local")):
        if owner != "k-one":
            say(record, f"first of {thread}", thread, owner)
        with pytest.raises(UnknownName, match=f"There is no thread '{thread}'"):
            begin(record, "stranger", thread, "k-two")
        assert record.find("stranger") is None
        assert record.owner_of(thread) == owner
    assert [turn.turn_id for turn in record.turns("t")] == ["a", "b", "c", "d"]
    with pytest.raises(UnknownName):
        record.owner_of("nothing")


def test_a_thread_that_was_locked_before_its_first_turn_belongs_to_whoever_begins_it(record: Record) -> None:
    record.lock_thread("t", True)
    say(record, "a", "t", "k-one")
    assert (record.owner_of("t"), record.is_locked("t")) == ("k-one", True)
    record.lock_thread("u", True, caller="k-one")
    with pytest.raises(UnknownName):
        begin(record, "b", "u", "k-two")


def test_lists_and_search_leave_passing_threads_out_and_can_be_of_one_caller(record: Record) -> None:
    say(record, "a", "mine")
    say(record, "b", "theirs", "k-one")
    say(record, "c", "api-1", "k-one", passing=True)
    say(record, "d", "mine", "local", passing=True)  # a thread that is there stays as it is

    def listed(**which: object) -> tuple[list[str], list[str]]:
        threads = [one.thread for one in record.threads(**which)]  # type: ignore[arg-type]
        return sorted(threads), sorted(one.turn_id for one in record.search("what of", **which))  # type: ignore[arg-type]

    assert listed() == (["mine", "theirs"], ["a", "b", "d"])
    assert listed(passing=True) == (["api-1", "mine", "theirs"], ["a", "b", "c", "d"])
    assert listed(caller="k-one") == (["theirs"], ["b"])
    assert listed(caller="k-one", passing=True) == (["api-1", "theirs"], ["b", "c"])
    assert listed(caller=None) == (["mine"], ["a", "d"])
    assert listed(caller=ANY) == listed()
    (theirs,) = record.threads(caller="k-one")
    assert (theirs.caller, theirs.passing) == ("k-one", False)
    assert record.stats().turns == 4
    assert record.insights().threads == 3


def test_what_cannot_be_read_better_by_anybody_is_not_to_be_improved(record: Record) -> None:
    for turn, passing in (("a", False), ("b", True)):
        begin(record, turn, turn, "k-one", passing=passing)
        end(record, turn, notices=(Notice("degraded", "The larger tier was down."),))
    assert [one.turn_id for one in record.missed()] == ["a"]
    assert record.missed_count() == 1


# -- what does not stay ------------------------------------------------------------------------------------------------


def test_old_passing_threads_are_forgotten_and_their_costs_are_kept(record: Record, own_home: Path) -> None:
    old = NOW - 40 * DAY
    for turn, at, passing in (("old", old, True), ("new", NOW, True), ("kept", old, False)):
        begin(record, turn, turn, "k-one", at, passing=passing)
        end(record, turn, cost_usd=0.5)
    begin(record, "runs", "runs", "k-one", old, passing=True)
    begin(record, "waits", "waits", "k-one", old, passing=True)
    record.finish(replace(record.get("waits"), status="needs_approval"), parked="waiting")
    begin(record, "died", "died", "k-one", old, {"goes_on": False}, passing=True)
    leave(record, "died")
    say(record, "used", "used", "k-one", old, passing=True)
    say(record, "again", "used", "k-one", NOW)
    files = files_of(own_home, "old")
    files.mkdir(parents=True)
    record.close()  # makes a backup
    assert backups(own_home)
    with closing(Record(own_home)) as again:
        assert again.forget_passing(50 * DAY) == 0
        assert again.forget_passing() == 2
        assert again.forget_passing() == 0
        gone = {turn for turn in ("old", "new", "kept", "runs", "waits", "died", "used") if again.find(turn) is None}
        assert gone == {"old", "died"}
        assert again.spent_by("k-one", 0.0) == 1.5
    assert not files.exists()
    everything = b"".join(path.read_bytes() for path in own_home.rglob("*") if path.is_file())
    assert b"What of old?" not in everything
    assert b"What of kept?" in everything


def test_more_passing_threads_than_are_deleted_at_once(record: Record) -> None:
    with record._writing() as db:
        db.executemany(
            "INSERT INTO threads (thread, created, passing) VALUES (?, 1.0, 1)", [(f"api-{n}",) for n in range(450)]
        )
    assert record.forget_passing() == 450


def test_only_turns_that_were_begun_so_go_on_unasked(record: Record) -> None:
    for turn, begun in (("a", {"goes_on": True}), ("b", {"goes_on": False}), ("c", None), ("d", {"goes_on": True})):
        begin(record, turn, turn, "k-one", NOW, begun)
    for turn in ("d", "c", "b", "a"):
        leave(record, turn)
    begin(record, "e", "e", "k-one", NOW, {"goes_on": True})  # runs
    assert record.unfinished() == ["a", "d"]
    record.go_on("a")
    assert record.unfinished() == ["d"]
    say(record, "f", "d", "k-one")  # its thread has gone on
    assert record.unfinished() == []


# -- money -------------------------------------------------------------------------------------------------------------


def test_each_caller_spends_its_own_money(record: Record) -> None:
    for turn, caller in (("a", "k-one"), ("b", "k-one"), ("c", "k-two"), ("d", None)):
        begin(record, turn, turn, caller)
    bounds = {who: [Bound("caller", 1.0, NOW - DAY, who)] for who in ("k-one", "k-two")}
    assert record.set_aside("a", 1, 0.9, bounds["k-one"]) == (True, [Spent(0, 0)])
    assert record.set_aside("c", 1, 0.9, bounds["k-two"]) == (True, [Spent(0, 0)])
    assert record.set_aside("d", 1, 9.0, [])[0] is True
    assert record.set_aside("b", 1, 0.9, bounds["k-one"]) == (True, [Spent(0, 0.9)])
    assert record.set_aside("b", 2, 0.9, bounds["k-one"])[0] is False
    record.settle("a", 1, 0.25)
    end(record, "a", cost_usd=0.25)
    assert record.spent_by("k-one", NOW - DAY) == pytest.approx(0.25 + 0.9)
    assert record.spent_by("k-one", NOW + 1) == pytest.approx(0.9)  # what runs counts, whenever it began
    record.delete_thread("a")
    record.delete_thread("b")  # it runs, and has set money aside
    assert record.spent_by("k-one", NOW - DAY) == pytest.approx(0.25 + 0.9)
    assert (record.spent_by("k-two", 0.0), record.spent_by("k-three", 0.0)) == (0.9, 0.0)


# -- conversations -----------------------------------------------------------------------------------------------------


def test_a_turn_that_ended_with_calls_for_its_caller_is_no_part_of_the_conversation(record: Record) -> None:
    say(record, "a", "t", "k-one")
    begin(record, "b", "t", "k-one")
    end(record, "b", text="", calls=(ToolCall("c1", "look", {"at": "it"}),), finish="tool_calls")
    say(record, "c", "t", "k-one")
    assert record.get("b").calls == (ToolCall("c1", "look", {"at": "it"}),)
    assert [one.turn_id for one in record.recent("t")] == ["a", "c"]
    assert [one.turn_id for one in record.earlier("t", with_locked=True).exchanges] == ["a", "c"]
    assert len(record.history("t", with_locked=True)) == 4
    assert len(record.turns("t")) == 3


def test_secrets_in_calls_are_left_out_of_what_is_stored(record: Record, own_home: Path) -> None:
    key = "sk-" + "proj-4fGh7Kq2Lm9Np3Rs6Tv8Wx1Yz5Ab0Cd"
    begin(record, "a", "t", "k-one")
    told = end(record, "a", text="", calls=(ToolCall("c1", "log_in", {"with": [{"key": key}]}),))
    assert told.calls[0].arguments == {"with": [{"key": key}]}
    assert key not in str(record.get("a"))
    record.close()
    assert not any(key.encode() in path.read_bytes() for path in own_home.rglob("*") if path.is_file())


# -- damage and older versions -----------------------------------------------------------------------------------------


def filled(home: Path) -> None:
    with closing(Record(home)) as record:
        say(record, "a", "t", "k-one")
        say(record, "b", "api-1", "k-two", passing=True)
        say(record, "c", "mine")
        begin(record, "d", "gone", "k-one")
        end(record, "d", cost_usd=0.5)
        record.delete_thread("gone")


def test_a_caller_that_was_changed_in_the_file_is_damage(own_home: Path) -> None:
    filled(own_home)
    path = own_home / "record.sqlite"
    data = path.read_bytes()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TRIGGER thread_sums_update")
        db.execute("UPDATE threads SET caller = 'k-two' WHERE thread = 't'")
        db.commit()
    os.utime(path)
    assert path.read_bytes() != data
    with closing(Record(own_home)) as record:
        assert record.owner_of("t") == "k-one"
        assert record.owner_of("api-1") == "k-two"
    assert list(own_home.glob("record.sqlite.damaged-*"))


def test_what_is_left_of_a_damaged_file_still_knows_whose_it_is(own_home: Path) -> None:
    filled(own_home)
    with (own_home / "record.sqlite").open("r+b") as file:
        file.write(bytes(4096))  # no tree leads anywhere
    for path in backups(own_home):
        path.unlink()
    with closing(Record(own_home)) as record:
        owners = {thread: record.owner_of(thread) for thread in ("t", "api-1", "mine")}
        assert owners == {"t": "k-one", "api-1": "k-two", "mine": None}
        assert record.spent(0.0) == 0.5


@pytest.mark.parametrize("version", VERSIONS[1:])  # the first kept no costs of what was deleted
def test_costs_of_an_older_version_survive_damage(version: str, own_home: Path) -> None:
    unpack(version, own_home, "record.sqlite")
    with closing(sqlite3.connect(own_home / "record.sqlite")) as db:
        db.execute("INSERT INTO costs_of_deleted VALUES (1.0, 0.5)")
        db.commit()
    with closing(Record(own_home)) as record:
        before = record.spent(0.0)
        record._empty_log()
        data = (own_home / "record.sqlite").read_bytes()
    (own_home / "record.sqlite").write_bytes(bytes(100) + data[100:])
    with closing(Record(own_home)) as record:
        assert record.spent(0.0) == pytest.approx(before)
        assert before >= 0.5


def test_a_backup_of_the_version_before_is_still_one(own_home: Path) -> None:
    unpack("v10", own_home, "record.sqlite")
    folder = own_home / "backups"
    folder.mkdir()
    path = folder / "record-20261127-120000.sqlite"
    (own_home / "record.sqlite").rename(path)
    assert VERSION > 10
    assert newest_backup(own_home) == path


def test_a_turn_that_keeps_ending_its_programs_is_left_alone(record: Record) -> None:
    begin(record, "a", "a", "k-one", NOW, {"goes_on": True})
    leave(record, "a")
    for _ in range(5):
        assert record.unfinished() == ["a"]
        record.go_on("a")
        leave(record, "a")
    assert record.unfinished() == []
    assert record.go_on("a").turn_id == "a"  # whoever names it may still try

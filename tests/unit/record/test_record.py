"""The record keeps every turn, whatever becomes of it."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise import StoreError, UnknownName, from_json, to_json
from tierwise.damage import take_news
from tierwise.errors import StoreBusy
from tierwise.record import Record
from tierwise.turns import Attempt, DecisionRecord, Notice, SentOut
from tierwise.types import Usage


@pytest.fixture
def record(own_home: Path) -> Iterator[Record]:
    store = Record(own_home)
    yield store
    store.close()


def turn(turn_id: str, thread: str = "t", asked: str = "why?", **fields: object) -> DecisionRecord:
    return DecisionRecord(turn_id, thread, asked, "running", time.time(), **fields)  # type: ignore[arg-type]


def done(store: Record, turn_id: str, text: str = "because", **fields: object) -> DecisionRecord:
    begun = turn(turn_id, **{k: v for k, v in fields.items() if k in ("thread", "asked", "locked")})  # type: ignore[arg-type]
    store.start(begun)
    ended = replace(begun, status="done", text=text, final="quick", **fields)  # type: ignore[arg-type]
    store.finish(ended)
    return ended


def test_a_message_is_there_as_soon_as_it_is_stored(record: Record, own_home: Path) -> None:
    record.start(turn("turn-1", asked="first words"))
    other = Record(own_home)  # as another process would see it
    assert other.get("turn-1").asked == "first words"
    other.close()


def test_a_finished_turn_comes_back_whole(record: Record) -> None:
    ended = done(
        record, "turn-1", attempts=(Attempt(1, "quick", "m", "m", "accepted", "because"),), p_good={"quick": 0.7}
    )
    assert record.get("turn-1") == ended
    assert record.get("turn") == ended
    assert record.get("last") == ended


def test_unknown_and_ambiguous_ids_are_named(record: Record) -> None:
    with pytest.raises(UnknownName, match="Nothing has been asked"):
        record.get("last")
    done(record, "turn-1")
    done(record, "turn-2")
    with pytest.raises(UnknownName, match="Several turns begin with 'turn'"):
        record.get("turn")
    with pytest.raises(UnknownName, match="no turn 'other'"):
        record.get("other")
    with pytest.raises(UnknownName, match="no thread 'other'"):
        record.turns("other")


def test_history_alternates_and_leaves_out_what_no_model_should_see(record: Record) -> None:
    done(record, "a", asked="one")
    record.start(turn("b", asked="failed"))
    record.finish(replace(turn("b", asked="failed"), status="failed"))
    record.start(turn("c", asked="blocked"))
    record.finish(replace(turn("c", asked="blocked"), status="blocked"))
    done(record, "d", asked="secret", locked=True)
    record.start(turn("e", asked="running"))
    assert [m.content for m in record.history("t", with_locked=True)] == [
        "one", "because", "failed", "(no answer)", "secret", "because",
    ]  # fmt: skip
    assert [m.content for m in record.history("t", with_locked=False)] == ["one", "because", "failed", "(no answer)"]
    assert record.history("unknown", with_locked=True) == []


def test_a_turn_locked_on_the_way_stays_locked_whatever_it_says_later(record: Record) -> None:
    record.start(turn("a"))
    record.lock_turn("a")
    record.finish(replace(turn("a"), status="stopped", text="part"))
    assert record.history("t", with_locked=False) == []


def test_the_turn_of_a_dead_process_is_repaired_with_its_partial_text(record: Record, own_home: Path) -> None:
    program = """
import os, sys, time
from pathlib import Path
from tierwise.record import Record
from tierwise.turns import DecisionRecord
record = Record(Path(sys.argv[1]))
record.start(DecisionRecord("dead", "t", "a question", "running", time.time()))
record.keep_partial("dead", 1, "quick", "m", "half an ans")
os.kill(os.getpid(), 9)
"""
    process = subprocess.Popen([sys.executable, "-c", program, str(own_home)])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, but still in the process table
    record.start(turn("mine"))  # a turn of a living process must be left alone
    assert record.repair() == ["dead"]
    assert record.repair() == []
    process.wait()
    repaired = record.get("dead")
    assert (repaired.status, repaired.text, repaired.final) == ("stopped", "half an ans", "quick")
    assert repaired.attempts[0].outcome == "stopped"
    assert record.get("mine").status == "running"
    assert [m.content for m in record.history("t", with_locked=True)] == ["a question", "half an ans"]


def test_a_name_with_half_a_character_is_an_unknown_one(record: Record) -> None:
    with pytest.raises(UnknownName):
        record.turns("caf\udce9")
    with pytest.raises(UnknownName):
        record.get("caf\udce9")
    assert not record.is_locked("caf\udce9")


def test_threads_are_listed_newest_first_and_deleted_whole(record: Record) -> None:
    done(record, "a", thread="one", asked="first  question\nof thread one")
    done(record, "b", thread="two")
    done(record, "c", thread="one")
    assert [(t.thread, t.title, t.turns) for t in record.threads()] == [
        ("one", "first question of thread one", 2),
        ("two", "why?", 1),
    ]
    assert record.delete_thread("one") == 2
    assert [t.thread for t in record.threads()] == ["two"]
    assert record.search("first question") == []
    with pytest.raises(UnknownName):
        record.delete_thread("one")


@given(st.text())
def test_any_words_can_be_searched_for(words: str) -> None:
    home = Path(os.environ["TIERWISE_HOME"])
    store = Record(home)
    assert isinstance(store.search(words), list)
    store.close()


def test_search_finds_questions_and_answers(record: Record) -> None:
    done(record, "a", asked="How do I descale the machine?", text="With citric acid.")
    done(record, "b", asked="Who am I?", text="A person.")
    assert [r.turn_id for r in record.search("descale")] == ["a"]
    assert [r.turn_id for r in record.search("citric ACID")] == ["a"]
    assert record.search('"') == []


def test_stats_add_up(record: Record) -> None:
    local = (Attempt(1, "quick", "m", "m", "discarded", ""), Attempt(2, "deep", "m", "m", "accepted", ""))
    done(record, "a", usage=Usage(10, 5), ms={"total": 100.0})
    done(
        record, "b", usage=Usage(20, 5), ms={"total": 300.0}, attempts=local, cost_usd=0.02,
        sent_out=SentOut(900, 1, ("api.example",)),
    )  # fmt: skip
    done(record, "c", ms={"total": 200.0}, notices=(Notice("degraded", "x"),))
    stats = record.stats()
    assert (stats.turns, stats.escalated, stats.degraded) == (3, 1, 1)
    assert stats.local_share == pytest.approx(2 / 3)
    assert (stats.cost_usd, stats.sent_bytes) == (0.02, 900)
    assert (stats.prompt_tokens, stats.completion_tokens) == (30, 10)
    assert stats.ms_median == 200.0
    assert record.stats(since=time.time() + 60).turns == 0
    assert record.stats(since=time.time() + 60).local_share is None


def test_feedback_is_kept(record: Record) -> None:
    done(record, "a")
    record.set_feedback("a", "down: too long")
    assert record.get("a").feedback == "down: too long"


def test_the_file_is_private(record: Record, own_home: Path) -> None:
    assert stat.S_IMODE((own_home / "record.sqlite").stat().st_mode) == 0o600


def test_a_file_of_a_newer_version_is_refused_and_left_alone(own_home: Path) -> None:
    Record(own_home).close()
    db = sqlite3.connect(own_home / "record.sqlite")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="newer tierwise"):
        Record(own_home)


def test_a_file_that_is_no_database_is_put_aside_and_the_person_is_told(own_home: Path) -> None:
    own_home.mkdir()
    written = b"this is not a database, it only looks like a file" * 100
    (own_home / "record.sqlite").write_bytes(written)
    store = Record(own_home)
    store.start(turn("a"))
    assert store.get("a").asked == turn("a").asked
    store.close()
    (aside,) = own_home.glob("record.sqlite.damaged-*")
    assert aside.read_bytes() == written
    (news,) = take_news(own_home)
    assert "record.sqlite was damaged" in news
    assert aside.name in news
    assert not take_news(own_home)


def test_another_writer_is_waited_for_and_then_named(record: Record, own_home: Path) -> None:
    record._db.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(own_home / "record.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="Another process"):
        record.start(turn("a"))
    other.execute("ROLLBACK")
    other.close()
    record.start(turn("a"))
    assert record.get("a").asked == "why?"


def test_many_threads_may_write_at_once(record: Record) -> None:
    def write(n: int) -> None:
        for m in range(10):
            done(record, f"turn-{n}-{m}", thread=f"thread-{n}")

    workers = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert record.stats().by_status == {"done": 80}
    assert [len(record.turns(f"thread-{n}")) for n in range(8)] == [10] * 8


def test_a_row_of_an_older_version_is_read_with_defaults() -> None:
    old = {"turn_id": "a", "thread": "t", "asked": "q", "status": "done", "created": 1.0, "gone_since": "ignored"}
    assert from_json(DecisionRecord, old).notices == ()
    assert to_json(from_json(DecisionRecord, old))["dial"] == "balanced"

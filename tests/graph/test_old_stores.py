"""Stores of every older version open, and everything in them is there and goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from old_stores import VERSIONS, unpack
from scripts.make_store import Words

from tierwise import StoreError, to_json
from tierwise.knowledge import Knowledge
from tierwise.record import Record
from tierwise.record.file.schema import VERSION
from tierwise_tools import tool


@tool(effects="write")
def note(text: str) -> str:
    """Write a note.

    Args:
        text: what to write.
    """
    return f"noted {text}"


def shared(old: Any, new: Any) -> Any:
    """A stored value without what later versions added to it."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {name: shared(old[name], new[name]) for name in old if name in new}
    if isinstance(old, list) and isinstance(new, list):
        return [shared(*pair) for pair in zip(old, new, strict=False)]
    return new


@pytest.mark.parametrize("version", VERSIONS)
def test_every_turn_of_an_older_version_reads_back_as_it_was(version: str, own_home: Path) -> None:
    told = unpack(version, own_home)
    with closing(Record(own_home)) as record:
        for turn in told["turns"]:
            now = to_json(record.get(turn["turn_id"]))
            assert shared(turn, now) == turn
            assert record.turns(turn["thread"])
        names = {one.thread: one for one in record.threads()}
        for thread in told["threads"]:
            assert names[thread["thread"]].turns == thread["turns"]
            assert names[thread["thread"]].locked == thread["locked"]
        (crashed,) = record.turns("crashed")
        assert (crashed.status, crashed.asked) == ("stopped", told["crashed"])
        assert crashed.text.startswith("one two")  # what had been said is kept
        assert record.stats().turns == len(told["turns"]) + 1
        assert record.stats().by_status["failed"] == 1
        assert [turn.thread for turn in record.search("sauna")] == ["swim"]
        said = [message.content for message in record.history("swim", with_locked=False)]
        assert len(said) == 6
        assert "A hard question: what about the sauna?" in said
        assert not record.history("secret", with_locked=False)
        assert record.is_locked("secret")
    Record(own_home).close()  # and once more
    with closing(sqlite3.connect(own_home / "record.sqlite")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_thread_goes_on(version: str, own_home: Path, copilots: Any) -> None:
    told = unpack(version, own_home)
    copilot = copilots(["And on it goes."], tools=[note])
    answer = copilot.ask("Another question?", thread="swim")
    assert answer.text == "And on it goes."
    said = [m.content for m in copilot.model("quick").requests[-1].messages]
    assert any("What is the fee of the pool?" in one for one in said)
    waiting = [turn for turn in told["turns"] if turn["thread"] == "waiting"]
    assert bool(waiting) == (int(version[1:]) >= 4)
    for turn in waiting:
        done = copilot.approve(turn["turn_id"])
        assert done.status == "done", done
        (step,) = copilot.record.get(done.turn_id).tools
        assert (step.name, step.outcome, step.result) == ("note", "done", "noted buy bread")


@pytest.mark.parametrize("version", VERSIONS)
def test_older_documents_are_found(version: str, own_home: Path) -> None:
    unpack(version, own_home, "knowledge.sqlite")
    with closing(Knowledge(own_home, Words())) as knowledge:
        (collection,) = knowledge.collections()
        assert collection.passages
        assert "seven euros" in knowledge.search("fee of the pool", k=1)[0].text


def test_a_newer_file_is_refused_and_left_as_it_is(own_home: Path) -> None:
    unpack(VERSIONS[-1], own_home, "record.sqlite")
    path = own_home / "record.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"was written by a newer tierwise\. Upgrade tierwise\."):
            Record(own_home)
    assert path.read_bytes()[100:] == before[100:]
    assert not list(own_home.glob("*.damaged*"))

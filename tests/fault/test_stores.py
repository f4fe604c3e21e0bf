"""Stores that are damaged, full or locked: short forms of ``python -m benches.faults.stores``."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from benches.faults.stores import damages_of_record
from benches.faults.stores_beside import Nothing, Words, damages_of_knowledge, damages_of_threads
from benches.faults.stores_full import full_disks
from benches.faults.stores_locked import held

from tierwise import Copilot
from tierwise.damage import take_news
from tierwise.errors import StoreBusy, TierwiseError
from tierwise.knowledge import Knowledge
from tierwise.testing import Step, make_copilot
from tierwise.types import ToolCall
from tierwise_tools import tool


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """What is logged is asserted on elsewhere."""
    caplog.set_level("ERROR", "tierwise")


@pytest.fixture
def copilots(own_home: Path) -> Iterator[Any]:
    """Makes copilots on scripted models, without documents, and closes them."""
    made: list[Copilot] = []

    def make(script: Any, **options: Any) -> Copilot:
        made.append(make_copilot(script, home=own_home, retriever=Nothing(), embedder=Words(), **options))
        return made[-1]

    yield make
    for copilot in made:
        copilot.close()


def test_whatever_is_damaged_nothing_is_lost_or_wrong_without_a_word() -> None:
    result = damages_of_record(16, first=int(os.environ.get("TIERWISE_SEED", "16")))
    assert result.passed, result.examples
    assert result.mended >= 8


def test_a_turn_that_waits_goes_on_whatever_becomes_of_its_checkpoints() -> None:
    result = damages_of_threads(6, first=2)
    assert result.passed, result.examples


def test_damaged_knowledge_is_told_and_costs_no_turn() -> None:
    result = damages_of_knowledge(5, first=7)
    assert result.passed, result.examples


def test_a_full_disk_is_told_and_nothing_that_was_said_is_lost() -> None:
    result = full_disks(1)
    assert result.passed, result.text()


def test_who_reads_does_not_wait_and_who_writes_does_not_wait_long(own_home: Path, copilots: Any) -> None:
    copilot = copilots(["Yes."])
    copilot.ask("First?", thread="t")
    copilot.record._db.execute("PRAGMA busy_timeout = 200")
    with held(own_home / "record.sqlite"):
        assert len(copilot.record.turns("t")) == 1
        with pytest.raises(StoreBusy, match="Another process has been writing"):
            copilot.ask("Second?", thread="t")
    with held(own_home / "threads.sqlite"):
        began = time.monotonic()
        assert copilot.ask("Third?", thread="t").text == "Yes."  # only its steps cannot be kept
        assert time.monotonic() - began < 30
    assert [one.asked for one in copilot.record.turns("t")] == ["First?", "Third?"]


def test_a_checkpoint_that_changed_is_not_gone_on_from(own_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    written: list[str] = []

    @tool(effects="write")
    def note(text: str) -> str:
        """Write a note.

        Args:
            text: what to write.
        """
        written.append(text)
        return "noted"

    def say(request: Any) -> Step:
        if request.messages[-1].role == "tool":
            return Step("It is written down.")
        return Step("", calls=(ToolCall("c1", "note", {"text": "buy bread"}),))

    with closing(make_copilot([say], home=own_home, tools=[note])) as copilot:
        turn = copilot.ask("Write it down, please.").turn_id
    path = own_home / "threads.sqlite"
    data = path.read_bytes()
    assert b"buy bread" in data
    path.write_bytes(data.replace(b"buy bread", b"buy brend"))
    with closing(make_copilot([say], home=own_home, tools=[note])) as copilot:
        answer = copilot.approve(turn)
        if answer.status == "needs_approval":
            answer = copilot.approve(turn)
        assert answer.text == "It is written down."
    assert written == ["buy bread"]
    (news,) = take_news(own_home)
    assert "begins anew" in news


def test_a_passage_that_changed_is_left_out_and_that_is_said(own_home: Path) -> None:
    folder = own_home / "docs"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("The fee of the pool is seven euros.\n")
    (folder / "b.md").write_text("The fee of the sauna is nine euros.\n")
    with closing(Knowledge(own_home, Words())) as knowledge:
        knowledge.ingest([folder])
    path = own_home / "knowledge.sqlite"
    path.write_bytes(path.read_bytes().replace(b"pool is seven euros", b"pool is eight euros"))
    with closing(Knowledge(own_home, Words())) as knowledge:
        found = knowledge.search("fee of the pool", k=5)
        assert [passage.text for passage in found] == ["The fee of the sauna is nine euros."]
        assert "damaged" in (knowledge.degraded or "")


def test_a_full_disk_shows_the_answer_and_says_that_it_is_not_kept(own_home: Path, copilots: Any) -> None:
    words = [f"{n:0100}" for n in range(600)]
    copilot = copilots(["Yes.", " ".join(words), "Yes."])
    copilot.ask("First?", thread="t")
    record = copilot.record

    def fill(page_count: int) -> None:
        record._db.execute(f"PRAGMA max_page_count = {page_count}")

    (pages,) = record._db.execute("PRAGMA page_count").fetchone()
    fill(pages + 6)
    answer = copilot.ask("Second?", thread="t")
    assert answer.status == "failed"
    assert answer.text.split() == words
    assert "could not be stored" in (answer.error or "")
    assert "no space is left" in (answer.error or "")
    with pytest.raises(TierwiseError, match="no space is left"):
        answer.raise_for_status()
    fill(1_000_000)
    assert copilot.ask("Third?", thread="u").status == "done"

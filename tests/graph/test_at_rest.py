"""What is stored of a turn holds no secret; what the person sees, and what a call runs with, is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from parts import Shelf, passage
from secret_rows import PERSONAL, SECRETS
from tool_steps import Outbox, calling, echo

from tierwise import DecisionRecord, Settings
from tierwise.record import Record

KEY = SECRETS["openai"][1]
MAIL = PERSONAL["mail"][1]


def files_with(home: Path, words: str) -> list[str]:
    return [path.name for path in home.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


def test_the_person_gets_the_answer_and_the_stores_get_it_without_the_secret(copilots: Any, own_home: Path) -> None:
    shelf = Shelf(passage(f"The old key was {KEY}."))
    copilot = copilots([f"Yes. The key {KEY} still works. The old key was {KEY}."], retriever=shelf)
    answer = copilot.ask(f"Is {KEY} still my key?", thread="t")
    assert KEY in answer.text
    assert [notice.code for notice in answer.notices if "left_out" in notice.code] == ["secrets_left_out"]
    stored = copilot.record.get(answer.turn_id)
    assert (stored.asked, stored.text) == (
        "Is [redacted] still my key?", "Yes. The key [redacted] still works. The old key was [redacted].",
    )  # fmt: skip
    assert "secrets_left_out" in [notice.code for notice in stored.notices]
    for citation, shown in zip(stored.citations, answer.citations, strict=True):
        said = answer.text[shown.sentence_start : shown.sentence_end]
        assert stored.text[citation.sentence_start : citation.sentence_end] == said.replace(KEY, "[redacted]")
    assert files_with(own_home, KEY) == []  # while the program still runs, the logs of the stores included
    assert not copilot.record.search(KEY)


def test_a_turn_without_a_secret_is_stored_as_it_is_told(copilots: Any) -> None:
    copilot = copilots([f"Write to {MAIL}, or pay by card: 12 tokens, key: none."])
    answer = copilot.ask("How do I reach you?")
    assert copilot.record.get(answer.turn_id).text == answer.text
    assert not answer.notices


@pytest.mark.parametrize(
    ("kind", "kept"), [("secrets", (False, True)), ("personal", (False, False)), ("nothing", (True, True))]
)
def test_what_is_left_out_is_a_setting(copilots: Any, own_home: Path, kind: Any, kept: tuple[bool, bool]) -> None:
    copilot = copilots([f"{KEY} and {MAIL}"], settings=Settings(home=own_home, redact=kind))
    copilot.ask("Which?")
    text = copilot.record.get("last").text
    assert (KEY in text, MAIL in text) == kept


def test_a_call_that_waited_runs_with_what_was_shown_and_leaves_nothing(copilots: Any, own_home: Path) -> None:
    outbox = Outbox()
    copilot = copilots([calling(("send", {"to": "ann", "text": KEY})), echo], tools=[outbox.send])
    answer = copilot.ask(f"Send {KEY} to Ann.", thread="t")
    assert answer.waiting[0].arguments == {"to": "ann", "text": KEY}
    assert KEY not in copilot.record.get(answer.turn_id).asked
    copilot.close()

    other = copilots([echo], tools=[outbox.send])
    assert other.record.get("last").waiting[0].arguments["text"] == KEY
    assert other.approve(answer.turn_id).status == "done"
    assert outbox.sent == [("ann", KEY)]
    (entry,) = other.record.calls(answer.turn_id)
    assert entry.arguments == {"to": "ann", "text": "[redacted]"}
    assert files_with(own_home, KEY) == []


def test_a_partial_answer_is_kept_without_half_a_key_at_its_end(own_home: Path) -> None:
    record = Record(own_home)
    record.start(DecisionRecord("turn-1", "t", f"My key: {KEY}", "running", 1.0))
    record.keep_partial("turn-1", 1, "quick", "m", f"Well, {KEY} is old and now {KEY[:20]}")
    (stored,) = record._rows("SELECT asked, text FROM (SELECT asked FROM turns), (SELECT text FROM partials)")
    assert tuple(stored) == ("My key: [redacted]", "Well, [redacted] is old and now [redacted]")
    record.close()


def test_what_was_stored_before_is_counted_and_taken_out(copilots: Any, own_home: Path) -> None:
    copilot = copilots([f"The key is {KEY}."], settings=Settings(home=own_home, redact="nothing"))
    copilot.ask(f"My key is {KEY}.", thread="old")
    copilot.ask("And now?", thread="other")
    copilot.record.rename_thread("old", f"About {KEY}"[:60])
    copilot.close()
    assert files_with(own_home, KEY)
    record = Record(own_home)
    assert len(record.turns_with_secrets()) == 2
    assert len(record.turns_with_secrets("old")) == 1
    assert record.take_secrets_out() == 2
    assert record.turns_with_secrets() == []
    assert [turn.text for turn in record.turns("old")] == ["The key is [redacted]."]
    assert [turn.turn_id for turn in record.search("redacted")]
    record.close()
    assert files_with(own_home, KEY[:40]) == []

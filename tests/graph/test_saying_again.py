"""Whoever follows a turn over the death of its program has at the end the text that is stored, and no other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from parts import MarkerVerifier, Shelf, TinyEmbedder

from tierwise import Copilot, Event, event_from_json
from tierwise.events import AnswerReady, AttemptDiscarded, TextDelta
from tierwise.testing import Step, make_copilot
from tierwise.types import ToolCall
from tierwise_tools import tool

ROOT = Path(__file__).parents[2]
SLOW = 0.03
PLAYS: dict[str, tuple[list[Step], list[Step]]] = {
    "one": ([Step("one two three four five six.", delay=SLOW)], []),
    "two": ([Step("I am UNSURE of it.")], [Step("one two three four five six.", delay=SLOW)]),
    "tool": (
        [Step("I look.", calls=(ToolCall("c", "look", {}),)), Step("one two three four five six.", delay=SLOW)],
        [],
    ),
}
"""What the tiers say, by name."""


@tool(effects="read")
def look() -> str:
    """Look."""
    return "it is there"


def copilot_for(play: str, home: Path) -> Copilot:
    """A copilot whose tiers say that."""
    quick, deep = PLAYS[play]
    return make_copilot(
        quick, deep, home=home, retriever=Shelf(), embedder=TinyEmbedder(), verifier=MarkerVerifier(), tools=[look]
    )


DYING = """
import os, sys
from pathlib import Path
from test_saying_again import copilot_for
from tierwise import event_to_json
import json, time
play, home, last, pause = sys.argv[1], Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])
copilot = copilot_for(play, home)
for event in copilot.stream("How is it?", thread="t"):
    print(json.dumps(event_to_json(event)), flush=True)
    if event.type == "text.delta" and last in event.text:
        time.sleep(pause)
        os._exit(9)
"""


def dies(play: str, home: Path, last: str, pause: float = 0.0) -> list[Event]:
    """The events of a program that ends with the word ``last``."""
    paths = [ROOT / "tests/graph", ROOT / "tests/support", ROOT]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {[str(one) for one in paths]!r}\n{DYING}",
         play, str(home), last, str(pause)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 9, done.stderr
    return [event_from_json(json.loads(line)) for line in done.stdout.splitlines()]


def read(events: Iterable[Event]) -> str:
    """What a reader has who keeps to the words of the events."""
    texts: dict[int, str] = {}
    for event in events:
        if isinstance(event, TextDelta):
            texts[event.attempt] = texts.get(event.attempt, "") + event.text
        elif isinstance(event, AttemptDiscarded):
            texts.pop(event.attempt, None)
    assert len(texts) <= 1
    return "".join(texts.values())


@pytest.mark.parametrize(
    ("play", "last", "pause"),
    [("one", "five", 0.5), ("two", "UNSURE", 0.0), ("two", "four", 0.5), ("tool", "one", 0.0), ("tool", "five", 0.5)],
)  # fmt: skip
def test_the_text_that_was_followed_is_the_text_that_is_stored(
    play: str, last: str, pause: float, own_home: Path
) -> None:
    first = dies(play, own_home, last, pause)
    assert last in read(first)
    with copilot_for(play, own_home) as copilot:
        second = list(copilot.stream_on())
        answer = second[-1]
        assert isinstance(answer, AnswerReady), answer
        assert answer.answer.status == "done"
        assert read([*first, *second]) == read(second) == copilot.record.get("last").text


def test_a_turn_that_waited_for_a_person_takes_nothing_back(copilots: Any) -> None:
    @tool(effects="write")
    def note() -> str:
        """Note it."""
        return "noted"

    copilot = copilots([Step("I note it.", calls=(ToolCall("c", "note", {}),)), Step("It is noted.")], tools=[note])
    first = list(copilot.stream("Note it."))
    copilot.decide(allow=True)
    second = list(copilot.stream_on())
    assert not any(isinstance(event, AttemptDiscarded) for event in second)
    assert read([*first, *second]) == copilot.record.get("last").text == "I note it.\n\nIt is noted."

"""Damaged files of checkpoints and of knowledge; see :mod:`benches.faults.stores`."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from scripts.make_store import Words

from benches.faults.damaging import damage
from benches.faults.stores import Result
from tierwise import Copilot, StoreError
from tierwise.damage import take_news
from tierwise.knowledge import Knowledge
from tierwise.testing import Step, make_copilot
from tierwise.types import ToolCall
from tierwise_tools import tool

_ASKED = "Write it down, please."
_TEXTS = {f"note{n}.md": f"# Note {n}\n\nThe fee of the pool {n} is {n + 7} euros in every season.\n" for n in range(8)}


class Nothing:
    """Finds nothing."""

    def search(self, query: str, **_: Any) -> list[Any]:
        """No passages."""
        return []


_written: list[str] = []


@tool(effects="write")
def note(text: str) -> str:
    """Write a note.

    Args:
        text: what to write.
    """
    _written.append(text)
    return f"noted {text}"


def _say(request: Any) -> Step:
    if request.messages[-1].role == "tool":
        return Step("It is written down.")
    if request.messages[-1].content.startswith(_ASKED):
        return Step("", calls=(ToolCall("c1", "note", {"text": "buy bread"}),))
    return Step("Yes.")


def _copilot(home: Path) -> Copilot:
    return make_copilot([_say], home=home, retriever=Nothing(), embedder=Words(), tools=[note])


def damages_of_threads(trials: int, *, first: int = 0) -> Result:
    """Damage the checkpoints of a turn that waits for a yes; then say yes."""

    def make(home: Path) -> None:
        with closing(_copilot(home)) as copilot:
            assert copilot.ask(_ASKED, thread="w").status == "needs_approval"
            shutil.copytree(home, home.with_name("killed"))

    def look(home: Path, result: Result, what: str) -> None:
        _written.clear()
        with closing(_copilot(home)) as copilot:
            (turn,) = copilot.record.turns("w")
            answer = copilot.approve(turn.turn_id)
            if answer.status == "needs_approval":  # it began anew, and asks anew
                answer = copilot.approve(turn.turn_id)
            if (answer.status, answer.text, _written) != ("done", "It is written down.", ["buy bread"]):
                result.wrong += 1
                result.note(f"{what}: {answer.status} {answer.text!r} {_written} {answer.error}")
            if copilot.ask("Are you there?", thread="w").text != "Yes.":
                raise StoreError("the next turn failed")
        result.mended += bool(take_news(home))

    return _trials(trials, first, "threads.sqlite", make, look)


def damages_of_knowledge(trials: int, *, first: int = 0) -> Result:
    """Damage the knowledge, then search it and ask with it: every passage is as it was, or that it is not is said."""

    def make(home: Path) -> None:
        folder = home / "docs"
        folder.mkdir(parents=True)
        for name, text in _TEXTS.items():
            (folder / name).write_text(text)
        with closing(Knowledge(home, Words())) as knowledge:
            knowledge.ingest([folder])
            shutil.copytree(home, home.with_name("killed"))

    def look(home: Path, result: Result, what: str) -> None:
        with closing(Knowledge(home, Words())) as knowledge:
            told = ""
            try:
                found = knowledge.search("fee of the pool", k=20)
                told = knowledge.degraded or ""
            except StoreError as error:
                found, told = [], str(error)
        text = " ".join(_TEXTS.values())
        if any(passage.text not in text for passage in found) or (len(found) < len(_TEXTS) and not told):
            result.wrong += 1
            result.note(f"{what}: {len(found)} passages, told {told!r}")
        with closing(make_copilot([_say], home=home, embedder=Words(), retriever=Knowledge(home, Words()))) as copilot:
            answer = copilot.ask("What is the fee of the pool?")
            if not answer.text and not answer.error:
                raise StoreError("no answer and no error")
        result.mended += bool(told or take_news(home))

    return _trials(trials, first, "knowledge.sqlite", make, look)


def _trials(
    trials: int, first: int, name: str, make: Callable[[Path], None], look: Callable[[Path, Result, str], None]
) -> Result:
    result = Result()
    with tempfile.TemporaryDirectory(prefix="tierwise-stores-") as folder_name:
        folder = Path(folder_name)
        make(folder / "clean")
        for seed in range(first, first + trials):
            home = folder / "trial"
            shutil.copytree(folder / ("clean", "killed")[seed // 16 % 2], home)
            what = f"{seed} {damage(home / name, seed)}"
            result.trials += 1
            began = time.perf_counter()
            try:
                look(home, result, what)
            except StoreError as error:
                result.loops += 1
                result.note(f"{what}: {error}")
            except (Exception, sqlite3.Error) as error:
                result.unclear += 1
                result.note(f"{what}: {type(error).__name__}: {error}")
            result.slowest = max(result.slowest, time.perf_counter() - began)
            shutil.rmtree(home)
    return result

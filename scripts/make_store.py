"""Make the stores of one version by real turns on scripted models, and write down what that version reads back.

Usage: ``python scripts/make_store.py CHECKOUT FOLDER``. The code that runs is CHECKOUT's, whatever is installed; FOLDER
gets ``record.sqlite``, ``threads.sqlite`` and ``knowledge.sqlite``, gzipped, and ``told.json``.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

_DOCUMENT = "# Pool\n\nThe fee of the pool is seven euros.\n\n# Sauna\n\nThe sauna shuts at nine on Sundays.\n"


class Words:
    """Word counts hashed into a few dimensions."""

    identity = "words/1"
    dimension = 16

    def embed(self, texts: Any) -> Any:
        """Vectors of length 1."""
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[sum(word.encode()) % self.dimension] += 1
            row /= np.linalg.norm(row) or 1
        return rows


class _Marker:
    """Wants to escalate every draft that says UNSURE."""

    async def verify(self, draft: Any, **_: Any) -> Any:
        from tierwise import Reason, Verdict

        unsure = "UNSURE" in draft.text
        reason = Reason("marker", "the draft says so", value=float(unsure), threshold=0.5)
        return Verdict("escalate" if unsure else "accept", 0.2 if unsure else 0.9, (reason,), {"marker": float(unsure)})


class _Found:
    """Finds one passage."""

    def search(self, query: str, **_: Any) -> list[Any]:
        from tierwise import Passage

        if "pool" not in query:
            return []
        text = "The fee of the pool is seven euros."
        return [Passage("p1", "/docs/pool.md", "default", None, 0, len(text), text, 0.8, None, False)]


def _quick(request: Any) -> Any:
    from tierwise.errors import ServerError
    from tierwise.testing import Step
    from tierwise.types import ToolCall

    asked = next(m.content for m in reversed(request.messages) if m.role == "user")
    if request.messages[-1].role == "tool":
        return Step(f"The tool said: {request.messages[-1].content}")
    if "look it up" in asked:
        return Step("", calls=(ToolCall("c1", "look_up", {"word": "fee"}),))
    if "write" in asked:
        return Step("", calls=(ToolCall("c2", "note", {"text": "buy bread"}),))
    if "hard" in asked:
        return Step("UNSURE, a draft.")
    if "break" in asked:
        return Step("Half a", error=ServerError("The server failed.", fix="Ask again."))
    if "slow" in asked or "die" in asked:
        return Step("one two three four five six seven eight nine ten", delay=0.05)
    return Step(f"The answer to {asked.splitlines()[-1][-40:]!r}: seven euros, ütf-8.")


def _deep(request: Any) -> Any:
    from tierwise.errors import ServerError
    from tierwise.testing import Step

    if "break" in request.messages[-1].content:
        return Step("", error=ServerError("The server failed.", fix="Ask again."))
    return Step("A better answer of the larger tier.")


def _tools() -> list[Any]:
    from tierwise_tools import tool

    reads: Any = {"effects": "read"}
    try:
        decorate = tool(**reads)
    except TypeError:  # the first version knew no effects, and asked nobody
        decorate = tool

    @decorate
    def look_up(word: str) -> str:
        """Look a word up.

        Args:
            word: the word.
        """
        return f"{word}: seven euros"

    if decorate is tool:
        return [look_up]

    @tool(effects="write")
    def note(text: str) -> str:
        """Write a note.

        Args:
            text: what to write.
        """
        return f"noted {text}"

    return [look_up, note]


def _copilot(home: Path) -> Any:
    from tierwise.testing import make_copilot

    return make_copilot(
        [_quick], [_deep], home=home, retriever=_Found(), embedder=Words(), verifier=_Marker(), tools=_tools()
    )


def _turns(copilot: Any) -> None:
    record = copilot.record
    copilot.ask("What is the fee of the pool?", thread="swim")
    copilot.ask("A hard question: what about the sauna?", thread="swim")
    copilot.ask("And please look it up.", thread="swim")
    copilot.ask("My budget is 300 euros. What now?", thread="money")
    copilot.ask("What stays here?", thread="secret", lock=True)
    record.lock_thread("secret", True)
    copilot.ask("Does it break?", thread="broken")
    stream = copilot.stream("Be slow, please.", thread="stopped")
    for event in stream:
        if event.type == "text.delta":
            break
    stream.close()
    record.set_feedback(record.turns("swim")[0].turn_id, "up")
    record.set_feedback(record.turns("money")[0].turn_id, "down: too short")
    if hasattr(copilot, "again"):
        copilot.again(record.turns("money")[0].turn_id, tier="deep")
    if hasattr(record, "rename_thread"):
        record.rename_thread("money", "What it costs")
    if hasattr(copilot, "approve"):
        copilot.ask("Would you write that down?", thread="waiting")
    if hasattr(copilot, "decide_sending"):
        copilot.ask("A hard one, to be shown first.", thread="shown", show_before_sending="always")


def _die(home: Path) -> None:
    """Begin a turn and end in the middle of it."""
    copilot = _copilot(home)
    said = 0
    for event in copilot.stream("Let the program die.", thread="crashed"):
        said += event.type == "text.delta"
        if said == 4:
            time.sleep(0.6)  # what was said so far is kept now and then
        if said == 6:
            os._exit(9)


def _documents(home: Path) -> None:
    from tierwise.knowledge import Knowledge

    folder = home / "docs"
    folder.mkdir()
    (folder / "pool.md").write_text(_DOCUMENT)
    with closing(Knowledge(home, Words())) as knowledge:
        knowledge.ingest([folder])


def _pack(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("VACUUM")


def main(checkout: Path, folder: Path) -> None:
    """Make the stores."""
    from tierwise.jsonable import to_json
    from tierwise.record import Record

    folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="tierwise-store-"))
    with closing(_copilot(home)) as copilot:
        _turns(copilot)
    with closing(Record(home)) as record:
        turns = [to_json(record.get(one)) for one in _ids(home)]
        threads = [to_json(one) for one in record.threads()]
    subprocess.run([sys.executable, __file__, str(checkout), "--die", str(home)], check=False)
    _documents(home)
    for name in ("record.sqlite", "threads.sqlite", "knowledge.sqlite"):
        _pack(home / name)
        (folder / f"{name}.gz").write_bytes(gzip.compress((home / name).read_bytes(), 9, mtime=0))
    told = {"turns": turns, "threads": threads, "crashed": "Let the program die."}
    (folder / "told.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(home)


def _ids(home: Path) -> list[str]:
    with closing(sqlite3.connect(home / "record.sqlite")) as db:
        return [turn_id for (turn_id,) in db.execute("SELECT turn_id FROM turns ORDER BY n")]


if __name__ == "__main__":
    where = Path(sys.argv[1]).resolve()
    sys.path[:0] = [str(where / "agents"), str(where / "tools")]
    if sys.argv[2] == "--die":
        _die(Path(sys.argv[3]))
    else:
        main(where, Path(sys.argv[2]).resolve())

"""A program whose turns hold secrets, with every library's log at its fullest: the one whose files and output are read.

    python -m benches.faults.secrets_program HOME KIND STEP [URL] < rows.json

``KIND`` is the word of ``redact``. A step is one life of the program: ``ends`` (turns that are answered, fail at URL,
are stopped), ``waits`` (turns that wait for a yes), ``goes_on`` (and get it), ``crashes`` (the program ends in the
middle of an answer), ``repaired`` (and its thread is gone on with).
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tierwise import Copilot, Passage, Settings, Tier, Verdict, tool
from tierwise.models.base import ChatRequest
from tierwise.redact import install
from tierwise.testing import ScriptedModel, Step
from tierwise.testing.loopback_embeddings import WordVectors
from tierwise.types import Draft, ToolCall

_WORDS = 6  # of an answer that is stopped or cut off


class _Shelf:
    """Finds one passage, whatever is asked."""

    text = ""

    def search(self, query: str, **_: Any) -> list[Passage]:
        return [Passage("p1", "/docs/notes.txt", "default", None, 0, len(self.text), self.text, 0.8)]


class _Accepts:
    async def verify(self, draft: Draft, *, dial: str = "balanced") -> Verdict:
        return Verdict("accept", 0.9, ())


@tool(effects="read")
def look(at: str) -> str:
    """Look at something.

    Args:
        at: what.
    """
    logging.getLogger("a.tool").debug("looks at %s", at)
    return f"It says: {at}"


@tool(effects="write")
def send(text: str) -> str:
    """Send a text.

    Args:
        text: what to send.
    """
    with Path(os.environ["OUTBOX"]).open("a", encoding="utf-8") as outbox:
        outbox.write(f"{json.dumps(text)}\n")
    return f"sent: {text}"


class Program:
    """One life of the program."""

    def __init__(self, home: Path, kind: str, url: str | None) -> None:
        self.shelf, self.steps = _Shelf(), list[Any]()
        model = ScriptedModel([self._next], repeat=True, name="scripted")
        tiers = [Tier("quick", model)]
        if url is not None:
            tiers.append(Tier("deep", "openai:big", base_url=url, api_key_env="SECRETS_PROGRAM"))
        settings = Settings(home=home, redact=kind)  # type: ignore[arg-type]
        self.copilot = Copilot(
            tiers,
            settings=settings,
            home=home,
            retriever=self.shelf,
            embedder=WordVectors(),
            verifier=_Accepts(),
            tools=[look, send],
        )

    def _next(self, request: ChatRequest) -> Step:
        step: Step = self.steps.pop(0)
        return step

    def ends(self, rows: list[str]) -> None:
        """Turns that end at once: answered, failed, stopped."""
        for n, row in enumerate(rows):
            self.shelf.text = f"From a document. {row}"
            self.steps[:] = [Step("", calls=(ToolCall("c1", "look", {"at": row, "n": [row]}),)), Step(f"Here: {row}")]
            answer = self.copilot.ask(f"What is this? {row}", thread=f"done-{n}")
            assert answer.status == "done" and row in answer.text, answer
            self.copilot.record.set_feedback(answer.turn_id, f"down: {row}")
            self.copilot.record.rename_thread(f"done-{n}", f"About {row}"[:60].replace("\n", " "))
            self.steps[:] = [Step(f"one two three {row} " + "more " * 50, delay=0.001)]
            stream = self.copilot.stream(f"Stop at {row}", thread=f"stopped-{n}")
            seen = 0
            for event in stream:
                seen += event.type == "text.delta"
                if seen == _WORDS:
                    break
            stream.close()  # type: ignore[attr-defined]
            if "deep" in [tier.name for tier in self.copilot.tiers]:
                failed = self.copilot.ask(f"Fail with {row}", thread=f"failed-{n}", tier="deep")
                assert failed.status == "failed", failed
                warnings.warn(str(failed.error), stacklevel=1)

    def waits(self, rows: list[str]) -> None:
        """Turns that wait for a yes to sending a row."""
        for n, row in enumerate(rows):
            self.shelf.text = row
            self.steps[:] = [Step(f"I will: {row}", calls=(ToolCall("c1", "send", {"text": row}),))]
            answer = self.copilot.ask(f"Send {row}", thread=f"waits-{n}")
            assert answer.status == "needs_approval" and answer.waiting[0].arguments == {"text": row}, answer

    def goes_on(self, rows: list[str]) -> None:
        """A person's yes, in another life of the program."""
        for turn in self.copilot.record.waiting_turns():
            self.steps[:] = [Step("It is sent.")]
            answer = self.copilot.approve(turn.turn_id)
            assert answer.status == "done", answer

    def crashes(self, rows: list[str]) -> None:
        """The program ends in the middle of the last answer."""
        row = rows[0]
        self.shelf.text = row
        self.steps[:] = [
            Step("", calls=(ToolCall("c1", "look", {"at": row}),)),
            Step(f"Well, {row} " + "w " * 900, delay=0.02),
        ]
        seen = 0
        for event in self.copilot.stream(f"Crash on {row}", thread="crashed"):
            seen += event.type == "text.delta"
            if seen == 40:
                os._exit(0)

    def repaired(self, rows: list[str]) -> None:
        """The thread is gone on with: the turn that was cut off is given up."""
        self.steps[:] = [Step("Hello again.")]
        assert self.copilot.ask("Hello?", thread="crashed").status == "done"


def main(home: str, kind: str, step: str, url: str | None = None) -> None:
    """Live once."""
    install()
    logging.basicConfig(level=logging.DEBUG)
    program = Program(Path(home), kind, url)
    act: Callable[[list[str]], None] = getattr(program, step)
    try:
        act(json.load(sys.stdin))
    finally:
        program.copilot.close()
    print(step, "ok")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Threads that were never asked: written to the record as the graph would have."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tierwise import DecisionRecord
from tierwise.record import Record
from tierwise.turns import Attempt
from tierwise.types import Reason, Usage


def fill(home: Path, thread: str, turns: int) -> None:
    """Write a thread of many turns."""
    now = time.time()
    with closing(Record(home)) as record:
        for n in range(turns):
            begun = DecisionRecord(
                f"{thread}-{n}", thread, f"Question {n} of a long thread?", "running", now - 60 * (turns - n)
            )
            record.start(begun)
            record.finish(_ended(begun, n))


def _ended(begun: DecisionRecord, n: int) -> DecisionRecord:
    text = f"Answer {n} of a long thread."
    usage = Usage(prompt_tokens=400, completion_tokens=8)
    reason = Reason("p_good", "The draft is likely right", value=0.81, threshold=0.55)
    attempt = Attempt(1, "quick", "openai:scripted-quick", "openai:scripted-quick", "accepted", text=text, usage=usage)
    return replace(
        begun,
        status="done",
        chosen="quick",
        final="quick",
        stage="pre",
        text=text,
        reasons=(reason,),
        attempts=(attempt,),
        usage=usage,
        ms={"total": 900.0},
    )

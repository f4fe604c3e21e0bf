"""Decision records as a user's history has them, written straight into a record."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from tierwise.record import Record
from tierwise.turns import Attempt, DecisionRecord, SentOut
from tierwise.types import Reason, Usage


def drafted(turn_id: str, p_good: float, *, up: bool = False, usd: float = 0.0, **fields: Any) -> DecisionRecord:
    """A turn of today that quick drafted, and that deep answered if it went up."""
    reasons = (Reason("p_good", f"{p_good:.2f} is too little.", p_good, 0.55),) if up else ()
    attempts = [
        Attempt(1, "quick", "llama:q", "q", "discarded" if up else "accepted", "secret draft", p_good, reasons,
                Usage(100, 20), ms=1000.0, first_token_ms=100.0)
    ]  # fmt: skip
    if up:
        better = Attempt(2, "deep", "openai:d", "d", "accepted", "secret answer", usage=Usage(200, 50), cost_usd=usd,
                         ms=3000.0, first_token_ms=400.0)  # fmt: skip
        attempts.append(better)
    record = DecisionRecord(
        turn_id, f"t-{turn_id}", f"secret question {turn_id}", "done", time.time(), chosen="quick",
        final=attempts[-1].tier, stage="post", text=attempts[-1].text, reasons=reasons, p_good={"quick": p_good},
        attempts=tuple(attempts), sent_out=SentOut(500, 0, ("api.example.com",)) if up else SentOut(),
        usage=sum((a.usage for a in attempts), Usage()), cost_usd=usd, ms={"total": 1000.0 * len(attempts)},
    )  # fmt: skip
    return replace(record, **fields)


def keep(record: Record, *turns: DecisionRecord) -> None:
    """Store turns as if they had just ended."""
    for turn in turns:
        record.start(replace(turn, status="running"))
        if turn.status != "running":
            record.finish(turn)

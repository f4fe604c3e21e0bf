"""From a decision record to the public answer."""

from __future__ import annotations

from tierwise.turns import Answer, DecisionRecord
from tierwise.types import Decision


def answer_of(record: DecisionRecord) -> Answer:
    """The public part of a decision record.

    Raises:
        ValueError: if the turn still runs.
    """
    if record.status == "running":
        raise ValueError(f"turn {record.turn_id} is not over")
    return Answer(
        turn_id=record.turn_id,
        thread=record.thread,
        status=record.status,
        text=record.text,
        tier=record.final,
        citations=record.citations,
        attempts=record.attempts,
        decision=Decision(record.stage, record.p_good, record.reasons) if record.stage else None,
        usage=record.usage,
        cost_usd=record.cost_usd,
        ms=record.ms.get("total", 0.0),
        sent_out=record.sent_out,
        notices=record.notices,
        error=record.error,
        waiting=record.waiting,
        files=tuple(path for step in record.tools for path in step.files),
        unsupported=record.unsupported,
        outgoing=record.outgoing,
        calls=record.calls,
        finish=record.finish,
    )

"""Sums over decision records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tierwise.record.feedback import disliked, liked
from tierwise.record.missed import missed_by
from tierwise.turns import DecisionRecord


@dataclass(frozen=True, slots=True)
class Stats:
    """What the turns of a period add up to.

    Attributes:
        turns: how many were begun.
        by_status: turns by how they ended.
        by_tier: answered turns by the tier whose text was served.
        escalated: turns in which a further tier was tried after a draft.
        local_share: share of answered turns from which nothing left the device; ``None`` without any.
        degraded: turns answered without a tier that should have helped.
        overruled: answers that the user had another tier give again, by kind: ``escalate``, ``local``.
        thumbs: answers by the user's judgement: ``up``, ``down``.
        regretted: answers from which nothing left the device, and that the user escalated or thumbed down; one that
            said itself that a larger tier should have answered is no regret.
        regret: their share of such answers; ``None`` without any.
        cost_usd: money spent.
        prompt_tokens: tokens read, over all attempts.
        completion_tokens: tokens written, over all attempts.
        sent_bytes: bytes that left the device.
        ms_median: median duration of answered turns in milliseconds.
        ms_p95: 95 % of answered turns were at most this long.
    """

    turns: int = 0
    by_status: dict[str, int] = field(default_factory=dict)
    by_tier: dict[str, int] = field(default_factory=dict)
    escalated: int = 0
    local_share: float | None = None
    degraded: int = 0
    overruled: dict[str, int] = field(default_factory=dict)
    thumbs: dict[str, int] = field(default_factory=dict)
    regretted: int = 0
    regret: float | None = None
    cost_usd: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    sent_bytes: int = 0
    ms_median: float | None = None
    ms_p95: float | None = None


def summarise(records: Sequence[DecisionRecord]) -> Stats:
    """Sum decision records."""
    answered = [r for r in records if r.status == "done"]
    durations = sorted(r.ms.get("total", 0.0) for r in answered)
    local = [r for r in answered if r.sent_out.bytes == 0]
    regretted = sum((r.overruled == "escalate" and not _missed(r)) or disliked(r.feedback) for r in local)
    thumbs = {"up": sum(liked(r.feedback) for r in records), "down": sum(disliked(r.feedback) for r in records)}
    return Stats(
        turns=len(records),
        by_status=dict(Counter(r.status for r in records)),
        by_tier=dict(Counter(r.final for r in answered if r.final)),
        escalated=sum(len({a.tier for a in r.attempts}) > 1 for r in records),
        local_share=len(local) / len(answered) if answered else None,
        degraded=sum(any(n.code == "degraded" for n in r.notices) for r in records),
        overruled=dict(Counter(r.overruled for r in records if r.overruled)),
        thumbs={thumb: n for thumb, n in thumbs.items() if n},
        regretted=regretted,
        regret=regretted / len(local) if local else None,
        cost_usd=sum(r.cost_usd for r in records),
        prompt_tokens=sum(r.usage.prompt_tokens for r in records),
        completion_tokens=sum(r.usage.completion_tokens for r in records),
        sent_bytes=sum(r.sent_out.bytes for r in records),
        ms_median=_quantile(durations, 0.5),
        ms_p95=_quantile(durations, 0.95),
    )


def _missed(record: DecisionRecord) -> bool:
    return missed_by(record.status, [n.code for n in record.notices], locked=record.locked) is not None


def _quantile(ordered: Sequence[float], q: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else None

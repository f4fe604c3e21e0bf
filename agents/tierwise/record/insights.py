"""Sums over decision records by reason, by tier and by day: how one works with one's tiers."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tierwise.record.feedback import disliked, liked
from tierwise.turns import DecisionRecord


@dataclass(frozen=True, slots=True)
class TierSums:
    """What one tier did.

    Attributes:
        answers: turns whose served text is the tier's.
        attempts: tries that it began, drafts included.
        up: its answers with a thumb up.
        down: its answers with a thumb down.
        replaced: its answers that the user had given again, by whichever tier.
        first_token_p50: median milliseconds from an attempt's start to its first token; ``None`` if not measured.
        first_token_p95: 95 % of the attempts were at most this long.
        ms_p50: median milliseconds of an attempt that ended.
        ms_p95: 95 % of them were at most this long.
        prompt_tokens: tokens read.
        completion_tokens: tokens written.
        cost_usd: money spent.
    """

    answers: int = 0
    attempts: int = 0
    up: int = 0
    down: int = 0
    replaced: int = 0
    first_token_p50: float | None = None
    first_token_p95: float | None = None
    ms_p50: float | None = None
    ms_p95: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class DaySums:
    """Answered turns of a day (``2026-11-27``, this machine's clock), by whether anything left the device."""

    day: str
    local: int
    out: int


@dataclass(frozen=True, slots=True)
class Insights:
    """What the turns of a period say beyond :class:`~tierwise.record.Stats`.

    Attributes:
        threads: conversations with a turn in the period.
        days: each day with an answered turn, oldest first.
        auto: answered turns for which no tier was asked for, and that a tier drafted.
        escalated: those of them in which a further tier was tried after a draft.
        escalation_rate: their share; ``None`` without any.
        escalated_by: what made them go up, by the code of the draft's first reason; ``failed``: its tier failed.
        ahead_by: answered turns that left out the cheapest tier by rule or prediction, by code of the first reason.
        refused_by: turns that were to have a larger tier and were not given one, by code; turns that were refused
            altogether count as ``lock`` or ``offline``, else ``guard`` (a guard or the budget).
        sent: answered turns from which something left the device.
        wasted: those of them that the user then had answered on the device; what they cost is ``wasted_usd``.
        waste: their share; ``None`` without any.
        wasted_usd: USD.
        by_tier: sums of each tier.
    """

    threads: int = 0
    days: tuple[DaySums, ...] = ()
    auto: int = 0
    escalated: int = 0
    escalation_rate: float | None = None
    escalated_by: dict[str, int] = field(default_factory=dict)
    ahead_by: dict[str, int] = field(default_factory=dict)
    refused_by: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    wasted: int = 0
    waste: float | None = None
    wasted_usd: float = 0.0
    by_tier: dict[str, TierSums] = field(default_factory=dict)


def sum_up(records: Sequence[DecisionRecord]) -> Insights:
    """Sum decision records, in any order."""
    answered = [r for r in records if r.status == "done"]
    auto = [r for r in answered if r.requested_tier == "auto" and r.attempts]
    up = [r for r in auto if _went_up(r)]
    ahead = [r for r in auto if not _went_up(r) and r.stage in ("pre", "policy", "fallback") and r.reasons]
    sent = [r for r in answered if r.sent_out.bytes]
    wasted = [r for r in sent if r.overruled == "local"]
    return Insights(
        threads=len({r.thread for r in records}),
        days=_days(answered),
        auto=len(auto),
        escalated=len(up),
        escalation_rate=len(up) / len(auto) if auto else None,
        escalated_by=_counted(_why_up(r) for r in up),
        ahead_by=_counted(r.reasons[0].code for r in ahead if r.reasons[0].code != "draft_first"),
        refused_by=_counted(code for r in records if (code := _refused(r)) is not None),
        sent=len(sent),
        wasted=len(wasted),
        waste=len(wasted) / len(sent) if sent else None,
        wasted_usd=sum(r.cost_usd for r in wasted),
        by_tier=_tiers(records),
    )


def quantile(values: Iterable[float], q: float) -> float | None:
    """The smallest value that at least a share ``q`` of the values does not exceed; ``None`` without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)] if ordered else None


def _went_up(record: DecisionRecord) -> bool:
    return len({a.tier for a in record.attempts}) > 1


def _why_up(record: DecisionRecord) -> str:
    first = record.attempts[0]
    return first.reasons[0].code if first.reasons else "failed" if first.outcome == "failed" else "unknown"


def _refused(record: DecisionRecord) -> str | None:
    if record.refused is not None:
        return record.refused
    helpless = any(notice.code == "would_escalate" for notice in record.notices)
    if record.status != "blocked" and not helpless:
        return None
    if record.locked or record.offline:
        return "lock" if record.locked else "offline"
    return "guard" if record.status == "blocked" else "unknown"


def _days(answered: Iterable[DecisionRecord]) -> tuple[DaySums, ...]:
    found: dict[str, list[int]] = {}
    for record in answered:
        day = found.setdefault(time.strftime("%Y-%m-%d", time.localtime(record.created)), [0, 0])
        day[record.sent_out.bytes > 0] += 1
    return tuple(DaySums(day, *found[day]) for day in sorted(found))


def _tiers(records: Iterable[DecisionRecord]) -> dict[str, TierSums]:
    found: dict[str, _Tally] = {}
    for record in records:
        for attempt in record.attempts:
            tally = found.setdefault(attempt.tier, _Tally())
            tally.attempts += 1
            tally.prompt += attempt.usage.prompt_tokens
            tally.completion += attempt.usage.completion_tokens
            tally.usd += attempt.cost_usd
            if attempt.first_token_ms is not None:
                tally.first.append(attempt.first_token_ms)
            if attempt.outcome in ("accepted", "discarded"):
                tally.ms.append(attempt.ms)
        if record.status == "done" and record.final:
            tally = found.setdefault(record.final, _Tally())
            tally.answers += 1
            tally.up += liked(record.feedback)
            tally.down += disliked(record.feedback)
            tally.replaced += record.overruled is not None
    return {name: tally.sums() for name, tally in sorted(found.items(), key=lambda item: (-item[1].answers, item[0]))}


class _Tally:
    def __init__(self) -> None:
        self.answers = self.attempts = self.up = self.down = self.replaced = self.prompt = self.completion = 0
        self.first: list[float] = []
        self.ms: list[float] = []
        self.usd = 0.0

    def sums(self) -> TierSums:
        return TierSums(
            self.answers, self.attempts, self.up, self.down, self.replaced,
            quantile(self.first, 0.5), quantile(self.first, 0.95), quantile(self.ms, 0.5), quantile(self.ms, 0.95),
            self.prompt, self.completion, self.usd,
        )  # fmt: skip


def _counted(codes: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(codes).items(), key=lambda item: (-item[1], item[0])))

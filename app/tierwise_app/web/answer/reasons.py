"""A turn's causes and figures as text: what the page draws, without drawing it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from tierwise import DecisionRecord, Reason
from tierwise.turns import Attempt
from tierwise_app.render import reason_text
from tierwise_app.text import clean, duration, money, one_line
from tierwise_app.web.words import known, raw

_ENDS = ("blocked", "failed", "stopped", "needs_approval", "running")
_MARKS = ("stand_in", "degraded", "fallback", "kept_here")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Measure:
    """A cause with its figures.

    Attributes:
        text: the cause in words; with what was measured if that is not drawn.
        value: as measured, if there is a line that it can be drawn against; both are then in [0, 1].
        line: the threshold.
    """

    text: str
    value: float | None = None
    line: float | None = None


def measures(reasons: Iterable[Reason]) -> list[Measure]:
    """Causes in their order, each once."""
    return [_measure(reason) for reason in dict.fromkeys(reasons)]


def _measure(reason: Reason) -> Measure:
    value, line = reason.value, reason.threshold
    if value is None or line is None or not (0 <= value <= 1 and 0 <= line <= 1):
        return Measure(reason_text(reason))
    return Measure(clean(reason.text).rstrip("."), value, line)


def headline(record: DecisionRecord) -> str:
    """One sentence, as plain text: who answered, and the first cause of it."""
    if record.status in _ENDS:
        return raw(f"why.end.{record.status}", tier=_last_tier(record), why=one_line(record.error or "", _LONGEST))
    if record.final is None:
        return raw("why.end.settled")
    codes = {notice.code for notice in record.notices}
    if "not_in_documents" in codes and (attempt := served(record)) is not None and attempt.reasons:
        return raw("why.end.held_back", tier=record.final, why=_sentence(reason_text(attempt.reasons[0])))
    reason = _sentence(reason_text(record.reasons[0])) if record.reasons else raw("why.unknown")
    first = record.attempts[0].tier if record.attempts else record.final
    failed = next((one for one in reversed(record.attempts) if one.outcome == "failed"), None)
    if failed is not None and (record.stage == "fallback" or record.final == first != failed.tier):
        why = one_line(failed.error or "", _LONGEST).rstrip(".")
        return raw("why.way.failed", tier=record.final, failed=failed.tier, why=why or raw("why.unknown"))
    if record.final != first:
        return raw("why.way.escalated", tier=record.final, first=first, why=reason)
    return raw(f"why.way.{record.stage or 'post'}", tier=record.final, why=reason)


def model_name(attempt: Attempt) -> str:
    """The model that really answered, as people call it: without its kind, and of a file only the name."""
    name = attempt.model_served or attempt.model_requested
    if name == attempt.model_requested:
        name = name.partition(":")[2] or name
    return PurePath(name.replace("\\", "/")).name.removesuffix(".gguf") or name


def served(record: DecisionRecord) -> Attempt | None:
    """The attempt whose text was served, or stands as the turn's partial text."""
    return next((one for one in reversed(record.attempts) if one.tier == record.final), None)


def place_of(record: DecisionRecord) -> str:
    """Where the answer was written, in a few words."""
    attempt, hosts = served(record), ", ".join(record.sent_out.hosts)
    if attempt is not None and attempt.on_device is False:
        return raw("why.place.host", host=hosts) if hosts else raw("why.place.away")
    if not record.sent_out.bytes:
        return raw("why.place.device")
    if attempt is not None and attempt.on_device:
        return raw("why.place.both", host=hosts or raw("why.place.server"))
    return raw("why.place.host", host=hosts) if hosts else raw("why.place.away")


def tier_parts(record: DecisionRecord) -> list[str]:
    """The parts of the line under an answer, as plain text."""
    attempt = served(record)
    if attempt is None:
        parts = [raw(f"why.none.{record.status}")]
        if record.sent_out.bytes:
            parts.append(place_of(record))
    else:
        parts = [attempt.tier, model_name(attempt), place_of(record)]
        if record.status in ("stopped", "failed", "needs_approval"):
            parts.append(raw(f"why.none.{record.status}"))
    if "total" in record.ms:
        parts.append(duration(record.ms["total"]))
    codes = {notice.code for notice in record.notices}
    unpriced = "price_unknown" in codes and not record.cost_usd
    parts.append(raw("why.price_unknown") if unpriced else money(record.cost_usd))
    return parts + [raw(f"why.mark.{code}") for code in _MARKS if code in codes]


def phase_name(phase: str) -> str:
    """A phase of a turn in words, as plain text."""
    key = f"why.phase.{phase}"
    return raw(key) if known(key) else phase  # a node of the user's own has no words


def _last_tier(record: DecisionRecord) -> str:
    return record.attempts[-1].tier if record.attempts else raw("why.no_tier")


def _sentence(text: str) -> str:
    """Without its end mark, and not begun with a capital that only the beginning of a sentence has."""
    text = text.rstrip(".")
    first, _, _ = text.partition(" ")
    return text[:1].lower() + text[1:] if first.istitle() and len(first) > 1 else text

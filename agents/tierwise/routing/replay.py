"""What another setting would have changed, read from the decision records: no model and no tool is run for it.

Only the line that a draft had to reach is moved. What a turn of the records would have led to afterwards (another
answer, another next question) nobody knows, and nothing is said about it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tierwise.turns import Attempt, DecisionRecord

Line = Callable[[DecisionRecord], bool | None]
"""Whether a setting would escalate the draft of a turn; ``None`` if that is not known."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Turns as they were decided (``then``) and as another setting would decide them (``now``).

    Attributes:
        turns: how many were looked at: answered, of the user's ``auto``, with a draft of the cheapest tier.
        failed_checks: those of them whose draft was plainly wrong (cut, empty, a refusal ...): every setting escalates.
        skipped: turns that were not looked at, by reason: ``not_done``, ``manual`` (a tier was asked for), ``locked``
            (to the device, or offline), ``no_draft`` (the cheapest tier did not draft), ``no_larger_tier`` (none could
            be asked), ``doubted`` (the draft was given up before its end), ``unmeasured`` (the draft has no chance of
            being right), ``unknown`` (the setting does not say).
        escalations_then: turns that went to a larger tier.
        escalations_now: turns that would.
        more: ids of turns that would newly go up, oldest first.
        fewer: ids of turns that would not go up any more, oldest first.
        disliked_more: those of ``more`` that the user thumbed down or overruled: the setting might have spared them.
        disliked_fewer: those of ``fewer`` that the user thumbed down or overruled although a larger tier answered.
        local_share_then: share of the turns that stayed on the cheapest tier, ``None`` without any.
        local_share_now: share that would.
        usd_then: what the larger tiers cost in these turns; ``None`` if no price is known.
        usd_now: an estimate: turns that would newly go up cost the mean of those that did; ``None`` if it is not known.
    """

    turns: int = 0
    failed_checks: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    escalations_then: int = 0
    escalations_now: int = 0
    more: tuple[str, ...] = ()
    fewer: tuple[str, ...] = ()
    disliked_more: int = 0
    disliked_fewer: int = 0
    local_share_then: float | None = None
    local_share_now: float | None = None
    usd_then: float | None = None
    usd_now: float | None = None


def replay(records: Iterable[DecisionRecord], *, cheapest: str, line: Line) -> Replay:
    """Decide the turns again.

    Args:
        records: in any order.
        cheapest: the tier whose drafts are judged.
        line: the other setting.
    """
    skipped: Counter[str] = Counter()
    plain, more, fewer = 0, [], []
    up: list[DecisionRecord] = []
    turns = 0
    for record in sorted(records, key=lambda r: (r.created, r.turn_id)):
        then = went_up(record, cheapest)
        why, now = decided_again(record, cheapest, line)
        if why is not None:
            skipped[why] += 1
            continue
        turns += 1
        plain += is_plain(record, cheapest)
        if then:
            up.append(record)
        if now and not then:
            more.append(record)
        elif then and not now:
            fewer.append(record)
    n_now = len(up) + len(more) - len(fewer)
    then_usd, now_usd = _money(up, more, fewer, cheapest)
    return Replay(
        turns=turns,
        failed_checks=plain,
        skipped=dict(skipped),
        escalations_then=len(up),
        escalations_now=n_now,
        more=tuple(r.turn_id for r in more),
        fewer=tuple(r.turn_id for r in fewer),
        disliked_more=sum(map(_disliked, more)),
        disliked_fewer=sum(map(_disliked, fewer)),
        local_share_then=1 - len(up) / turns if turns else None,
        local_share_now=1 - n_now / turns if turns else None,
        usd_then=then_usd,
        usd_now=now_usd,
    )


def first_draft(record: DecisionRecord, cheapest: str) -> Attempt | None:
    """The draft with which the cheapest tier began the turn, whatever became of it; ``None`` if it wrote none."""
    if record.chosen != cheapest or not record.attempts or record.attempts[0].tier != cheapest:
        return None
    draft = record.attempts[0]
    # A text that was refused for its form counts as failed, too, and has the reason.
    return draft if draft.outcome in ("accepted", "discarded") or draft.reasons else None


def went_up(record: DecisionRecord, cheapest: str) -> bool:
    """Whether another tier was asked after the draft, also one that could not help."""
    return first_draft(record, cheapest) is not None and any(a.tier != cheapest for a in record.attempts[1:])


def is_plain(record: DecisionRecord, cheapest: str) -> bool:
    """Whether the draft went up for a plain failure, which no setting lets pass."""
    draft = first_draft(record, cheapest)
    return draft is not None and draft.p_good is None and bool(draft.reasons) and went_up(record, cheapest)


def below(threshold: float, cheapest: str) -> Line:
    """The setting that escalates drafts whose chance of being right is below a threshold."""

    def line(record: DecisionRecord) -> bool | None:
        draft = first_draft(record, cheapest)
        return None if draft is None or draft.p_good is None else draft.p_good < threshold

    return line


def threshold_for(records: Sequence[DecisionRecord], *, cheapest: str, share: float) -> float | None:
    """The highest threshold at which at most a share of the turns goes up; see :func:`below`.

    Args:
        records: in any order; those that :func:`replay` skips do not count.
        cheapest: the tier whose drafts are judged.
        share: of the turns, in [0, 1]. Plain failures are part of it, and go up whatever it says.

    Returns:
        The threshold; ``None`` if there are no turns to tell from.
    """
    counted = [r for r in records if decided_again(r, cheapest, below(0.0, cheapest))[0] is None]
    plain = sum(is_plain(r, cheapest) for r in counted)
    chances = sorted(d.p_good for r in counted if (d := first_draft(r, cheapest)) and d.p_good is not None)
    if not chances:
        return None
    room = max(0, math.floor(share * len(counted) + 1e-9) - plain)
    return chances[room] if room < len(chances) else math.nextafter(chances[-1], math.inf)


def decided_again(record: DecisionRecord, cheapest: str, line: Line) -> tuple[str | None, bool]:
    """Why the turn is not looked at, else whether it would go up."""
    if record.status != "done":
        return "not_done", False
    if record.requested_tier != "auto":
        return "manual", False
    if record.locked or record.offline:
        return "locked", False
    draft = first_draft(record, cheapest)
    if draft is None:
        return "no_draft", False
    if any(reason.code == "doubted" for reason in draft.reasons):
        return "doubted", False
    if not went_up(record, cheapest) and any(notice.code == "would_escalate" for notice in record.notices):
        return "no_larger_tier", False
    if is_plain(record, cheapest):
        return None, True
    if draft.p_good is None:
        return "unmeasured", False
    would = line(record)
    return ("unknown", False) if would is None else (None, would)


def _money(
    up: Sequence[DecisionRecord], more: Sequence[DecisionRecord], fewer: Sequence[DecisionRecord], cheapest: str
) -> tuple[float | None, float | None]:
    costs = {r.turn_id: cost for r in up if (cost := _cost(r, cheapest)) is not None}
    if not costs:
        return (None, None) if up else (0.0, None if more else 0.0)
    then, mean = sum(costs.values()), sum(costs.values()) / len(costs)
    now = then - sum(costs.get(r.turn_id, 0.0) for r in fewer) + mean * len(more)
    return then, max(0.0, now)


def _cost(record: DecisionRecord, cheapest: str) -> float | None:
    """What the larger tiers of the turn cost, in USD; ``None`` if they have no price."""
    if any(notice.code == "price_unknown" for notice in record.notices):
        return None
    return sum(a.cost_usd for a in record.attempts if a.tier != cheapest)


def _disliked(record: DecisionRecord) -> bool:
    return record.overruled in ("escalate", "local") or (record.feedback or "").startswith("down")

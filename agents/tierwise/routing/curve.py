"""What every setting would have come to on recorded turns: how many go up, and what is known of the drafts that stay.

Nothing is run again. Of a draft that went up the record has its chance of being right, and what the user thought of the
answer that took its place; of one that stayed, what the user thought of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tierwise.routing.replay import Line, below, decided_again, first_draft, is_plain, went_up
from tierwise.turns import DecisionRecord

_POINTS = 100


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Where a setting would have come out.

    Attributes:
        escalated: turns that go up, plain failures included.
        share: their share of the turns that were looked at.
        p_good: mean chance of being right of the drafts that stay; ``None`` if none stays.
        disliked: drafts that stay, were served, and were thumbed down or escalated by the user.
    """

    escalated: int
    share: float
    p_good: float | None
    disliked: int


def point(records: Iterable[DecisionRecord], *, cheapest: str, line: Line) -> CurvePoint | None:
    """Where one setting comes out; ``None`` if no turn can be looked at.

    Args:
        records: in any order; those that :func:`replay` skips do not count.
        cheapest: the tier whose drafts are judged.
        line: the setting.
    """
    counted, kept, chances, disliked = 0, 0, 0.0, 0
    for record in records:
        why, up = decided_again(record, cheapest, line)
        counted += why is None
        if why is None and not up:
            kept += 1
            chances += _chance(record, cheapest)
            disliked += _served_disliked(record, cheapest)
    return _point(counted, kept, chances, disliked) if counted else None


def curve(records: Iterable[DecisionRecord], *, cheapest: str, points: int = _POINTS) -> list[CurvePoint]:
    """Where drafts with the lowest chances of being right go up first, from plain failures alone to all drafts.

    Args:
        records: in any order; those that :func:`replay` skips do not count.
        cheapest: the tier whose drafts are judged.
        points: about how many are wanted; drafts with the same chance go up together.

    Returns:
        Points by rising share; empty if no turn can be looked at.
    """
    all_stay = below(0.0, cheapest)
    counted = [r for r in records if decided_again(r, cheapest, all_stay)[0] is None]
    if not counted:
        return []
    judged = sorted((_chance(r, cheapest), _served_disliked(r, cheapest)) for r in counted if not is_plain(r, cheapest))
    step = max(1, len(judged) // max(1, points))
    found: list[CurvePoint] = []
    chances, disliked, kept = 0.0, 0, 0
    # From the end: nothing stays, then the surest draft, then the next; each place only adds to the sums.
    for at in range(len(judged), -1, -1):
        if at < len(judged):
            chance, unliked = judged[at]
            chances, disliked, kept = chances + chance, disliked + unliked, kept + 1
        among_equals = 0 < at < len(judged) and judged[at][0] == judged[at - 1][0]
        if at in (0, len(judged)) or (not among_equals and kept - _kept(found, counted) >= step):
            found.append(_point(len(counted), kept, chances, disliked))
    return found[::-1]


def _kept(found: Sequence[CurvePoint], counted: Sequence[DecisionRecord]) -> int:
    return len(counted) - found[-1].escalated if found else 0


def _point(counted: int, kept: int, chances: float, disliked: int) -> CurvePoint:
    return CurvePoint(counted - kept, 1 - kept / counted, chances / kept if kept else None, disliked)


def _chance(record: DecisionRecord, cheapest: str) -> float:
    draft = first_draft(record, cheapest)
    return 0.0 if draft is None or draft.p_good is None else draft.p_good


def _served_disliked(record: DecisionRecord, cheapest: str) -> bool:
    down = record.overruled == "escalate" or (record.feedback or "").startswith("down")
    return down and not went_up(record, cheapest)

"""Every setting at once, from records alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.routing import CurvePoint, below, curve, point, replay
from tierwise.turns import Attempt, DecisionRecord
from tierwise.types import Reason


def turn(turn_id: str, p_good: float | None, *, up: bool = False, **fields: Any) -> DecisionRecord:
    reasons = (Reason("refusal", "It does not answer."),) if p_good is None else ()
    draft = Attempt(1, "quick", "m", "m", "discarded" if up else "accepted", "draft", p_good, reasons=reasons)
    better = (Attempt(2, "deep", "m", "m", "accepted", "answer"),) if up else ()
    record = DecisionRecord(turn_id, "t", "why?", "done", 1.0, chosen="quick", attempts=(draft, *better))
    return replace(record, **fields)


def test_the_surest_drafts_stay_longest() -> None:
    records = [
        turn("a", 0.2, up=True),
        turn("b", 0.4, feedback="down"),
        turn("c", 0.9),
        turn("d", None, up=True),  # plainly wrong: it goes up under every setting
        turn("e", 0.5, requested_tier="quick"),  # not looked at
    ]
    assert curve(records, cheapest="quick") == [
        CurvePoint(1, 0.25, pytest.approx(0.5), 1),
        CurvePoint(2, 0.5, pytest.approx(0.65), 1),
        CurvePoint(3, 0.75, pytest.approx(0.9), 0),
        CurvePoint(4, 1.0, None, 0),
    ]


def test_disliked_answers_of_the_larger_tier_say_nothing_of_the_draft() -> None:
    found = point([turn("a", 0.2, up=True, feedback="down")], cheapest="quick", line=below(0.1, "quick"))
    assert found == CurvePoint(0, 0.0, pytest.approx(0.2), 0)


def test_drafts_with_the_same_chance_go_up_together() -> None:
    found = curve([turn(str(i), 0.5) for i in range(6)], cheapest="quick")
    assert [p.escalated for p in found] == [0, 6]


def test_without_turns_there_is_no_curve() -> None:
    assert curve([], cheapest="quick") == []
    assert point([turn("e", 0.5, requested_tier="quick")], cheapest="quick", line=below(0.5, "quick")) is None


@given(
    chances=st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.booleans()), max_size=60),
    at=st.integers(0, 21),
    points=st.integers(1, 80),
)
def test_the_curve_agrees_with_the_replay(chances: list[tuple[int, bool, bool]], at: int, points: int) -> None:
    records = [
        turn(str(i), chance / 20, up=up, feedback="down" if down else None)
        for i, (chance, up, down) in enumerate(chances)
    ]
    line = below(at / 20, "quick")
    found, again = point(records, cheapest="quick", line=line), replay(records, cheapest="quick", line=line)
    drawn = curve(records, cheapest="quick", points=points)
    if not records:
        assert (found, drawn) == (None, [])
        return
    assert found is not None
    assert found.escalated == again.escalations_now
    assert (drawn[0].escalated, drawn[-1].escalated) == (0, len(records))
    assert [p.escalated for p in drawn] == sorted({p.escalated for p in drawn})
    if len(records) <= points:
        assert found in [replace(p, p_good=pytest.approx(p.p_good) if p.p_good is not None else None) for p in drawn]
    for one in drawn:
        kept = sorted(chances, reverse=True)[: len(records) - one.escalated]
        assert one.p_good == (pytest.approx(sum(c for c, _, _ in kept) / 20 / len(kept)) if kept else None)

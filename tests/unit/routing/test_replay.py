"""What another setting would have changed, from records alone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.routing import Replay, below, replay, threshold_for
from tierwise.turns import Attempt, DecisionRecord, Notice
from tierwise.types import AttemptOutcome, Reason


def turn(
    turn_id: str,
    p_good: float | None,
    *,
    up: bool,
    usd: float = 0.0,
    outcome: AttemptOutcome | None = None,
    reasons: tuple[Reason, ...] = (),
    **fields: Any,
) -> DecisionRecord:
    """A turn that quick drafted, with a chance of being right, and that went to deep or not."""
    draft = Attempt(
        1, "quick", "llama:m", "m", outcome or ("discarded" if up else "accepted"), "draft", p_good, reasons=reasons
    )
    better = (Attempt(2, "deep", "openai:m", "m", "accepted", "answer", cost_usd=usd),) if up else ()
    record = DecisionRecord(
        turn_id, "t", "why?", "done", 1.0, chosen="quick", final="deep" if up else "quick", attempts=(draft, *better)
    )
    return replace(record, **fields)


def again(records: list[DecisionRecord], threshold: float) -> Replay:
    return replay(records, cheapest="quick", line=below(threshold, "quick"))


def test_turns_go_up_and_come_down_with_the_line() -> None:
    records = [turn("a", 0.2, up=True, usd=0.03), turn("b", 0.5, up=True, usd=0.01), turn("c", 0.7, up=False)]
    same, strict, lax = again(records, 0.6), again(records, 0.8), again(records, 0.3)
    assert (same.turns, same.escalations_then, same.escalations_now, same.more, same.fewer) == (3, 2, 2, (), ())
    assert (strict.escalations_now, strict.more, strict.fewer) == (3, ("c",), ())
    assert (lax.escalations_now, lax.more, lax.fewer) == (1, (), ("b",))
    assert same.local_share_then == pytest.approx(1 / 3)
    assert strict.local_share_now == 0
    assert lax.local_share_now == pytest.approx(2 / 3)
    assert same.usd_then == same.usd_now == pytest.approx(0.04)
    assert strict.usd_now == pytest.approx(0.06)  # one more at the mean
    assert lax.usd_now == pytest.approx(0.03)  # without the one that cost 0.01


def test_plain_failures_go_up_under_every_setting() -> None:
    refused = turn("a", None, up=True, reasons=(Reason("refusal", "It does not answer."),))
    unfit = turn("b", None, up=True, outcome="failed", reasons=(Reason("invalid_output", "It is no JSON."),))
    found = again([refused, unfit, turn("c", 0.9, up=False)], 0.0)
    assert (found.turns, found.failed_checks, found.escalations_then, found.escalations_now) == (3, 2, 2, 2)
    assert (found.more, found.fewer) == ((), ())


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (turn("a", 0.2, up=False, status="failed"), "not_done"),
        (turn("a", 0.2, up=False, status="running"), "not_done"),
        (turn("a", 0.2, up=False, requested_tier="quick"), "manual"),
        (turn("a", 0.2, up=False, locked=True), "locked"),
        (turn("a", 0.2, up=False, offline=True), "locked"),
        (turn("a", 0.2, up=False, chosen="deep"), "no_draft"),
        (turn("a", 0.2, up=False, attempts=()), "no_draft"),
        (turn("a", None, up=True, outcome="failed"), "no_draft"),  # its model crashed
        (turn("a", None, up=True, reasons=(Reason("doubted", "x"),)), "doubted"),
        (turn("a", 0.2, up=False, notices=(Notice("would_escalate", "x"),)), "no_larger_tier"),
        (turn("a", None, up=False, reasons=(Reason("fits_schema", "x"),)), "unmeasured"),
    ],
)
def test_turns_that_no_line_decided_are_left_out_and_counted(record: DecisionRecord, why: str) -> None:
    found = again([record, turn("b", 0.9, up=False)], 0.5)
    assert (found.turns, found.skipped) == (1, {why: 1})


def test_a_line_may_not_know() -> None:
    found = replay([turn("a", 0.2, up=False)], cheapest="quick", line=lambda record: None)
    assert found == Replay(skipped={"unknown": 1}, usd_then=0.0, usd_now=0.0)


def test_a_larger_tier_that_could_not_help_was_asked_all_the_same() -> None:
    held = turn("a", 0.2, up=True, final="quick", notices=(Notice("degraded", "deep could not help"),))
    failed = replace(
        held, attempts=(replace(held.attempts[0], outcome="accepted"), replace(held.attempts[1], outcome="failed"))
    )
    assert again([failed], 0.5).escalations_then == 1
    assert again([failed], 0.1).fewer == ("a",)


def test_the_users_judgement_is_set_against_the_change() -> None:
    records = [
        turn("a", 0.7, up=False, feedback="down: wrong"),
        turn("b", 0.7, up=False, overruled="escalate"),
        turn("c", 0.7, up=False, feedback="up"),
        turn("d", 0.5, up=True, overruled="local"),
        turn("e", 0.5, up=True),
    ]
    assert (again(records, 0.8).disliked_more, again(records, 0.8).disliked_fewer) == (2, 0)
    assert (again(records, 0.1).disliked_more, again(records, 0.1).disliked_fewer) == (0, 1)


def test_money_that_is_not_known_is_not_made_up() -> None:
    unpriced = (Notice("price_unknown", "x"),)
    found = again([turn("a", 0.2, up=True, notices=unpriced), turn("b", 0.7, up=False)], 0.8)
    assert (found.usd_then, found.usd_now) == (None, None)
    nothing_to_go_by = again([turn("b", 0.7, up=False)], 0.8)
    assert (nothing_to_go_by.usd_then, nothing_to_go_by.usd_now) == (0.0, None)
    assert again([], 0.8) == Replay(usd_then=0.0, usd_now=0.0)


_chances = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=30)


def _records(chances: list[float | None], line: float) -> list[DecisionRecord]:
    """Turns as they come from a line; no chance is a plain failure."""
    failure = (Reason("truncated", "x"),)
    return [
        turn(str(n), p, up=p is None or p < line, usd=0.01, reasons=failure if p is None else ())
        for n, p in enumerate(chances)
    ]


@given(_chances, st.floats(0, 1), st.floats(0, 1))
def test_what_goes_up_and_what_comes_down_explains_the_difference(
    chances: list[float | None], then: float, now: float
) -> None:
    records = _records(chances, then)
    found = again(records, now)
    assert found.turns == len(records)
    assert found.escalations_now == found.escalations_then + len(found.more) - len(found.fewer)
    assert not (found.more and now <= then) and not (found.fewer and now >= then)
    assert again(records, then) == replace(found, escalations_now=found.escalations_then, more=(), fewer=(),
                                           local_share_now=found.local_share_then, usd_now=found.usd_then)  # fmt: skip
    assert again(_records(chances, now), now).escalations_then == found.escalations_now


@given(_chances, st.floats(0, 1), st.floats(0, 1))
def test_a_share_is_kept_and_used_up(chances: list[float | None], then: float, share: float) -> None:
    records = _records(chances, then)
    threshold = threshold_for(records, cheapest="quick", share=share)
    measured = sorted(p for p in chances if p is not None)
    if threshold is None:
        assert not measured
        return
    found = again(records, threshold)
    room = max(math.floor(share * found.turns + 1e-9), found.failed_checks)
    assert found.escalations_now <= room
    # One more turn would be too many, but for turns with the same chance.
    if threshold <= measured[-1]:
        assert found.escalations_now + measured.count(threshold) > room

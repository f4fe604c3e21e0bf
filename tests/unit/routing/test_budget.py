"""The budget as a rule: never past a cap, and a pace that lasts."""

from __future__ import annotations

import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.errors import Blocked
from tierwise.routing import TierState, choose, escalation
from tierwise.routing.budget import (
    Cap,
    Habit,
    Period,
    allowed_share,
    day_and_month,
    obstacles,
    pace,
    turns_expected,
)

NOON = datetime(2026, 11, 26, 12).timestamp()
DAY, MONTH = day_and_month(NOON)
QUICK = TierState("quick", True, 4096)
USD = st.floats(0, 1e6, allow_nan=False)


def deep(spent: float, cap: float = 0.5) -> TierState:
    return TierState("deep", False, 128_000, spent=obstacles("deep", [Cap(DAY, cap, spent)]))


def test_days_and_months_are_those_of_the_calendar() -> None:
    day, month = day_and_month(NOON)
    assert day == Period("day", datetime(2026, 11, 26).timestamp(), datetime(2026, 11, 27).timestamp())
    assert month == Period("month", datetime(2026, 11, 1).timestamp(), datetime(2026, 12, 1).timestamp())
    _, december = day_and_month(datetime(2026, 12, 31, 23, 59).timestamp())
    assert december.end == datetime(2027, 1, 1).timestamp()


@given(st.integers(0, 2**32))
def test_every_moment_is_in_its_day_and_its_month(now: int) -> None:
    for period in day_and_month(now):
        assert period.start <= now < period.end
    day, month = day_and_month(now)
    assert month.start <= day.start < day.end <= month.end


def test_a_cap_that_is_reached_names_what_is_spent_and_when_there_is_money_again() -> None:
    assert obstacles("deep", [Cap(DAY, 0.5, 0.49)]) == ()
    today, month = obstacles("deep", [Cap(DAY, 0.5, 0.52), Cap(MONTH, 10, 10)])
    assert (today.code, today.value, today.threshold) == ("budget", 0.52, 0.5)
    assert "$0.52 of today's budget of $0.50" in today.text
    assert "from midnight on" in today.text
    assert "this month's budget of $10.00" in month.text
    assert "from 1 December on" in month.text


def test_a_cap_of_nothing_pays_for_nothing() -> None:
    (reason,) = obstacles("deep", [Cap(DAY, 0.0, 0.0)])
    assert reason.text == "deep costs money, and $0 of today's budget of $0 are spent."


def test_a_tier_without_money_cannot_take_over() -> None:
    assert escalation((QUICK, deep(0.1)), "quick") == ("deep", None)
    heir, reason = escalation((QUICK, deep(0.5)), "quick")
    assert heir is None
    assert reason is not None and reason.code == "budget"


def test_a_tier_that_is_asked_for_without_money_is_blocked_with_a_way_out() -> None:
    with pytest.raises(Blocked, match=r"\$0\.60 of today's budget of \$0\.50.*Ask quick, or raise it under \[budget\]"):
        choose((QUICK, deep(0.6)), requested="deep")


def test_without_any_other_tier_the_turn_is_blocked_for_the_budget() -> None:
    with pytest.raises(Blocked, match="costs money"):
        choose((deep(0.6),))
    with pytest.raises(Blocked, match="costs money"):  # quick cannot hold the prompt, and deep is not paid for
        choose((QUICK, deep(0.6)), prompt_tokens=10_000)


def test_the_lock_is_named_before_the_money() -> None:
    with pytest.raises(Blocked, match="locked"):
        choose((deep(0.6),), locked=True)


# -- the pace ----------------------------------------------------------------------------------------------------------


def test_what_is_left_is_divided_among_the_turns_to_come() -> None:
    assert allowed_share(0.10, 20, 0.02) == pytest.approx(0.25)
    assert allowed_share(0.0, 20, 0.02) == 0.0
    assert allowed_share(10.0, 20, 0.02) == 1.0


@given(left=USD, turns=st.floats(0, 1e6), cost=st.floats(0, 1e3))
def test_a_share_is_a_share(left: float, turns: float, cost: float) -> None:
    assert 0 <= allowed_share(left, turns, cost) <= 1


@given(a=USD, b=USD, turns=st.floats(0, 1e6), cost=st.floats(0, 1e3))
def test_more_money_never_means_fewer_questions(a: float, b: float, turns: float, cost: float) -> None:
    assert allowed_share(min(a, b), turns, cost) <= allowed_share(max(a, b), turns, cost)


@given(left=USD, turns=st.tuples(USD, USD), cost=st.tuples(USD, USD))
def test_dearer_or_more_questions_never_mean_a_larger_share(
    left: float, turns: tuple[float, float], cost: tuple[float, float]
) -> None:
    assert allowed_share(left, max(turns), max(cost)) <= allowed_share(left, min(turns), min(cost))


def test_a_usual_day_sets_how_many_turns_are_expected() -> None:
    assert turns_expected(DAY, Habit(0, 20, 0.01), NOON) == 20
    assert turns_expected(DAY, Habit(8, 20, 0.01), NOON) == 12
    assert turns_expected(DAY, Habit(30, 20, 0.01), NOON) == 10  # busier than usual: it goes on like a usual afternoon
    assert turns_expected(DAY, Habit(0, None, 0.01), NOON) == 5
    assert turns_expected(DAY, Habit(9, None, 0.01), DAY.end - 60) == 1
    assert turns_expected(MONTH, Habit(0, 20, 0.01), NOON) == 20 + 4 * 20  # the 27th to the 30th


def test_the_tightest_cap_sets_the_pace() -> None:
    habit = Habit(0, 10, 0.02)
    found = pace([Cap(DAY, 0.5, 0.4), Cap(MONTH, 10.0, 9.99)], habit, NOON)
    assert found is not None
    assert (found.period, found.share) == (MONTH, pytest.approx(0.01 / (50 * 0.02)))
    assert found.text() == "Paced to last: about 1 % of questions may go up until 1 December."
    assert pace([], habit, NOON) is None


@given(
    costs=st.lists(st.floats(0.001, 0.3), max_size=60),
    cap=st.floats(0, 2),
    month=st.floats(0, 2),
)
def test_never_more_than_one_request_past_a_cap(costs: list[float], cap: float, month: float) -> None:
    spent, paid = 0.0, 0.0
    for cost in costs:
        caps = [Cap(DAY, cap, spent), Cap(MONTH, month, spent)]
        able, _ = escalation((QUICK, TierState("deep", False, 8192, spent=obstacles("deep", caps))), "quick")
        if able:
            spent, paid = spent + cost, cost
    if paid:
        assert spent - paid < min(cap, month)  # the last request was begun with money left
    else:
        assert not costs or min(cap, month) == 0


def test_a_day_that_goes_by_the_pace_has_money_in_the_evening() -> None:
    """Of somebody who asks as on a usual day and goes up as often as allowed."""
    cost, cap, spent, credit, at_noon = 0.02, 0.12, 0.0, 0.0, 0.0
    for n in range(30):
        now = DAY.start + n / 30 * (DAY.end - DAY.start)
        found = pace([Cap(DAY, cap, spent)], Habit(n, 30, cost), now)
        assert found is not None
        credit += found.share
        if credit >= 1:
            spent, credit = spent + cost, credit - 1
        if n == 14:
            at_noon = spent
    assert at_noon <= 0.5 * cap + cost
    assert 0.75 * cap <= spent <= cap + 1e-9


def test_local_time_is_what_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_790_000_000
    starts = set()
    for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        starts.add(day_and_month(now)[0].start)
    monkeypatch.undo()
    time.tzset()
    assert len(starts) == 3

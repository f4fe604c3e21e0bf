"""What knowing more is worth, against plain numerical integration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.routing.value import DRAFT_COST, LOOK_COST, reach, unit_loss

_spreads, _costs = st.floats(0.001, 1.0), st.floats(1e-6, 0.5)


def integrated(distance: float) -> float:
    x = np.linspace(-12, 12, 200_001)
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return float(np.trapezoid(np.maximum(0.0, x - distance) * density, x))


@pytest.mark.parametrize("distance", [-3.0, -1.0, 0.0, 0.3, 1.0, 2.5, 5.0])
def test_the_loss_is_the_mean_of_what_is_beyond(distance: float) -> None:
    assert unit_loss(distance) == pytest.approx(integrated(distance), abs=1e-8)


@given(st.floats(0, 8), st.floats(0, 8))
def test_the_loss_falls_with_the_distance_and_is_never_below_nothing(one: float, other: float) -> None:
    near, far = sorted((one, other))
    assert unit_loss(near) + 1e-15 >= unit_loss(far) >= -1e-15


@given(_spreads, _costs)
def test_at_the_reach_knowing_more_is_worth_just_its_cost(spread: float, cost: float) -> None:
    far = reach(spread, cost)
    if far == -1.0:
        assert spread * unit_loss(0.0) <= cost
    elif math.isfinite(far):
        assert far >= 0
        assert spread * unit_loss(far / spread) == pytest.approx(cost, rel=1e-6)
    else:
        assert spread * unit_loss(8.0) > cost


@given(_spreads, _spreads, _costs)
def test_what_tells_more_reaches_farther(one: float, other: float, cost: float) -> None:
    less, more = sorted((one, other))
    assert reach(less, cost) <= reach(more, cost) + 1e-12


@given(_spreads, _costs, _costs)
def test_what_costs_more_reaches_less_far(spread: float, one: float, other: float) -> None:
    cheap, dear = sorted((one, other))
    assert reach(spread, dear) <= reach(spread, cheap) + 1e-12


@given(_costs)
def test_what_tells_nothing_is_never_worth_it(cost: float) -> None:
    assert reach(0.0, cost) == reach(-1.0, cost) == -1.0
    assert reach(0.0, 0.0) == -1.0


def test_what_costs_nothing_is_always_worth_it() -> None:
    assert reach(0.1, 0.0) == math.inf


def test_asking_the_model_itself_is_cheaper_than_a_second_draft() -> None:
    assert 0 < LOOK_COST["self_check"] < LOOK_COST["second_sample"] == DRAFT_COST

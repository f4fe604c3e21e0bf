"""Turning points: which measurement alone would have turned a decision, and from which value on."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.fitting.logistic import Head
from tierwise.routing.calibration.turning import turning_points
from tierwise.signals import ALL

NAMES = ("logprob_mean", "margin_mean", "hedges", "supported_share", "self_yes", "log_words")
HALF = Head((), (), (), (), 0.0)


def head_of(seed: int) -> Head:
    """Some head; hypothesis draws its seed, which is much faster than drawing each number."""
    draw = random.Random(seed)
    return Head(
        NAMES,
        tuple(draw.uniform(max(-1.0, ALL[name].low), min(1.0, ALL[name].high)) for name in NAMES),
        tuple(draw.uniform(0.05, 2) for _ in NAMES),
        tuple(draw.choice([0.0, draw.uniform(-2, 2)]) for _ in NAMES),
        draw.uniform(-2, 2),
    )


_heads = st.integers(0, 10**6).map(head_of)
_measured = st.fixed_dictionaries(
    {},
    optional={
        "logprob_mean": st.floats(-3, 0),
        "margin_mean": st.floats(0, 1),
        "hedges": st.integers(0, 5).map(float),
        "supported_share": st.floats(0, 1),
        "self_yes": st.floats(0, 1),
        "log_words": st.floats(0, 5),
    },
)


@given(_heads, st.lists(st.tuples(_heads, st.floats(-0.2, 0.9)), min_size=1, max_size=3), _measured, st.floats(-0.3, 0))
def test_each_is_a_true_cause_and_one_that_can_be_met(
    own: Head, rivals: list[tuple[Head, float]], measured: dict[str, float], line: float
) -> None:
    def goes_up(features: Mapping[str, float]) -> bool:
        return max(head.p(features) - need for head, need in rivals) - own.p(features) > line

    points = turning_points(own, rivals, measured, line)
    for point in points:
        assert point.value == measured[point.name]
        signal = ALL[point.name]
        assert signal.low <= point.threshold <= signal.high
        step = (point.threshold - point.value) * 1e-6
        if abs(step) > 1e-12:
            assert goes_up({**measured, point.name: point.threshold + step}) != goes_up(measured)
            assert goes_up({**measured, point.name: point.threshold - step}) == goes_up(measured)
    assert [p.distance for p in points] == sorted(p.distance for p in points)
    assert len({p.name for p in points}) == len(points)


@given(_heads, _measured, st.floats(-0.4, 0.4))
def test_whatever_could_be_turned_by_itself_is_found(own: Head, measured: dict[str, float], line: float) -> None:
    def goes_up(features: Mapping[str, float]) -> bool:
        return 0.5 - own.p(features) > line

    found = {point.name for point in turning_points(own, [(HALF, 0.0)], measured, line)}
    for name, mean, scale in zip(own.names, own.means, own.scales, strict=True):
        if name not in measured:
            assert name not in found
            continue
        ends = (max(ALL[name].low, mean - 2.5 * scale), min(ALL[name].high, mean + 2.5 * scale))
        assert (name in found) == any(goes_up({**measured, name: end}) != goes_up(measured) for end in ends)


def test_the_numbers_of_a_vector_are_no_reason_for_people() -> None:
    head = Head(("v0", "logprob_mean"), (0.0, -0.5), (1.0, 0.3), (3.0, 1.0), 0.0)
    points = turning_points(head, [(HALF, 0.0)], {"v0": -0.3, "logprob_mean": -0.6}, 0.0)
    assert [point.name for point in points] == ["logprob_mean"]


def test_the_threshold_is_where_the_line_is_crossed() -> None:
    head = Head(("logprob_mean",), (-0.5,), (0.25,), (1.0,), 0.0)
    (point,) = turning_points(head, [(HALF, 0.0)], {"logprob_mean": -0.75}, 0.0)
    assert point.threshold == pytest.approx(-0.5, abs=1e-9)
    assert point.distance == pytest.approx(1.0)
    assert math.isfinite(point.value)

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.fitting.metrics import (
    auroc,
    calibration_error,
    curve,
    expected_error,
    interval,
    reliability,
    resamples,
)

labelled = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30)
results = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), min_size=2, max_size=30)


@given(labelled)
def test_auroc_is_the_share_of_pairs_in_the_right_order(rows):
    score, right = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows], float)
    pairs = [(a, b) for a, b in itertools.product(rows, rows) if a[1] and not b[1]]
    if not pairs:
        assert math.isnan(auroc(score, right))
        return
    brute = sum(1.0 if a[0] > b[0] else 0.5 if a[0] == b[0] else 0.0 for a, b in pairs) / len(pairs)
    assert auroc(score, right) == pytest.approx(brute)


@given(labelled)
def test_auroc_turns_round_with_the_score(rows):
    score, right = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows], float)
    if 0 < right.sum() < len(right):
        assert auroc(-score, right) == pytest.approx(1 - auroc(score, right))


def arrays(rows):
    return (np.array([r[i] for r in rows], float) for i in range(3))


@given(results)
def test_a_curve_runs_from_never_to_always(rows):
    score, weak, strong = arrays(rows)
    found = curve(score, weak, strong)
    assert (found.share[0], found.share[-1]) == (0.0, 1.0)
    assert np.all(np.diff(found.share) > 0)
    assert found.weak == pytest.approx(weak.mean())
    assert found.strong == pytest.approx(strong.mean())


@given(results)
def test_no_score_beats_the_one_that_knows_the_gains(rows):
    score, weak, strong = arrays(rows)
    if strong.mean() > weak.mean():
        assert curve(score, weak, strong).apgr <= curve(strong - weak, weak, strong).apgr + 1e-9


@given(results)
def test_equal_scores_are_worth_what_chance_is(rows):
    _, weak, strong = arrays(rows)
    if strong.mean() > weak.mean():
        assert curve(np.zeros(len(weak)), weak, strong).apgr == pytest.approx(0.5)


@given(results)
def test_a_score_and_its_opposite_make_one(rows):
    score, weak, strong = arrays(rows)
    if strong.mean() > weak.mean():
        both = curve(score, weak, strong).apgr + curve(-score, weak, strong).apgr
        assert both == pytest.approx(1.0)


@given(results, st.integers(0, 1000))
def test_a_weight_counts_a_row_so_often(rows, seed):
    score, weak, strong = arrays(rows)
    weights = resamples(len(rows), 1, seed)[0]
    again = np.repeat(np.arange(len(rows)), weights.astype(int))
    weighted, repeated = curve(score, weak, strong, weights), curve(score[again], weak[again], strong[again])
    for share in (0.1, 0.5, 0.9):
        assert weighted.at(share) == pytest.approx(repeated.at(share))


def test_calls_for_a_part_of_the_gap():
    weak, strong = np.zeros(10), np.array([1.0] * 5 + [0.0] * 5)
    found = curve(np.arange(10.0)[::-1], weak, strong)
    assert found.share_for(0.8) == pytest.approx(0.4)
    assert found.share_for(0.0) == 0.0
    assert found.share_for_quality(0.5) == pytest.approx(0.5)
    assert math.isnan(found.share_for_quality(0.6))
    assert found.above_line(0.5) == pytest.approx(0.5)
    random = curve(np.zeros(10), weak, strong)
    assert (random.share_for(0.5), random.share_for(0.8)) == (pytest.approx(0.5), pytest.approx(0.8))


def test_true_chances_stay_below_the_expected_error():
    rng = np.random.default_rng(3)
    p = rng.random(2000)
    came = (rng.random(2000) < p).astype(float)
    assert calibration_error(p, came) < expected_error(p)
    assert calibration_error(np.sqrt(p), came) > expected_error(np.sqrt(p))
    assert sum(b.n for b in reliability(p, came)) == 2000


def test_an_interval_holds_the_middle():
    low, high = interval(np.arange(101.0))
    assert (low, high) == (pytest.approx(2.5), pytest.approx(97.5))

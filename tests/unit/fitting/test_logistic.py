from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.fitting.groups import group_folds, near_duplicates
from tierwise.fitting.logistic import Head, fit_head, folds, platt, solve
from tierwise.fitting.sparse import Sparse, beside
from tierwise.fitting.wide import Wide, logistic, ridge


def made(n: int = 300, seed: int = 0):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=n), rng.normal(size=n)
    p = 1 / (1 + np.exp(-(1.5 * a - 0.5)))
    return [{"a": x, "b": y} for x, y in zip(a, b, strict=True)], (rng.random(n) < p).astype(float)


def test_a_head_finds_what_matters_and_is_calibrated():
    rows, right = made()
    head, crossed = fit_head(rows, right, {"a": 0, "b": 0})
    assert abs(head.weights[0]) > 5 * abs(head.weights[1])
    assert float(crossed.mean()) == pytest.approx(float(right.mean()), abs=0.03)


def test_a_sign_holds_a_weight():
    rows, right = made()
    head, _ = fit_head(rows, right, {"a": -1, "b": 0})
    assert head.weights[0] == 0.0


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_an_absent_feature_adds_nothing(a, b):
    head = Head(("a", "b"), (1.0, 2.0), (1.0, 3.0), (0.7, -0.4), 0.2)
    assert head.logit({"a": a, "b": 2.0}) == pytest.approx(head.logit({"a": a}))
    assert head.scaled(2.0, 1.0).logit({"a": a, "b": b}) == pytest.approx(2 * head.logit({"a": a, "b": b}) + 1)


def test_a_head_of_nonsense_is_refused():
    with pytest.raises(ValueError, match="match"):
        Head(("a",), (), (), (), 0.0)
    with pytest.raises(ValueError, match="numbers"):
        Head(("a",), (math.nan,), (1.0,), (1.0,), 0.0)
    with pytest.raises(ValueError, match="above 0"):
        Head(("a",), (0.0,), (0.0,), (1.0,), 0.0)


def test_platt_keeps_order_and_base_rate():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=2000) * 4
    right = (rng.random(2000) < 1 / (1 + np.exp(-logits / 4))).astype(float)
    slope, shift = platt(logits, right)
    assert 0.15 < slope < 0.35
    assert float((1 / (1 + np.exp(-slope * logits - shift))).mean()) == pytest.approx(float(right.mean()), abs=0.02)
    assert platt(-logits, right)[0] == 0.0


@given(st.integers(10, 60), st.integers(2, 5))
def test_folds_take_each_row_once(n, k):
    y = (np.arange(n) % 3 == 0).astype(float)
    tested = np.concatenate([test for _, test in folds(y, k, seed=1)])
    assert sorted(tested) == list(range(n))


# -- wide tables -------------------------------------------------------------------------------------------------------


def sparse(rng, n: int, width: int) -> tuple[Sparse, np.ndarray]:
    each = 7
    columns, values = rng.integers(0, width, n * each), rng.normal(size=n * each)
    full = np.zeros((n, width))
    np.add.at(full, (np.repeat(np.arange(n), each), columns), values)
    return Sparse(np.arange(n + 1) * each, columns, values, width), full


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_sparse_products_are_those_of_the_full_matrix(seed):
    rng = np.random.default_rng(seed)
    left, full = sparse(rng, 12, 9)
    right, other = sparse(rng, 12, 4)
    both = beside(left, right)
    index = rng.integers(0, 12, 5)
    v, r = rng.normal(size=13), rng.normal(size=12)
    assert both.times(v) == pytest.approx(np.hstack([full, other]) @ v)
    assert both.turned_times(r) == pytest.approx(np.hstack([full, other]).T @ r)
    assert left.take(index).times(v[:9]) == pytest.approx(full[index] @ v[:9])
    assert left.scaled(2.0).times(v[:9]) == pytest.approx(2 * full @ v[:9])


def wide(seed: int = 0, n: int = 150):
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(n, 6))
    table, full = sparse(rng, n, 200)
    return Wide(dense, table), np.hstack([dense, full]), dense[:, 0] + rng.normal(size=n)


def test_ridge_solves_all_penalties_at_once():
    x, full, y = wide()
    penalties = (3.0, 10.0, 50.0)
    found, mean = ridge(x, y, penalties)
    for weights, penalty in zip(found, penalties, strict=True):
        exact = np.linalg.solve(full.T @ full + penalty * np.eye(full.shape[1]), full.T @ (y - mean))
        assert weights == pytest.approx(exact, abs=0.01)


def test_logistic_ends_where_the_gradient_is_nought():
    x, full, y = wide()
    right = (y > 0).astype(float)
    weights, intercept = logistic(x, right, 2.0)
    wrong = 1 / (1 + np.exp(-(full @ weights + intercept))) - right
    assert abs(wrong.sum()) < 0.5
    assert np.abs(full.T @ wrong + 2.0 * weights).max() < 0.5
    again, _ = solve(full, right, 2.0 / len(right), np.zeros(full.shape[1]))
    assert weights == pytest.approx(again, abs=0.05)


def test_near_duplicates_stay_together():
    texts = ["What is two?", "what is TWO", "What is three?", "Who is there?"]
    vectors = np.eye(4, dtype=np.float32)
    vectors[3] = vectors[2]
    groups = near_duplicates(texts, vectors)
    assert groups[0] == groups[1] != groups[2] == groups[3]
    for train, test in group_folds(groups, 2, 0):
        assert not set(groups[train]) & set(groups[test])

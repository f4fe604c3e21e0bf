from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from results import HEADER, WordVectors, rows, write

from tierwise.errors import InvalidInput
from tierwise.routing import evaluate_scores, prove, read_table, train_gain_model


@pytest.fixture
def table(tmp_path):
    return read_table(write(tmp_path / "made.csv", HEADER, rows(150)))


def by_id(table, values):
    return dict(zip(table.ids, map(float, values), strict=True))


def test_knowing_the_gains_is_the_oracle_and_equal_scores_are_chance(table):
    known = evaluate_scores(table, by_id(table, table.gain), draws=50)
    same = evaluate_scores(table, by_id(table, np.zeros(150)), draws=50)
    assert known.figures["apgr"].value == pytest.approx(known.oracle)
    assert known.figures["auroc"].value == 1.0
    assert (same.figures["apgr"].value, same.figures["auroc"].value) == (pytest.approx(0.5), 0.5)
    assert same.figures["cpt80"].value == pytest.approx(0.8)
    assert known.figures["share_for_95"].value < same.figures["share_for_95"].value
    assert known.proven and not same.proven  # scores that tell nothing would stay off
    assert (known.weak, known.strong) == (pytest.approx(table.weak.mean()), pytest.approx(table.strong.mean()))


def test_intervals_hold_the_figure_and_narrow_with_rows(table):
    score = by_id(table, table.gain + np.random.default_rng(0).normal(size=150))
    few = evaluate_scores(table, score, draws=200)
    for figure in few.figures.values():
        assert figure.low <= figure.value <= figure.high


def test_a_baseline_is_compared_on_the_same_rows(table):
    rng = np.random.default_rng(1)
    noisy = by_id(table, table.gain + rng.normal(size=150))
    found = evaluate_scores(table, by_id(table, table.gain), noisy, draws=200)
    assert found.difference["apgr"].value == pytest.approx(found.figures["apgr"].value - found.baseline["apgr"].value)
    assert found.difference["apgr"].low > 0
    itself = evaluate_scores(table, noisy, noisy, draws=50).difference["apgr"]
    assert (itself.value, itself.low, itself.high) == (0.0, 0.0, 0.0)


def test_scores_and_rows_must_belong_together(table):
    score = by_id(table, table.gain)
    with pytest.raises(InvalidInput, match="belong to no row of made, such as 'z'"):
        evaluate_scores(table, score | {"z": 1.0})
    with pytest.raises(InvalidInput, match="have no score, such as"):
        evaluate_scores(table, {table.ids[0]: 1.0})
    with pytest.raises(InvalidInput, match="no gap to recover"):
        evaluate_scores(replace(table, strong=table.weak), score)


def test_a_model_is_off_until_it_proves_itself(table, tmp_path):
    model = train_gain_model([table], WordVectors())
    fresh = read_table(write(tmp_path / "fresh.csv", HEADER, rows(150, 9)))
    good = prove(model, fresh, WordVectors(), draws=200)
    assert good.proven
    assert good.auroc.low > 0.5
    mixed = np.random.default_rng(2).permutation(150)
    chance = replace(fresh, weak=fresh.weak[mixed], strong=fresh.strong[mixed])
    assert not prove(model, chance, WordVectors(), draws=200).proven
    few = read_table(write(tmp_path / "few.csv", HEADER, rows(20, 9)))
    assert not prove(model, few, WordVectors(), draws=50).proven

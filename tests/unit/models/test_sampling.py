"""Sampling, its evidence, and stop texts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.models.local.sampling import Sampler, measure
from tierwise.models.stops import StopFilter


def logits(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def test_evidence_of_a_known_distribution() -> None:
    p = [0.5, 0.25, 0.25]
    logprob, margin, entropy = measure(logits(*np.log(p)), 1)
    assert logprob == pytest.approx(math.log(0.25), abs=1e-6)
    assert margin == pytest.approx(0.25, abs=1e-6)
    assert entropy == pytest.approx(-sum(x * math.log(x) for x in p), abs=1e-6)


@given(st.lists(st.floats(-80, 80, width=32), min_size=2, max_size=50), st.data())
def test_evidence_stays_in_its_bounds(values: list[float], data: st.DataObject) -> None:
    chosen = data.draw(st.integers(0, len(values) - 1))
    logprob, margin, entropy = measure(logits(*values), chosen)
    assert logprob <= 1e-5
    assert -1e-6 <= margin <= 1
    assert 0 <= entropy <= math.log(len(values)) + 1e-4


def test_masked_tokens_take_no_part() -> None:
    assert measure(logits(0.0, 0.0, -math.inf), 0) == pytest.approx((math.log(0.5), 0.0, math.log(2)))


def test_a_model_that_computes_nonsense_is_noticed() -> None:
    with pytest.raises(FloatingPointError):
        measure(logits(math.nan, 1.0), 1)


def test_greedy_takes_the_best() -> None:
    assert Sampler(0.0, None).pick(logits(0.1, 3.0, 2.0)) == 1


def test_the_nucleus_leaves_out_the_tail() -> None:
    values = logits(*np.log([0.6, 0.36, 0.03, 0.01]))
    sampler = Sampler(1.0, 7)
    picked = [sampler.pick(values) for _ in range(500)]
    assert set(picked) == {0, 1}
    assert 0.5 < picked.count(0) / 500 < 0.75


def test_a_seed_repeats_and_another_differs() -> None:
    values = logits(*np.zeros(100))

    def run(seed: int) -> list[int]:
        sampler = Sampler(1.0, seed)
        return [sampler.pick(values) for _ in range(20)]

    assert run(1) == run(1) != run(2)


@given(st.text("abX", max_size=30), st.lists(st.text("abX", min_size=1, max_size=4), max_size=3), st.data())
def test_a_stop_text_is_cut_wherever_the_pieces_break(text: str, stops: list[str], data: st.DataObject) -> None:
    expected = min((text[: text.index(s)] for s in stops if s in text), key=len, default=text)
    stop_filter, shown, rest = StopFilter(tuple(stops)), "", text
    while rest and not stop_filter.hit:
        size = data.draw(st.integers(1, len(rest)))
        shown += stop_filter.feed(rest[:size])
        rest = rest[size:]
    shown += stop_filter.rest()
    if stop_filter.hit:
        # Pieces decide which of two overlapping stop texts is seen first; either way none is shown.
        assert text.startswith(shown)
        assert not any(s in shown for s in stops)
    else:
        assert shown == expected == text

"""What the tokens of the answer proper say, and what is absent when it cannot be measured."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.types import TokenEvidence
from tierwise.verify.answer_tokens import answer_features, tokens_within

TEXT = "It is 20 x 3. Answer: 60"
PIECES = ("It", " is", " ", "20", " x", " 3", ".", " Answer", ":", " 6", "0")
OVERALL = {"logprob_p25", "logprob_p50", "margin_p10", "entropy_p90", "entropy_max"}
OF_ANSWER = {"answer_logprob_min", "answer_logprob_mean", "answer_margin_min", "answer_entropy_max"}


def evidence(pieces: tuple[str, ...] = PIECES, *, starts: bool = True) -> TokenEvidence:
    n, at, places = len(pieces), 0, []
    for piece in pieces:
        places.append(at)
        at += len(piece)
    logprobs = tuple(-0.1 * i for i in range(n))
    margins = tuple(1 - i / n for i in range(n))
    return TokenEvidence(logprobs, margins, tuple(float(i) for i in range(n)), tuple(places) if starts else ())


def test_the_tokens_of_the_answer_are_measured() -> None:
    assert "".join(PIECES) == TEXT
    features = answer_features(TEXT, evidence())
    assert set(features) == OVERALL | OF_ANSWER | {"number_logprob_min"}
    assert features["answer_logprob_min"] == pytest.approx(-1.0)
    assert features["answer_logprob_mean"] == pytest.approx(-0.95)
    assert features["answer_margin_min"] == pytest.approx(1 / 11)
    assert features["answer_entropy_max"] == 10.0
    assert features["number_logprob_min"] == pytest.approx(-1.0)
    assert features["logprob_p50"] == pytest.approx(-0.5)
    assert features["logprob_p25"] == pytest.approx(-0.8)
    assert features["margin_p10"] == pytest.approx(2 / 11)
    assert (features["entropy_p90"], features["entropy_max"]) == (9.0, 10.0)


def test_what_cannot_be_measured_is_absent() -> None:
    assert answer_features(TEXT, None) == answer_features(TEXT, TokenEvidence()) == {}
    assert set(answer_features(TEXT, evidence(starts=False))) == OVERALL
    assert set(answer_features("I do not know.", evidence(("I", " do", " not", " know", ".")))) == OVERALL
    assert set(answer_features("I do not know 5.", evidence(("I", " do not know", " 5.")))) == OVERALL | {
        "number_logprob_min"
    }
    bare = TokenEvidence((-1.0, -2.0), starts=(0, 1))
    assert set(answer_features("60", bare)) == {
        "logprob_p25",
        "logprob_p50",
        "answer_logprob_min",
        "answer_logprob_mean",
        "number_logprob_min",
    }


@pytest.mark.parametrize(
    ("span", "tokens"),
    [
        ((0, 1), [0]),
        ((2, 4), [1]),
        ((1, 3), [0, 1]),
        ((4, 9), [2, 3, 4]),
        ((5, 5), []),
        ((0, 99), [0, 1, 2, 3, 4]),
        ((6, 99), [4]),
    ],
)
def test_tokens_that_overlap(span: tuple[int, int], tokens: list[int]) -> None:
    # two tokens are the bytes of one character at 4
    assert list(tokens_within((0, 2, 4, 4, 5), *span)) == tokens


@given(st.text(), st.lists(st.floats(-20, 0), max_size=40), st.data())
def test_never_raises_and_stays_in_range(text: str, logprobs: list[float], data: st.DataObject) -> None:
    n = len(logprobs)
    starts = sorted(data.draw(st.lists(st.integers(0, len(text) + 3), min_size=n, max_size=n)))
    features = answer_features(text, TokenEvidence(tuple(logprobs), starts=tuple(starts)))
    assert all(-20 <= value <= 0 for value in features.values())


def test_it_costs_little() -> None:
    pieces = (" word", " is", " a", " step", " to", " 12", ".") * 42 + (" Answer", ":", " 60")
    text, found = "".join(pieces), evidence(pieces)
    best = 1.0
    for _ in range(20):
        begun = time.thread_time()  # of the processor, whoever else runs on it
        answer_features(text, found)
        best = min(best, time.thread_time() - begun)
    assert best < 0.001

"""What a second look says about a draft."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.types import TokenEvidence
from tierwise.verify.agreement import agreement, mean_agreement, self_yes


def test_two_samples_with_one_answer() -> None:
    found = agreement("20 cupcakes cost 60. Answer: 60", "She pays $60.00.")
    assert found["agree_answer"] == 1.0
    assert agreement("Answer: 60", "Answer: 61")["agree_answer"] == 0.0


def test_words_and_length() -> None:
    found = agreement("red cats sleep", "red dogs sleep all day")
    assert found["agree_words"] == pytest.approx(2 / 5)
    assert found["agree_length"] == pytest.approx(3 / 5)


def test_what_cannot_be_compared_is_absent() -> None:
    assert "agree_answer" not in agreement("Answer: 60", "I do not know.")
    assert "agree_answer" not in agreement("Answer: 60", "Answer: a whole lot")
    assert agreement("", "") == {}
    assert "agree_words" not in agreement("60", "61")


def test_the_mean_is_over_those_that_can_be_compared() -> None:
    found = mean_agreement("Answer: 60", ["Answer: 60", "Answer: 61", "I do not know."])
    assert found["agree_answer"] == 0.5
    assert mean_agreement("Answer: 60", []) == {}


@given(st.text(), st.text())
def test_symmetric_and_in_range(one: str, other: str) -> None:
    found = agreement(one, other)
    assert found == agreement(other, one)
    assert all(0.0 <= value <= 1.0 for value in found.values())


def test_the_probability_of_yes() -> None:
    half = math.log(0.5)
    assert self_yes("Yes", TokenEvidence((half,))) == pytest.approx(0.5)
    assert self_yes("No.", TokenEvidence((math.log(0.9), -3.0), starts=(0, 2))) == pytest.approx(0.1)
    assert self_yes(" yes, it is", TokenEvidence((half, half, -9.0), starts=(0, 3, 4))) == pytest.approx(0.25)
    assert self_yes("right", TokenEvidence((half,)), yes="right", no="right not") == pytest.approx(0.5)
    assert self_yes("Wrong", TokenEvidence((half,)), yes="Right", no="Wrong") == pytest.approx(0.5)


def test_no_probability_without_a_word_or_evidence() -> None:
    one = TokenEvidence((-0.1,))
    assert self_yes("Yes", None) is self_yes("Yes", TokenEvidence()) is None
    assert self_yes("Maybe", one) is self_yes("Yesterday", one) is self_yes("", one) is None
    assert self_yes("Yes, it is", one) is None  # which of the tokens is the word, nobody knows


@given(st.text(), st.lists(st.floats(-20, 0), max_size=9))
def test_yes_never_raises(text: str, logprobs: list[float]) -> None:
    p = self_yes(text, TokenEvidence(tuple(logprobs)))
    assert p is None or 0.0 <= p <= 1.0

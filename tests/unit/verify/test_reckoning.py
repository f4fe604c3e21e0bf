"""What the numbers of a draft say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.verify.reckoning import reckoning_features


def test_a_wrong_sum_is_counted_and_a_right_one_is_not() -> None:
    question = "Tom buys 3 bags of 12 apples and eats 4. How many are left?"
    right = reckoning_features(question, "He has 3 * 12 = 36 apples. 36 - 4 = 32 are left.")
    wrong = reckoning_features(question, "He has 3 * 12 = 38 apples. 38 - 4 = 34 are left.")
    assert (right["sums_wrong"], wrong["sums_wrong"]) == (0.0, 1.0)


def test_numbers_of_the_question_that_are_left_out_lower_the_share() -> None:
    question = "A ticket costs 8 euros, a drink 3 euros. What do 5 people pay?"
    all_used = reckoning_features(question, "8 + 3 = 11, and 5 * 11 = 55.")
    some_used = reckoning_features(question, "They pay 40, since 5 * 8 = 40.")
    assert all_used["numbers_used"] == 1.0
    assert some_used["numbers_used"] == pytest.approx(2 / 3)
    assert all_used["numbers_new"] == 2.0


def test_where_there_are_no_numbers_nothing_is_measured() -> None:
    assert reckoning_features("Who wrote Faust?", "Goethe wrote it.") == {}
    assert "numbers_used" not in reckoning_features("Who wrote Faust?", "Goethe, in 1808.")


@given(st.text(), st.text())
def test_no_text_breaks_it(question: str, text: str) -> None:
    features = reckoning_features(question, text)
    assert all(value >= 0 for value in features.values())
    assert features.get("numbers_used", 0.0) <= 1.0

"""What a passage is worth, and when the best one says that nothing is there."""

from __future__ import annotations

import pytest

from tierwise.knowledge.search.order import EXACT_BONUS, WORD_BONUS, relevance_floor, worth
from tierwise.knowledge.search.words import Held, fullest, share


def held(weight: float, *rows: int, exact: bool = False) -> Held:
    return Held(weight, frozenset(rows), exact)


def test_without_words_the_cosine_decides() -> None:
    assert worth(0.4, [], 1, (1,)) == 0.4
    assert worth(0.4, [held(3.0, 2)], 1, (1,)) == 0.4


def test_words_lift_by_what_they_tell_and_no_more() -> None:
    question = [held(8.0, 1), held(1.0, 1, 2)]
    assert worth(0.4, question, 1, (1,)) == pytest.approx(0.4 + WORD_BONUS)
    assert 0.4 < worth(0.4, question, 2, (2,)) < 0.4 + WORD_BONUS / 4


def test_words_beside_a_passage_count_half() -> None:
    assert worth(0.0, [held(2.0, 5)], 4, (4, 5)) == pytest.approx(WORD_BONUS / 2)


def test_exact_terms_count_more() -> None:
    assert worth(0.0, [held(5.0, 1, exact=True)], 1, (1,)) == pytest.approx(WORD_BONUS + EXACT_BONUS)


def test_the_fullest_hold_most_of_a_question() -> None:
    question = [held(8.0, 1, 3), held(1.0, 2, 3), held(0.5, 4)]
    assert fullest(question, 3) == [3, 1, 2]
    assert share(question, (1, 2)) == pytest.approx(9 / 9.5)
    assert share([], (1,)) == 0.0


def test_more_passages_are_near_by_chance() -> None:
    assert relevance_floor(0) == relevance_floor(1) < relevance_floor(100) < relevance_floor(10_000) < 0.35

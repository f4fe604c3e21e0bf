"""How vectors and words are put in one order."""

from __future__ import annotations

from tierwise.knowledge.search.order import WORD_BONUS, combine, query_words


def test_without_matching_words_cosines_decide() -> None:
    assert combine({"b": 0.4, "a": 0.4, "c": 0.5}, []) == ["c", "a", "b"]


def test_words_lift_a_near_tie_and_no_more() -> None:
    assert combine({"near": 0.50, "named": 0.48}, [("named", 7.0)]) == ["named", "near"]
    assert combine({"near": 0.50, "named": 0.50 - 2 * WORD_BONUS}, [("named", 900.0)]) == ["near", "named"]


def test_a_passage_without_a_vector_comes_last() -> None:
    assert combine({"a": -0.2}, [("waiting", 3.0), ("a", 1.0)]) == ["a", "waiting"]


def test_common_words_are_looked_for_only_if_there_are_no_others() -> None:
    assert query_words("How do I descale the machine? The MACHINE!") == ["descale", "machine"]
    assert query_words("who are you") == ["who", "are", "you"]
    assert query_words("?!") == []
    assert len(query_words(" ".join(f"w{i}" for i in range(5000)))) == 64

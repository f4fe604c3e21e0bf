"""A turn in few words: what is kept are its facts, in the words that were said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tierwise.graph.gist import short_answer, short_question

ANSWER = (
    "Sure! Here is what you can do:\n"
    "There are many things to say about databases, and people like to talk about them at length in many places. "
    "SQLite folds the log back after 1000 pages [1]. "
    "It is a widely used library, which is found in a lot of devices all over the world today. "
    "Set PRAGMA wal_autocheckpoint to 0 to turn it off [2, 3]. I hope this helps! Do you want to know more?"
)


def test_the_sentences_with_the_facts_are_kept_in_their_order_without_marks() -> None:
    short = short_answer("When does SQLite fold the log back, and how do I turn it off?", ANSWER, 2, 200)
    assert short == ("SQLite folds the log back after 1000 pages. Set PRAGMA wal_autocheckpoint to 0 to turn it off.")


def test_a_short_answer_stays_as_it_is_without_marks() -> None:
    assert short_answer("Which?", "The  blue one [1].", 1, 110) == "The blue one."
    assert short_answer("Which?", "", 1, 110) == ""


def test_an_answer_of_code_alone_is_cut() -> None:
    short = short_answer("How?", "```\n" + "x = compute(1)\n" * 50 + "```", 1, 60)
    assert short.startswith("``` x = compute(1)")
    assert short.endswith("…")


def test_a_long_question_keeps_what_the_user_told_and_what_he_asked() -> None:
    asked = (
        "Hello! My budget is 300 euros. I have been thinking about bikes lately, and about all that there is to know"
        " of them before one buys. The weather is so nice. Which bike should I buy?"
    )
    assert short_question(asked, 90) == "My budget is 300 euros. Which bike should I buy?"
    assert short_question("Why?", 90) == "Why?"


def test_a_question_behind_a_long_text_is_found() -> None:
    assert short_question("The minutes. " + "Nobody said much. " * 2000 + "Who said the least?", 60).endswith(
        "Who said the least?"
    )


@given(st.text(max_size=600), st.text(max_size=600), st.integers(1, 4), st.integers(1, 300))
def test_nothing_gets_longer_than_asked_for(asked: str, text: str, sentences: int, longest: int) -> None:
    assert len(short_question(asked, longest)) <= longest
    assert len(short_answer(asked, text, sentences, longest)) <= longest
    if text.strip() and any(c.isalnum() for c in text):
        assert short_answer(asked, text, sentences, max(longest, 20))

"""The model's own citation marks go, ours come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.types import Citation
from tierwise.verify.marks import Mark, mark_citations, read_marks, strip_marks


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("It is 24 months [1].", "It is 24 months."),
        ("One.[1] Two [2, 3]. Three [1][2]", "One. Two. Three"),
        ("A fact\u30101\u2020source\u3011.", "A fact."),
        ("It is 24 months[1]. And items[1].name = x", "It is 24 months. And items[1].name = x"),
        ("A fact [Source 2] (passage 3).", "A fact."),
        ("Noted[^1].", "Noted."),
        (
            "Use `items[1]` and\n```\na[0] = b [1]\n```\nthen stop [1].",
            "Use `items[1]` and\n```\na[0] = b [1]\n```\nthen stop.",
        ),
        ("x = [1, 2] and f([1])", "x = [1, 2] and f([1])"),
        ("See [1](https://a.example).", "See [1](https://a.example)."),
        ("The year [2019] stays.", "The year [2019] stays."),
    ],
)
def test_marks_are_taken_out_of_prose_only(text: str, clean: str) -> None:
    assert strip_marks(text) == clean


def test_what_the_marks_said_is_kept_with_its_place() -> None:
    clean, marks = read_marks("One [1]. Two [2-3].")
    assert clean == "One. Two."
    assert marks == (Mark(3, (1,)), Mark(8, (2, 3)))


def citation(n: int, end: int) -> Citation:
    return Citation(n, "/a.txt", None, 0, 1, "x", 1.0, sentence_end=end)


def test_our_marks_stand_after_each_cited_sentence() -> None:
    assert mark_citations("One. Two. Three.", [citation(2, 16), citation(1, 4)]) == "One. [1] Two. Three. [2]"


@given(st.text(alphabet="a[]1 `\n=.", max_size=80))
def test_text_without_marks_is_left_as_it_is(text: str) -> None:
    clean, marks = read_marks(text)
    if not marks:
        assert clean == text
    assert len(clean) <= len(text)
    assert all(0 <= mark.position <= len(clean) for mark in marks)

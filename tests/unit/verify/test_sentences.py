"""Sentences with exact places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.verify.sentences import split_sentences


def pieces(text: str) -> list[str]:
    return [text[s.start : s.end] for s in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. A. Smith paid 3.50 e.g. for tea. He left.", ["Dr. A. Smith paid 3.50 e.g. for tea.", "He left."]),
        ("It opens at 9 a.m. on Mondays.", ["It opens at 9 a.m. on Mondays."]),
        ("See no. 5 of vol. 2. Then stop.", ["See no. 5 of vol. 2.", "Then stop."]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("It holds 24. The rest is lost.", ["It holds 24.", "The rest is lost."]),
        ("Fact one.[1] Fact two. [2, 3] End.", ["Fact one.[1]", "Fact two. [2, 3]", "End."]),
        (
            "\u5f7c\u306f\u6765\u305f\u3002\u79c1\u306f\u5bdd\u305f\uff01",
            ["\u5f7c\u306f\u6765\u305f\u3002", "\u79c1\u306f\u5bdd\u305f\uff01"],
        ),
        (
            "# Rules\n\n- First item\n- Second. Third.\n1. Fourth",
            ["Rules", "First item", "Second.", "Third.", "Fourth"],
        ),
        ("Price: 5\nPhone: 12", ["Price: 5", "Phone: 12"]),
        (
            "This line of a PDF is wrapped in the middle of\nits only sentence.",
            ["This line of a PDF is wrapped in the middle of\nits only sentence."],
        ),
        ("Run this:\n```\na = 1. b\n\nc\n```\nDone.", ["Run this:", "```\na = 1. b\n\nc\n```", "Done."]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_code_and_headings_are_known_as_such() -> None:
    found = split_sentences("# Title\nText.\n```\ncode\n")
    assert [(s.heading, s.code) for s in found] == [(True, False), (False, False), (False, True)]


@given(st.text(alphabet="aB1.!?\u3002 \n\t-#`|\u3010\u3011[]()\"'", max_size=200))
def test_places_are_ordered_trimmed_and_lose_no_word(text: str) -> None:
    found = split_sentences(text)
    at = 0
    for one in found:
        assert at <= one.start < one.end <= len(text)
        piece = text[one.start : one.end]
        assert piece == piece.strip()
        at = one.end
    ends, starts = [0, *(s.end for s in found)], [*(s.start for s in found), len(text)]
    outside = "".join(text[a:b] for a, b in zip(ends, starts, strict=True))
    assert "B" not in outside

"""Words of a question in a text, for showing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.knowledge import matching_words


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("When was the vessel replaced?", "Vessels: replacing one is dear.", ["Vessels", "replacing"]),
        ("cafe", "Le café ☕ est là.", ["café"]),
        ("core.fsmonitor", "Set core.fsmonitor and core.", ["core.fsmonitor", "core"]),
        ("pump", "Nothing of it.", []),
        ("", "Nothing asked.", []),
        ('" OR NEAR( *', "near here or there", ["near"]),
    ],
)
def test_words_are_found_in_all_their_endings(query: str, text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in matching_words(query, text)] == found


@given(st.text(), st.text())
def test_spans_of_any_text_are_in_order_and_apart(query: str, text: str) -> None:
    at = 0
    for start, end in matching_words(query, f"{text} {query} {text}"):
        assert at <= start < end <= 2 * len(text) + len(query) + 2
        at = end

"""The dial in the user's own writing."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.errors import ConfigError
from tierwise.types import Dial
from tierwise.wish import read_wish, wish_text


@pytest.mark.parametrize("word", get_args(Dial))
def test_the_words_are_taken_as_they_are(word: str) -> None:
    assert read_wish("dial", word) == word == wish_text(word)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "share"),
    [(0.2, 0.2), ("0.2", 0.2), ("20%", 0.2), (" 20 % ", 0.2), (0, 0.0), (1, 1.0), ("100%", 1.0), ("0", 0.0)],
)
def test_a_share_may_be_a_number_or_text_or_a_percentage(said: Any, share: float) -> None:
    assert read_wish("dial", said) == pytest.approx(share)


@pytest.mark.parametrize(
    "junk",
    [
        "cheap", "Balanced!", "", "%", "-1%", "101%", "1.1", -0.1, 2, 20, None, True, False, [], ["economy"], {},
        {"a": 1}, math.nan, math.inf, "nan", "nan%", "inf", b"0.2%", 10**400,
    ],
)  # fmt: skip
def test_anything_else_is_refused_by_the_name_of_where_it_stands(junk: Any) -> None:
    with pytest.raises(ConfigError, match=r"^TIERWISE_DIAL is .*\. Use economy, balanced, quality, or a share"):
        read_wish("TIERWISE_DIAL", junk)


@given(st.text() | st.floats() | st.integers() | st.none() | st.booleans())
def test_what_is_read_is_always_a_wish(said: Any) -> None:
    try:
        wish = read_wish("dial", said)
    except ConfigError:
        return
    assert wish in get_args(Dial) or (isinstance(wish, float) and 0 <= wish <= 1)
    assert wish_text(wish)


@given(st.floats(0, 1))
def test_a_share_survives_being_written_down(share: float) -> None:
    assert read_wish("dial", str(share)) == share

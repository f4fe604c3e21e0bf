"""What a message must be before anything is done with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.errors import Blocked, InvalidInput
from tierwise.guards import check_question


@pytest.mark.parametrize("text", ["", "  \n\t ", "\x00", "\u200b\u200d", "\ufeff"])
def test_a_message_without_anything_to_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        check_question(text, 100)


def test_a_message_that_is_too_long_is_refused_with_both_figures_and_a_way_out() -> None:
    with pytest.raises(Blocked, match=r"1,000,000 characters; 32,000 are allowed.*ingest"):
        check_question("x" * 1_000_000, 32_000)
    assert check_question("x" * 100, 100) == "x" * 100


def test_nul_and_halves_of_characters_do_not_get_through() -> None:
    assert check_question("a\x00b\x1b[31m\ud800c", 100) == "ab[31m\ufffdc"


def test_ordinary_text_is_left_as_it_was_written() -> None:
    text = "  Wie geht's?\r\n\t\u65e5\u672c\u8a9e \U0001f469\u200d\U0001f52c\n"
    assert check_question(text, 100) == text


@given(st.text(alphabet=st.characters(), max_size=200))
def test_what_is_let_through_can_be_stored(text: str) -> None:
    try:
        checked = check_question(text, 200)
    except InvalidInput:
        return
    assert "\x00" not in checked
    assert checked.encode("utf-8").decode("utf-8") == checked

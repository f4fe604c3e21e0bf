"""What nobody sees in a text is taken out of it, and headings and blocks stay where they belong."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.knowledge.document import Block, Document, Heading, Page
from tierwise.knowledge.reading.clean import clean_document, clean_text

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f\u00ad\u200b]"
)
JUNK = [
    *("\x1b[31;1m", "\x1b]0;owned\x07", "\x1b]8;;http://x\x1b\\", "\x1bP1$r\x1b\\", "\x1b", "\0", "\x9b", "\x7f"),
    *("\u202e", "\u2066", "\U000e0041\U000e0042", "\u00ad", "\ufeff", "\u200b"),
]


def document(text: str, *headings: Heading, blocks: tuple[Block, ...] = ()) -> Document:
    return Document("a.txt", None, (Page(None, text, headings, blocks),))


@given(st.text())
def test_nothing_unseen_is_left(text: str) -> None:
    cleaned = clean_document(document(text)).pages[0].text
    assert not UNSEEN.search(cleaned)
    assert cleaned == clean_text(text)
    cleaned.encode()


@given(st.text(st.characters(categories=("L", "M", "N", "P", "S", "Zs"), exclude_characters="\u3164\uffa0")))
def test_what_is_seen_stays(text: str) -> None:
    assert clean_text(re.sub("[\ufe00-\ufe0f\U000e0100-\U000e01ef]", "", text)) == re.sub(
        "[\ufe00-\ufe0f\U000e0100-\U000e01ef]", "", text
    )


@given(st.lists(st.tuples(st.text("ab c\nü", min_size=1), st.sampled_from(JUNK)), min_size=1, max_size=8))
def test_spans_move_along(parts: list[tuple[str, str]]) -> None:
    text, headings, blocks = "", [], []
    for words, junk in parts:
        text += "\n"
        headings.append(Heading(len(text), len(text) + len(words), 1, words))
        blocks.append(Block(len(text), len(text) + len(words) + 1 + len(junk), "list"))
        text += words + "." + junk
    cleaned = clean_document(document(text, *headings, blocks=tuple(blocks))).pages[0]
    assert [cleaned.text[h.start : h.end] for h in cleaned.headings] == [words for words, _ in parts]
    assert [cleaned.text[b.start : b.end] for b in cleaned.blocks] == [f"{words}." for words, _ in parts]


@pytest.mark.parametrize(
    ("text", "cleaned", "warned"),
    [
        ("# \x1b]0;owned\x07 title\x1b[2J", "#  title", "terminals"),
        ('x = "\u202e#} nimda"', 'x = "#} nimda"', "invisible"),
        ("word \U000e0049\U000e0047", "word ", "invisible"),
        ("pass\u200dword", "password", None),
        ("❤\ufe0f\ufe01\ufe02", "❤\ufe0f", "invisible"),
        ("N\bNA\bAM\bME\bE _\bx", "NAME x", None),
        ("one\ftwo\x85three\u2028four\r\nfive", "one\ntwo\nthree\nfour\nfive", None),
        ("soft\u00adhyphen zero\u200bwidth \ufeff", "softhyphen zerowidth ", None),
        ("half \ud800 of", "half \ufffd of", None),
    ],
)
def test_what_misleads_is_named(text: str, cleaned: str, warned: str | None) -> None:
    result = clean_document(document(text))
    assert result.pages[0].text == cleaned
    assert [warned] == [warned for w in result.warnings if warned and warned in w] if warned else result.warnings == ()


@pytest.mark.parametrize("text", ["👩‍💻 👨‍👩‍👧", "می‌خواهم", "क्‍ष", "പ്രവീണ്‍ A", "e\u0301 é", "日本語", "tab\there"])
def test_characters_that_scripts_and_emoji_need_stay(text: str) -> None:
    assert clean_document(document(text)) == document(text)


def test_titles_and_heads_are_cleaned_too() -> None:
    page = Page(None, "abc", (Heading(0, 1, 1, "a\x1b[1m\n b"),), (Block(1, 3, "table", "x\u202e | y"),))
    result = clean_document(Document("a", "t\x07it\nle", (page,), ("w\x1b[2J",)))
    assert (result.title, result.warnings[0]) == ("tit le", "w")
    assert (result.pages[0].headings[0].title, result.pages[0].blocks[0].head) == ("a b", "x | y")


def test_a_part_of_nothing_but_unseen_characters_is_gone() -> None:
    result = clean_document(document("\u202e\u202d words", Heading(0, 2, 1, "\u202e"), blocks=(Block(0, 2, "code"),)))
    assert (result.pages[0].headings, result.pages[0].blocks) == ((), ())

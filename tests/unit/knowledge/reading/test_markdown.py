"""Markdown: the text stays, and its headings, lists, code and tables are where they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from well_formed import assert_well_formed, blocks, said, sample, titles

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.markdown import read_markdown

PIECES = st.sampled_from(
    [
        *("# a", "## ", "=\n", "---\n", "\n", "\n\n", "- x", "1. y", "    code", "```\n", "~~~", "> "),
        *("|a|b|\n|-|-|\n|1|2|", "[", "](", "<!--", "-->", "*", "_", "`", "\\", "ü😀", " ", "\t"),
        *("title: x\n", "<div>", "\u2028", "\x85", "\r"),
    ]
)


def read(text: str) -> Document:
    document = read_markdown(text.encode(), "notes.md")
    assert_well_formed(document)
    return document


def test_a_table_that_pandoc_wrote_is_whole_and_knows_its_columns() -> None:
    document = read_markdown(sample("nulls.md"), "nulls.md")
    page = document.pages[0]
    assert document.title == "NULL Handling in SQLite Versus Other Database Engines"
    assert document.kind == "markdown"
    table = next(block for block in page.blocks if block.kind == "table")
    assert table.head is not None and "SQLite | PostgreSQL | Oracle" in table.head
    assert said(page, table).startswith(table.head)
    assert "Multiplying null by zero gives null" in said(page, table)
    assert any("create table t1" in code for code in blocks(page, "code"))


def test_front_matter_gives_the_title_and_headings_are_found() -> None:
    document = read_markdown(sample("distro-porting.md"), "distro-porting.md")
    page = document.pages[0]
    assert document.title == "Porting systemd To New Distributions"
    assert page.text == sample("distro-porting.md").decode()
    assert (2, "NTP Pool") in titles(page)
    assert "SPDX" in blocks(page, "record")[0]
    assert any(text.startswith("1. Find the right configure parameters") for text in blocks(page, "list"))


def test_what_looks_like_a_heading_but_is_none() -> None:
    page = read(
        "# Real\n\n```sh\n# code\n```\n\n    # indented\n\n<!--\n# comment\n-->\n\n- # in a list\n\n> # quoted\n"
    ).pages[0]
    assert titles(page) == [(1, "Real")]


def test_headings_are_said_without_their_marks() -> None:
    page = read(
        "# Use `x_y_z` of *[the guide](http://a/b)* {#use}\n\nTwo\n words **bold**\n---\n\n### a \\* b <!-- n --> ###\n"
    ).pages[0]
    assert titles(page) == [(1, "Use x_y_z of the guide"), (2, "Two words bold"), (3, "a * b")]


def test_spans_count_characters_behind_front_matter_and_beyond_ascii() -> None:
    page = read("---\ntitle: 😀\n---\n\n# Größe 😀\n\n- ü\n- b\n\ntext\n").pages[0]
    assert said(page, page.headings[0]) == "# Größe 😀"
    assert blocks(page, "list") == ["- ü\n- b"]


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert read("---\n\n# Title\n").title == "Title"
    assert read("---\ntitle: [broken\n---\n# Title\n").title == "Title"
    assert read("---\na: &a [*a, *a]\ntitle: !!python/object:os.system x\n---\n").title == "x"


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_has_its_parts_within_it(text: str) -> None:
    try:
        document = read(text)
    except InvalidInput:
        return
    assert document.pages[0].text == text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("piece", ["[", "![](", "> ", "* ", "`a", "<a ", "**a", "|a", "&#", "[a]: ", "<!--"])
def test_repeated_marks_cost_no_more_than_their_length(piece: str) -> None:
    read(piece * 20_000)  # quadratic, this would be felt

"""reStructuredText: the text stays; structure is found by its marks, nothing is included."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from well_formed import assert_well_formed, blocks, said, sample, titles

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.rst import read_rst

PIECES = st.sampled_from(
    [
        *("Title\n=====\n", "====\n", "====\nT\n====\n", "---\n", "text\n", "\n", "  in\n"),
        *("      deeper\n", "- a\n", "1. b\n", "::\n", "x::\n", ".. note::\n", ".. code-block:: c\n"),
        *(".. py:function:: f(x)\n", "+--+--+\n", "| a|b |\n", "+==+==+\n", "== ==\n", "a  b\n"),
        *(".. include:: /etc/passwd\n", ".. list-table:: T\n", "...\n", "\t", "ü", "\u2028", "\\"),
    ]
)


def read(text: str) -> Document:
    document = read_rst(text.encode(), "guide.rst")
    assert_well_formed(document)
    return document


def test_debian_policy() -> None:
    document = read_rst(sample("ap-pkg-binarypkg.rst"), "ap-pkg-binarypkg.rst")
    page = document.pages[0]
    assert document.title == "Binary packages (from old Packaging Manual)"
    assert page.text == sample("ap-pkg-binarypkg.rst").decode()
    assert titles(page)[3] == (2, "The main control information file: control")
    assert blocks(page, "code")[0].strip() == "dpkg --build directory"
    assert_well_formed(document)


def test_a_command_of_cmake() -> None:
    page = read_rst(sample("math.rst"), "math.rst").pages[0]
    assert titles(page) == [(1, "math")]
    assert blocks(page, "code")[0].startswith(".. code-block:: cmake\n\n  math(EXPR")


def test_grid_tables_that_pandoc_wrote() -> None:
    page = read_rst(sample("nulls.rst"), "nulls.rst").pages[0]
    table = next(block for block in page.blocks if block.kind == "table")
    assert said(page, table).startswith("+--") and said(page, table).endswith("--+")
    assert table.head is not None and "Postg" in table.head


def test_levels_follow_the_order_in_which_marks_appear() -> None:
    page = read(
        "=====\n Top\n=====\n\nPart\n====\n\nSub *one*\n---------\n\nPart :ref:`two <b>`\n===================\n"
    ).pages[0]
    assert titles(page) == [(1, "Top"), (2, "Part"), (3, "Sub one"), (2, "Part two")]


def test_what_is_set_out_in_code_and_comments_is_no_heading() -> None:
    page = read("Top\n===\n\nSo::\n\n    Code\n    ====\n\n.. a comment\n\n   Hidden\n   ======\n\nend\n").pages[0]
    assert titles(page) == [(1, "Top")]
    assert blocks(page, "code") == ["    Code\n    ===="]


def test_simple_tables_keep_their_rows() -> None:
    page = read("=====  =====\nname   size\n=====  =====\na      1\n\nb      2\n=====  =====\n\nAfter.\n").pages[0]
    (table,) = page.blocks
    assert (table.kind, table.head) == ("table", "name   size")
    assert said(page, table).count("\n") == 6


def test_definitions_are_records_under_their_signature() -> None:
    page = read(
        ".. py:class:: Client(url)\n\n   It talks.\n\n   .. method:: retry(times)\n\n"
        "      Tries again.\n\n      - often\n\nEnd.\n"
    ).pages[0]
    assert [block.head for block in page.blocks] == ["Client(url)", "retry(times)"]
    assert "often" in said(page, page.blocks[1]) and "End." not in said(page, page.blocks[1])


def test_a_sentence_that_begins_like_an_item_is_no_list() -> None:
    page = read("A. Turing wrote this\nin 1936.\n\n1. one\n2. two\n").pages[0]
    assert blocks(page, "list") == ["1. one\n2. two"]


def test_includes_are_named_and_not_followed() -> None:
    document = read("T\n=\n\n.. include:: /etc/hostname\n\n.. literalinclude:: ../secret.py\n")
    assert "/etc/hostname, ../secret.py" in document.warnings[0]


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_has_its_parts_within_it(text: str) -> None:
    try:
        document = read(text)
    except InvalidInput:
        return
    assert document.pages[0].text == text


def test_many_lines_cost_no_more_than_their_number() -> None:
    for piece in ("- a\n", " \n", "x::\n", "== ==\n", "a\n=\n", ".. x::\n", "+-+\n", "  a\n"):
        read(piece * 10_000)
    read("".join(f"{' ' * n}- a\n" for n in range(500)))

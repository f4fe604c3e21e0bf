"""Notebooks: words, code and what it put out, bounded; nothing runs."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from well_formed import assert_well_formed, blocks, sample, titles

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.notebook import read_notebook


def read(notebook: object) -> Document:
    document = read_notebook(json.dumps(notebook).encode(), "a.ipynb")
    assert_well_formed(document)
    return document


def code(source: str, *outputs: Mapping[str, object]) -> dict[str, object]:
    return {"nbformat": 4, "cells": [{"cell_type": "code", "source": source, "outputs": list(outputs)}]}


@pytest.mark.parametrize("name", ["rainfall.ipynb", "rainfall-v3.ipynb"])
def test_a_notebook_that_jupyter_ran(name: str) -> None:
    document = read_notebook(sample(name), name)
    page = document.pages[0]
    assert (document.title, document.kind) == ("Rainfall in the valley", "notebook")
    assert titles(page) == [(1, "Rainfall in the valley"), (2, "What does not work")]
    assert blocks(page, "table") == ["| month | rain |\n|-------|------|\n| May   | 81   |\n| June  | 104  |"]
    assert blocks(page, "code")[0].endswith("sum(rain.values())\n\n  May: 81 mm\n June: 104 mm\n\n185")
    assert blocks(page, "code")[1] == "rain[\"July\"]\n\nKeyError: 'July'"
    assert "line 19" in page.text and "line 20" not in page.text and page.text.endswith("[...]")
    assert document.warnings[0].endswith("were left out: 1.") and "<svg xmlns" in blocks(page, "code")[2]
    assert_well_formed(document)


def test_pictures_widgets_and_raw_html_are_left_out() -> None:
    picture = {
        "output_type": "display_data",
        "data": {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure size 640x480>"},
    }
    html = {"output_type": "execute_result", "data": {"text/html": "<script>x</script>"}}
    table = {"output_type": "execute_result", "data": {"text/html": "<table>", "text/plain": ["   a\n", "0  1"]}}
    document = read(code("df", picture, html, table))
    assert document.pages[0].text == "df\n\n   a\n0  1"
    assert document.warnings[0].endswith("were left out: 2.")


def test_colours_of_terminals_are_no_text() -> None:
    document = read(code("x", {"output_type": "stream", "text": "\x1b[31mred\x1b[0m\n"}))
    assert document.pages[0].text == "x\n\nred"


def test_pictures_pasted_into_text_are_their_names() -> None:
    source = "![a map](data:image/png;base64," + "A" * 5000 + ")"
    assert read({"nbformat": 4, "cells": [{"cell_type": "markdown", "source": source}]}).pages[0].text == "a map"


@pytest.mark.parametrize("data", [b"not json", b"[1]", b"{}", b'"cells"', b"[" * 100_000])
def test_what_is_no_notebook_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="not a notebook"):
        read_notebook(data, "a.ipynb")


PARTS = st.none() | st.text(max_size=10) | st.lists(st.text(max_size=5), max_size=3) | st.integers()
FIELDS = st.sampled_from(["output_type", "text", "data", "ename"])
CELLS = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw", "heading", 3])},
    optional={
        "source": PARTS | st.sampled_from(["# a\n\n- b", "---\nx\n---"]),
        "input": PARTS,
        "level": st.sampled_from([1, 2, "x", 0, -1]),
        "outputs": st.lists(st.dictionaries(FIELDS, PARTS), max_size=2) | PARTS,
    },
)


@given(st.lists(CELLS | PARTS, max_size=5))
def test_any_cells_are_read(cells: list[object]) -> None:
    read({"nbformat": 4, "cells": cells})

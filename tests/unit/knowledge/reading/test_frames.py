"""What comes from the process that reads documents is checked before it is believed."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.knowledge.document import Block, Document, Heading, Page
from tierwise.knowledge.reading.frames import as_problem, packed, read_message, unpacked, write_message

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@st.composite
def pages(draw: st.DrawFn) -> Page:
    text = draw(TEXT)
    spans = [sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2))) for _ in range(draw(st.integers(0, 3)))]
    headings = tuple(Heading(a, b, draw(st.integers(1, 9)), draw(TEXT)) for a, b in spans)
    blocks = tuple(Block(a, b, draw(st.sampled_from(["list", "record"])), draw(st.none() | TEXT)) for a, b in spans)
    return Page(draw(st.none() | st.integers(1, 99)), text, headings, blocks)


@st.composite
def read_documents(draw: st.DrawFn) -> Document:
    date = draw(st.none() | st.floats(allow_nan=False, allow_infinity=False))
    warnings = tuple(draw(st.lists(TEXT, max_size=3)))
    return Document("a", draw(st.none() | TEXT), tuple(draw(st.lists(pages(), max_size=3))), warnings, "pdf", date)


def through_a_pipe(head: dict[str, Any], bodies: list[bytes]) -> tuple[dict[str, Any], bytes]:
    pipe = io.BytesIO()
    write_message(pipe, head, bodies)
    pipe.seek(0)
    message = read_message(pipe)
    assert message is not None
    return message


@given(read_documents())
def test_a_document_comes_through_as_it_is(document: Document) -> None:
    assert unpacked("a", *through_a_pipe(*packed(document))) == document


GOOD: dict[str, Any] = {
    "title": None,
    "pages": [[None, 3, [[0, 1, 1, "a"]], [[1, 3, "list", None]]]],
    "warnings": [],
    "kind": "text",
    "date": None,
}


@pytest.mark.parametrize(
    "change",
    [
        {"pages": [[None, 4, [], []]]},
        {"pages": [[None, -1, [], []]]},
        {"pages": [[None, True, [], []]]},
        {"pages": [[None, 3, [[2, 1, 1, "a"]], []]]},
        {"pages": [[None, 3, [[0, 9, 1, "a"]], []]]},
        {"pages": [[None, 3, [[0, 1, 1, 7]], []]]},
        {"pages": [[None, 3, [[0, 1, 1, "\ud800"]], []]]},
        {"pages": [[None, 3, [], [[0, 1, "program", None]]]]},
        {"pages": [["1", 3, [], []]]},
        {"pages": [3]},
        {"pages": None},
        {"kind": "program"},
        {"kind": ["text"]},
        {"title": 3},
        {"warnings": [{}]},
        {"date": float("inf")},
        {"date": "today"},
    ],
)
def test_what_is_no_document_is_refused(change: dict[str, Any]) -> None:
    assert unpacked("a", GOOD, b"abc").pages[0].text == "abc"
    with pytest.raises(ValueError, match=r"."):
        unpacked("a", GOOD | change, b"abc")
    with pytest.raises(ValueError, match=r"."):
        unpacked("a", GOOD, b"ab\xff")


@given(st.binary(max_size=40) | st.builds(lambda head: b"\0\0\0\2\0\0\0\0" + head, st.binary(max_size=5)))
def test_bytes_that_are_no_message_are_none(data: bytes) -> None:
    assert read_message(io.BytesIO(data)) is None or data[8:10] == b"{}"


def test_a_problem_is_words_on_a_line() -> None:
    problem = as_problem({"what": "It is\x1b[2J bad.\n", "fix": None, "original": "x\ny"})
    assert (problem.what, problem.fix, problem.original) == ("It is [2J bad.", None, "x y")
    for head in ("x", {"what": 3}):
        with pytest.raises(ValueError, match=r"."):
            as_problem(head)

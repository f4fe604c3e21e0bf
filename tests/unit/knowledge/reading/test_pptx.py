"""Presentations: a page a slide, in the order in which one reads it, with notes, tables and charts."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Cm

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.pptx import read_pptx

SAMPLES = Path(__file__).parents[3] / "data" / "documents"


def sample(name: str) -> Document:
    return read_pptx((SAMPLES / name).read_bytes(), name)


def saved(opened: pptx.presentation.Presentation) -> bytes:
    buffer = io.BytesIO()
    opened.save(buffer)
    return buffer.getvalue()


def blank(opened: pptx.presentation.Presentation) -> pptx.slide.Slide:
    return opened.slides.add_slide(opened.slide_layouts[6])


def test_slides_are_pages_with_their_titles_bullets_tables_and_notes() -> None:
    document = sample("sqlite-talk.pptx")
    assert document.title == "SQLite in one file" and document.kind == "pptx"
    assert [page.number for page in document.pages] == [1, 2, 3, 4]
    assert [page.headings[0].title for page in document.pages[1:]] == ["Why a file", "Limits", "Two sides"]
    assert document.pages[1].text == (
        "Why a file\n\n- No server process\n- One file a database\n  - and a journal while it writes\n\n"
        "Notes: Remember to mention the write-ahead log."
    )
    (table,) = document.pages[2].blocks
    assert table.head == "What | Limit"
    assert document.pages[2].text[table.start : table.end].endswith("Attached databases | 10")
    assert document.pages[3].text.index("Left: what") < document.pages[3].text.index("Right: what")


def test_slides_of_powerpoint() -> None:
    first, second, third = sample("officer.pptx").pages
    assert first.text.startswith("Title\n\n- A table\n- and some text")
    assert "A | 12.23 | blah blah\nB | 1.23 | blah blah blah" in first.text
    assert (
        "- This is\n  - an unordered\n    - list of paragraphs\n1. This is an ordered\n2. list of paragraphs"
        in second.text
    )
    assert third.text.endswith("b | c\nb")  # a cell over two rows is said in both


def test_a_hidden_slide_is_read_and_named() -> None:
    opened = pptx.Presentation(str(SAMPLES / "sqlite-talk.pptx"))
    opened.slides[2]._element.set("show", "0")
    document = read_pptx(saved(opened), "a.pptx")
    assert "Attached databases" in document.pages[2].text
    assert document.warnings == ("Slide 3 is hidden in the show; read all the same.",)


def test_shapes_and_groups_are_read_from_top_to_bottom() -> None:
    opened = pptx.Presentation()
    slide = blank(opened)
    slide.shapes.add_textbox(Cm(1), Cm(12), Cm(5), Cm(1)).text_frame.text = "last"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(Cm(1), Cm(8), Cm(5), Cm(1)).text_frame.text = "third"
    group.shapes.add_textbox(Cm(1), Cm(6), Cm(5), Cm(1)).text_frame.text = "second"
    slide.shapes.add_textbox(Cm(9), Cm(1.1), Cm(5), Cm(1)).text_frame.text = "beside the first"
    slide.shapes.add_textbox(Cm(1), Cm(1.2), Cm(5), Cm(1)).text_frame.text = "first"
    (page,) = read_pptx(saved(opened), "a.pptx").pages
    assert page.text.split("\n\n") == ["first", "beside the first", "second", "third", "last"]


def test_a_chart_is_the_table_of_its_numbers() -> None:
    opened = pptx.Presentation()
    numbers = CategoryChartData()
    numbers.categories = ["March", "April"]
    numbers.add_series("Litres", (12, 19.5))
    numbers.add_series("Visits", (3, None))
    blank(opened).shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Cm(1), Cm(1), Cm(9), Cm(9), numbers)
    (page,) = read_pptx(saved(opened), "a.pptx").pages
    assert page.text == " | Litres | Visits\nMarch | 12 | 3\nApril | 19.5"
    assert page.blocks[0].head == " | Litres | Visits"


def test_a_slide_of_pictures_is_named() -> None:
    from PIL import Image

    picture = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(picture, "PNG")
    opened = pptx.Presentation()
    blank(opened).shapes.add_textbox(Cm(1), Cm(1), Cm(5), Cm(1)).text_frame.text = "text"
    blank(opened).shapes.add_picture(picture, Cm(1), Cm(1))
    document = read_pptx(saved(opened), "a.pptx")
    assert document.warnings == ("Slide 2 holds pictures without text: they need OCR.",)


def test_damage_is_said_in_a_sentence() -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO((SAMPLES / "officer.pptx").read_bytes())) as old,
        zipfile.ZipFile(buffer, "w") as new,
    ):
        for entry in old.namelist():
            if entry != "ppt/presentation.xml":
                new.writestr(entry, old.read(entry))
    with pytest.raises(InvalidInput, match=r"damaged presentation.*save it as \.pptx again"):
        read_pptx(buffer.getvalue(), "a.pptx")

"""Word documents: what a reader of the printed page sees, and nothing that was hidden, deleted or lies outside."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.docx import read_docx

SAMPLES = Path(__file__).parents[3] / "data" / "documents"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def sample(name: str) -> Document:
    return read_docx((SAMPLES / name).read_bytes(), name)


def saved(opened: docx.document.Document) -> bytes:
    buffer = io.BytesIO()
    opened.save(buffer)
    return buffer.getvalue()


def replaced(data: bytes, name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, content if entry == name else old.read(entry))
    return buffer.getvalue()


def test_a_document_as_its_readers_see_it() -> None:
    document = sample("survey.docx")
    (page,) = document.pages
    assert (document.title, document.kind, page.number) == ("Survey of the mill dam", "docx", None)
    assert [(h.level, h.title) for h in page.headings] == [
        (1, "Survey of the mill dam"),
        (2, "What to do"),
        (2, "Seepage"),
    ]
    # an insertion is in, a deletion and hidden text are not, a note stands with what it explains
    assert (
        "The dam was inspected in March. (note 1) It leaks in two places.\n\n"
        "Note 1: The water stood forty centimetres below the crest."
    ) in page.text
    assert document.warnings == ("Hidden text was left out: 33 characters.",)
    assert "Keep off the spillway when the siren sounds." in page.text  # a text box


def test_lists_have_the_numbers_that_the_page_shows() -> None:
    (page,) = sample("survey.docx").pages
    listing = next(b for b in page.blocks if b.kind == "list")
    assert page.text[listing.start : listing.end] == (
        "1. Drain the pond.\n2. Grout the joints:\n  a) north wall\n  b) south wall\n3. Fill it again."
    )


def test_a_merged_cell_is_said_in_each_of_its_rows() -> None:
    (page,) = sample("survey.docx").pages
    table = next(b for b in page.blocks if b.kind == "table")
    assert table.head == "Gauge | Day | Litres an hour"
    assert page.text[table.start : table.end].split("\n")[1:] == [
        "North | 4 March | 12",
        "North | 11 March | 19",
        "South | 4 March | 3",
    ]


def test_a_document_of_word_with_lists_and_a_table() -> None:
    (page,) = sample("officer.docx").pages
    assert [h.title for h in page.headings] == ["Title 1", "Title 2", "Sub title 1", "Sub title 2"]
    assert "1. Quisque tristique\n2. Augue nisi, et convallis\n3. Sapien mollis nec." in page.text
    assert "- Quisque tristique\n- Augue nisi, et convallis" in page.text
    table = next(b for b in page.blocks if b.kind == "table")
    assert table.head == "Petals | Internode | Sepal | Bract"


def test_a_document_of_pandoc_keeps_its_sections() -> None:
    document = sample("strict.docx")
    (page,) = document.pages
    assert document.title == "STRICT Tables"
    assert (2, "4.1. Accessing STRICT tables in earlier versions of SQLite") in [
        (h.level, h.title) for h in page.headings
    ]
    assert all(page.text[h.start : h.end] == h.title for h in page.headings)


def test_comments_contents_and_field_codes_are_not_text() -> None:
    opened = docx.Document()
    paragraph = opened.add_paragraph("The tower is open.")
    opened.add_comment(paragraph.runs, text="Is it really?", author="B")
    opened.styles.add_style("TOC 1", docx.enum.style.WD_STYLE_TYPE.PARAGRAPH)
    opened.add_paragraph("Chapter one ... 3", style="TOC 1")
    field = opened.add_paragraph("Printed on ")
    for kind in ("begin", "separate", "end"):
        if kind == "separate":
            field._p.append(parse_xml(f'<w:r {W}><w:instrText>DATE \\@ "yyyy"</w:instrText></w:r>'))
        field._p.append(parse_xml(f'<w:r {W}><w:fldChar w:fldCharType="{kind}"/></w:r>'))
        if kind == "separate":
            field._p.append(parse_xml(f"<w:r {W}><w:t>2023</w:t></w:r>"))
    (page,) = read_docx(saved(opened), "a.docx").pages
    assert page.text == "The tower is open.\n\nPrinted on 2023"


def test_text_hidden_by_its_style_is_left_out() -> None:
    opened = docx.Document()
    opened.styles.add_style("Secret", docx.enum.style.WD_STYLE_TYPE.PARAGRAPH).font.hidden = True
    derived = opened.styles.add_style("Derived", docx.enum.style.WD_STYLE_TYPE.PARAGRAPH)
    derived.base_style = opened.styles["Secret"]
    opened.add_paragraph("Hidden.", style="Secret")
    opened.add_paragraph("Hidden too.", style="Derived")
    opened.add_paragraph("Shown.")
    document = read_docx(saved(opened), "a.docx")
    assert document.pages[0].text == "Shown."
    assert document.warnings == ("Hidden text was left out: 18 characters.",)


def test_a_frame_of_one_cell_is_read_as_prose_and_a_table_in_a_cell_stays_in_it() -> None:
    opened = docx.Document()
    frame = opened.add_table(1, 1).cell(0, 0)
    frame.text = "Warning."
    frame.add_paragraph("The ice is thin.")
    outer = opened.add_table(2, 2)
    for cell, text in zip((c for row in outer.rows for c in row.cells), ("Pond", "Depths", "Upper", ""), strict=True):
        cell.text = text
    inner = outer.cell(1, 1).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "1 m", "2 m"
    (page,) = read_docx(saved(opened), "a.docx").pages
    assert page.text == "Warning.\n\nThe ice is thin.\n\nPond | Depths\nUpper | 1 m | 2 m"
    assert [b.kind for b in page.blocks] == ["table"]


def test_entities_are_not_expanded_and_nothing_outside_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    bomb = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 20 if i else "ha"}">' for i in range(9))
    body = (
        f'<?xml version="1.0"?><!DOCTYPE d [{bomb}<!ENTITY out SYSTEM "{secret.as_uri()}">]>'
        f"<w:document {W}><w:body><w:p><w:r><w:t>Before &out;&e8; after.</w:t></w:r></w:p></w:body></w:document>"
    )
    data = replaced(saved(docx.Document()), "word/document.xml", body.encode())
    try:
        text = read_docx(data, "a.docx").pages[0].text
    except InvalidInput:
        return  # refused is as good
    assert "the secret" not in text and len(text) < 1000


@pytest.mark.parametrize("content", [b"", b"<w:document", b"<a/>"])
def test_damage_is_said_in_a_sentence(content: bytes) -> None:
    data = replaced((SAMPLES / "survey.docx").read_bytes(), "word/document.xml", content)
    with pytest.raises(InvalidInput, match=r"damaged Word document.*save it as \.docx again"):
        read_docx(data, "a.docx")


def test_a_template_is_named_as_such() -> None:
    with zipfile.ZipFile(SAMPLES / "survey.docx") as opened:
        types = opened.read("[Content_Types].xml").replace(b"document.main+xml", b"template.main+xml")
    data = replaced((SAMPLES / "survey.docx").read_bytes(), "[Content_Types].xml", types)
    with pytest.raises(InvalidInput, match=r"no plain Word document.*Save it as \.docx"):
        read_docx(data, "a.dotx")

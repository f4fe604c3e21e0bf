"""Reading files: the text people see, and one clear sentence for every file that has none."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path

import pytest
from pypdf import PdfWriter
from reportlab.pdfgen.canvas import Canvas

from tierwise.errors import InvalidInput
from tierwise.knowledge.reading import documents
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.documents import parse_document, read_document


def read(name: str, data: bytes | str) -> Document:
    return parse_document(Path(name), data.encode() if isinstance(data, str) else data)


def pdf(*pages: str, title: str | None = None) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    if title:
        canvas.setTitle(title)
    for text in pages:
        canvas.drawString(72, 700, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.rst", "a.log", "a.csv", "a.json", "a.py", "LICENSE"])
def test_text_is_what_open_reads(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes("Größe: 3\r\nnext\rlast \u2026 ok\n".encode())
    document = read_document(path)
    assert document.pages[0].text == path.read_text(encoding="utf-8")
    assert document.pages[0].number is None
    assert document.warnings == ()


def test_a_byte_order_mark_is_not_text() -> None:
    assert read("a.txt", "\ufeffhello").pages[0].text == "hello"
    assert read("a.txt", "hello".encode("utf-16")).pages[0].text == "hello"
    assert read("a.html", b"\xef\xbb\xbf<p>hello</p>").pages[0].text == "hello"


def test_windows_text_is_read_and_said() -> None:
    document = read("a.txt", "“Größe” … 5 €".encode("cp1252"))
    assert document.pages[0].text == "“Größe” … 5 €"
    assert "Windows-1252" in document.warnings[0]


def test_markdown_headings_are_not_found_in_code() -> None:
    text = "Title\n=====\n\n## Use ##\n\n```sh\n# not a heading\n```\n\n~~~\n# nor this\n~~~\n\nPart\n----\n\ntext\n"
    page = read("a.md", text).pages[0]
    assert [(h.level, h.title) for h in page.headings] == [(1, "Title"), (2, "Use"), (2, "Part")]
    assert all(text[h.start : h.end].lstrip("# ").startswith(h.title) for h in page.headings)
    assert read("a.md", text).title == "Title"


def test_html_is_what_a_reader_sees() -> None:
    document = read(
        "a.html",
        "<html><head><title>The\n manual</title><style>p {}</style></head><body><nav>Home</nav><script>x()</script>"
        "<h1>Care</h1><p>Use <b>citric</b>\n acid.<br>Never vinegar.</p><ul><li><p>one</p><li>two</ul>"
        "<table><tr><th>E3</th><td>hot</td></tr></table><pre>a\n  b</pre><!-- no -->1&nbsp;&lt;&nbsp;2</body></html>",
    )
    assert document.title == "The manual"
    text = document.pages[0].text
    assert text == "Care\n\nUse citric acid.\nNever vinegar.\n\n- one\n\n- two\n\nE3 | hot\n\na\n  b\n\n1\xa0<\xa02"
    (heading,) = document.pages[0].headings
    assert text[heading.start : heading.end] == heading.title == "Care"


def test_html_in_its_declared_encoding() -> None:
    page = '<meta charset="iso-8859-2"><p>Žižka</p>'.encode("iso-8859-2")
    assert read("a.html", page).pages[0].text == "Žižka"
    lying = '<meta charset="no-such-encoding"><p>Größe</p>'.encode()
    assert read("a.html", lying).pages[0].text == "Größe"


def test_html_nested_without_end() -> None:
    deep = "<div>" * 20_000 + "deep" + "</div>" * 20_000
    assert read("a.html", deep).pages[0].text == "deep"


def test_pdf_pages_and_title() -> None:
    document = read("a.pdf", pdf("The first page.", "The second page.", title="Two pages"))
    assert [(p.number, p.text.strip()) for p in document.pages] == [(1, "The first page."), (2, "The second page.")]
    assert document.title == "Two pages"
    assert read("a.txt", pdf("Named wrongly.")).pages[0].text.strip() == "Named wrongly."


def test_pdf_page_without_text_is_said() -> None:
    assert "page 2 of 2" in read("a.pdf", pdf("Words.", "")).warnings[0]


def encrypted(password: str) -> bytes:
    writer = PdfWriter(io.BytesIO(pdf("Secret.")))
    writer.encrypt(password, "owner", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_pdf_protected_against_printing_only_is_read() -> None:
    assert read("a.pdf", encrypted("")).pages[0].text.strip() == "Secret."


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.pdf", encrypted("pass"), "encrypted"),
        ("a.pdf", pdf("", ""), "no text on its 2 page"),
        ("a.pdf", pdf("Words.")[:300], "damaged PDF"),
        ("a.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 40, "damaged PDF"),
        ("a.pdf", b"hello", "not a PDF"),
        ("a.txt", b"", "empty"),
        ("a.txt", b" \n\t\n", "empty"),
        ("a.html", "<html><head><title>x</title></head><body></body></html>", "no text in it"),
        ("a.txt", bytes(range(256)) * 10, "binary"),
        ("a.txt", b"PK\x03\x04\xff\xfe\x01\x02\x05\x06" * 99, "binary"),
        ("a.docx", b"PK\x03\x04", ".docx files are not read"),
    ],
)
def test_files_without_text(tmp_path: Path, name: str, data: bytes | str, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(InvalidInput, match=says) as caught:
        read_document(path)
    assert caught.value.fix


def test_too_large_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_BYTES", 10)
    path = tmp_path / "a.txt"
    path.write_text("x" * 11)
    with pytest.raises(InvalidInput, match="too large"):
        read_document(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such file"):
        read_document(tmp_path / "nothing.txt")
    with pytest.raises(InvalidInput, match="not a plain file"):
        read_document(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidInput, match="not a plain file"):
        read_document(tmp_path / "pipe")


def test_the_pdf_library_keeps_quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(InvalidInput):
        read("a.pdf", pdf("Words.")[:400])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("charset", ["undefined", "punycode", "unicode_escape", "utf-7"])
def test_a_charset_that_is_no_charset_costs_nothing(charset: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(f'<meta charset="{charset}"><p>plain \\ud800 +2AA- words</p>', encoding="utf-8")
    text = read_document(page).pages[0].text
    assert "plain" in text
    text.encode()


def test_html_that_no_parser_takes_is_refused_with_a_reason(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>words</p><![foo bar", encoding="utf-8")
    with pytest.raises(InvalidInput, match="damaged HTML"):
        read_document(page)

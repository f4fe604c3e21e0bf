"""From bytes to a document: what a file is, by what is in it; one clear sentence for every file that has no text."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading import documents
from tierwise.knowledge.reading.documents import parse_document
from tierwise.knowledge.reading.problem import Unreadable

SAMPLES = Path(__file__).parents[3] / "data" / "documents"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def read(name: str, data: bytes | str) -> Document:
    return parse_document(name, data.encode() if isinstance(data, str) else data)


def pdf(words: str) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.drawString(72, 700, words)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def packed(**files: bytes | str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["a.txt", "a.log", "a.tex", "README", "notes.1", "a.unknown"])
def test_text_is_what_open_reads(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes("Größe: 3\r\nnext\rlast \u2026 ok\n".encode())
    document = read(str(path), path.read_bytes())
    assert document.pages[0].text == path.read_text(encoding="utf-8")
    assert (document.path, document.kind, document.pages[0].number) == (str(path), "text", None)
    assert document.warnings == ()


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.txt", pdf("Named wrongly."), "pdf"),
        ("a.txt", "<!DOCTYPE html><title>x</title><p>words</p>", "html"),
        ("page", '<?xml version="1.0"?>\n<!-- by hand -->\n<html xmlns="x"><body>words</body></html>', "html"),
        ("report.xls", "<html><table><tr><th>a<th>b<tr><td>1<td>2</table></html>", "html"),
        ("ls.1", '.\\" a comment\n.TH LS 1\n.SH NAME\nls \\- list\n', "man"),
        ("ls", ".Dd May 1, 2024\n.Dt LS 1\n.Sh NAME\n.Nm ls\n.Nd list\n", "man"),
        ("build", "#!/bin/sh\necho built\n", "code"),
        ("Makefile", "all:\n\techo built\n", "code"),
        ("a.MD", "# Title\n\nwords\n", "markdown"),
        ("a.json", '{"a": 1}', "data"),
        ("a.csv", "name,age\nAnn,40\n", "sheet"),
        ("a.eml", "From: a@b.c\nSubject: s\n\nwords\n", "mail"),
    ],
)
def test_a_file_is_read_as_what_it_is(name: str, data: bytes | str, kind: str) -> None:
    document = read(name, data)
    assert document.kind == kind
    assert document.path == name


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b" \n\t\n", "empty"),
        ("a.html", "<html><head><title>x</title></head><body></body></html>", "no text in it"),
        ("a.txt", bytes(range(256)) * 10, "binary"),
        ("a.pdf", b"hello", r"named \.pdf but is not one"),
        ("a.docx", b"hello", r"named \.docx but is not one"),
        ("a.xls", b"hello", r"named \.xls but is not one"),
        ("a.docx", packed(**{"[Content_Types].xml": "<Types/>"}), "no such document in it"),
        ("a.txt", PNG, "a picture"),
        ("a.pdf", PNG, "a picture"),
        ("a.mp3", b"ID3\x03\0\0\0", "a sound"),
        ("a.tar", bytes(257) + b"ustar\0" + bytes(300), "an archive"),
        ("a", b"7z\xbc\xaf\x27\x1c\0\4", "an archive"),
        ("a.gguf", b"GGUF\x03\0\0\0", "a model"),
        ("a.db", b"SQLite format 3\0" + bytes(84), "a database"),
        ("run", b"\x7fELF\2\1\1" + bytes(57), "a program"),
        ("a.exe", b"MZ\x90\0\3\0\0\0", "a program"),
        ("a.rtf", rb"{\rtf1 hello}", "RTF.*not read|RTF document"),
        ("a.doc", OLE, "old Word"),
        ("a.ppt", OLE, "old PowerPoint"),
        ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        ("a.odt", packed(mimetype="application/vnd.oasis.opendocument.text"), "OpenDocument text"),
        ("a.epub", packed(mimetype="application/epub+zip"), "an e-book"),
        ("a.zip", b"PK\3\4" + bytes(60), "damaged"),
        ("a.gz", b"\x1f\x8b\x08" + bytes(30), "damaged"),
    ],
)
def test_what_is_no_document_is_refused_in_a_sentence_with_a_way_out(name: str, data: bytes | str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        read(name, data)
    assert caught.value.fix


@pytest.mark.parametrize("word", ["GGUF files hold models.", "OTTO met MZ.", "PAR1 and Obj are names.", "PK is short."])
def test_words_that_files_of_other_kinds_begin_with_are_words(word: str) -> None:
    assert read("a.txt", word).pages[0].text == word


def test_one_gzipped_document_is_read(tmp_path: Path) -> None:
    page = gzip.compress(b".TH LS 1\n.SH NAME\nls \\- list files\n")
    document = read("man/ls.1.gz", page)
    assert (document.kind, document.path) == ("man", "man/ls.1.gz")
    assert "list files" in document.pages[0].text
    with pytest.raises(Unreadable, match="archive within"):
        read("a.gz", gzip.compress(gzip.compress(b"words")))


def test_files_that_gzip_and_zip_made() -> None:
    page = parse_document("mkdir.1.gz", (SAMPLES / "mkdir.1.gz").read_bytes())
    assert page == replace(parse_document("mkdir.1", (SAMPLES / "mkdir.1").read_bytes()), path="mkdir.1.gz")
    both = parse_document("documents.zip", (SAMPLES / "documents.zip").read_bytes())
    assert [page.headings[0].title for page in both.pages] == ["nulls.md", "talk.srt"]
    assert "[00:00:" in both.pages[1].text


def test_gzip_bombs_and_cut_files_are_refused() -> None:
    with pytest.raises(Unreadable, match="more than 5 MB"):
        read("a.gz", gzip.compress(bytes(6_000_000)))
    with pytest.raises(Unreadable, match="damaged"):
        read("a.txt.gz", gzip.compress(os.urandom(1000))[:-200])


def test_a_zip_file_of_documents_is_read_without_unpacking_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder := tmp_path / "here").mkdir()
    monkeypatch.chdir(folder)
    data = packed(
        **{"a/notes.md": "# Notes\n\nwords\n", "../../evil.txt": "kept in", "b.pdf": pdf("A page."), "c.png": PNG}
        | {"__MACOSX/a": "no", "in.zip": packed(x="no")}
    )
    document = read("all.zip", data)
    assert [page.number for page in document.pages] == [1, 2, 3]
    first = document.pages[0]
    assert [(h.level, h.title) for h in first.headings] == [(1, "a/notes.md"), (2, "Notes")]
    assert all(h.title in first.text[h.start : h.end] for h in first.headings)
    assert "kept in" in document.pages[1].text
    assert "A page." in document.pages[2].text
    assert "c.png: It is a picture" in document.warnings[0]
    assert "in.zip: It is an archive within" in document.warnings[1]
    assert list(folder.iterdir()) == []
    with pytest.raises(Unreadable, match="no document in this archive") as caught:
        read("all.zip", packed(**{"c.png": PNG}))
    assert "picture" in (caught.value.original or "")


def test_a_small_file_must_not_become_a_large_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "GROWTH_FROM", 100_000)
    assert len(read("a.zip", packed(**{"a.txt": "word " * 15_000})).pages[0].text) == len("a.txt\n\n") + 75_000
    with pytest.raises(Unreadable, match="characters, too many"):
        read("a.zip", packed(**{"a.txt": "word " * 25_000}))
    with pytest.raises(Unreadable, match="characters, too many"):
        read("b.zip", packed(**{f"{n}.txt": f"{n} " + "word " * 15_000 for n in range(2)}))


def test_a_reader_that_fails_is_a_damaged_file_and_its_own_words_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(data: bytes, name: str) -> Document:
        raise KeyError("no such part\n\x1b[31m")

    monkeypatch.setattr("tierwise.knowledge.reading.plain.read_plain", fails)
    with pytest.raises(Unreadable, match="damaged") as caught:
        read("a.txt", "words")
    assert caught.value.original == "KeyError: 'no such part\\n\\x1b[31m'"


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_BYTES", 10)
    with pytest.raises(InvalidInput, match="too large"):
        read("a.txt", "x" * 11)


@given(
    data=st.binary(max_size=200) | st.sampled_from([PNG, OLE, b"PK\3\4", b"%PDF-1.7\n", b"\x1f\x8b\x08"]),
    name=st.text(max_size=12) | st.sampled_from(["a.html", "a.zip", "a.gz", "a.xlsx", "a.1", "a"]),
)
def test_any_bytes_are_a_document_or_a_sentence(data: bytes, name: str) -> None:
    try:
        document = parse_document(name, data)
    except InvalidInput as error:
        assert error.what.endswith(".")
        assert error.fix
    else:
        assert any(page.text.strip() for page in document.pages)

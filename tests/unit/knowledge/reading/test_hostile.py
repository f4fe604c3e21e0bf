"""Documents that try to reach something or to cost too much, one of each class, through the process that reads them."""

from __future__ import annotations

import io
import socket
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tierwise.knowledge.reading.problem import Unreadable
from tierwise.knowledge.reading.process import ReaderProcess

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "application/vnd.openxmlformats-officedocument"
LAUGHS = '<!DOCTYPE x [<!ENTITY a "lollollollol">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 12}">' for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


def relation(kind: str, target: str, more: str = "") -> str:
    inner = f'<Relationship Id="r1" Type="{OFFICE}/{kind}" Target="{target}" {more}/>'
    return f'<Relationships xmlns="{RELATIONS}">{inner}</Relationships>'


def package(main: str, kind: str, **files: str) -> bytes:
    types = f'<Override PartName="/{main}" ContentType="{TYPES}.{kind}.main+xml"/>'
    types = f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{types}'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{types}</Types>',
        )
        opened.writestr("_rels/.rels", relation("officeDocument", main))
        for name, text in files.items():
            opened.writestr(name, text)
    return buffer.getvalue()


def docx(words: str, declared: str = "", **files: str) -> bytes:
    body = (
        f'{declared}<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:body></w:document>'
    )
    return package("word/document.xml", "wordprocessingml.document", **{"word/document.xml": body}, **files)


def xlsx(rows: str, declared: str = "") -> bytes:
    sheets = '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
    book = f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}">{sheets}</workbook>'
    files = {
        "xl/workbook.xml": book,
        "xl/_rels/workbook.xml.rels": relation("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": f'{declared}<worksheet xmlns="{SHEET}"><sheetData>{rows}</sheetData></worksheet>',
    }
    return package("xl/workbook.xml", "spreadsheetml.sheet", **files)


def pdf(*objects: bytes) -> bytes:
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % (n, content) for n, content in enumerate(objects, 1))
    return b"%PDF-1.7\n" + body + b"trailer\n<</Root 1 0 R/Size 9>>\nstartxref\n0\n%%EOF"


SPREAD = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
CASES: dict[str, Callable[[str, str, int], str | bytes]] = {
    # name: a file that is to be read, one that is to be made, the port of a server
    "entity.docx": lambda secret, _, __: docx("&e;", f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'),
    "dtd.docx": lambda _, __, port: docx("x", f'<!DOCTYPE x SYSTEM "http://127.0.0.1:{port}/x.dtd">'),
    "laughs.docx": lambda *_: docx("&j;", f"{LAUGHS}]>"),
    "template.docx": lambda _, __, port: docx(
        "x",
        **{
            "word/_rels/document.xml.rels": relation(
                "attachedTemplate", f"http://127.0.0.1:{port}/t", 'TargetMode="External"'
            )
        },
    ),
    "bomb.docx": lambda *_: docx("a" * 30_000_000),
    "entity.xlsx": lambda secret, _, __: xlsx("&e;", f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'),
    "laughs.xlsx": lambda *_: xlsx("&j;", f"{LAUGHS}]>"),
    "spread.xlsx": lambda *_: xlsx(SPREAD),
    "entity.xml": lambda secret, _, __: f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]><x>&e;</x>',
    "include.xml": lambda secret, _, __: (
        f'<x xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="{secret}"/></x>'
    ),
    "laughs.svg": lambda *_: f"{LAUGHS}]><svg>&j;</svg>",
    "object.yaml": lambda _, canary, __: f'!!python/object/apply:os.system ["touch {canary}"]',
    "alias.yaml": lambda *_: "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 12)),
    "deep.yaml": lambda *_: "[" * 20_000,
    "deep.json": lambda *_: "[" * 100_000,
    "include.rst": lambda secret, _, __: f".. include:: {secret}\n\n.. raw:: html\n   :file: {secret}\n",
    "source.1": lambda secret, canary, _: f".TH X 1\n.so {secret}\n.sy touch {canary}\n.pso touch {canary}\n.SH N\nx\n",
    "loop.1": lambda *_: ".TH X 1\n.de a\n.a\n..\n.ds b \\*b\\*b\n.SH N\n.a\n\\*b\n.while 1 x\n",
    "run.ipynb": lambda _, canary, __: f'{{"nbformat":4,"cells":[{{"cell_type":"code","source":"!touch {canary}"}}]}}',
    "brackets.md": lambda *_: "[" * 50_000 + "**a " * 20_000,
    "parentheses.py": lambda *_: "(" * 20_000,
    "parts.eml": lambda *_: "Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 150,
    "picture.html": lambda _, __, port: (
        f"<p>x<img src='http://127.0.0.1:{port}/'><iframe src='http://127.0.0.1:{port}/'>"
    ),
    "kids.pdf": lambda *_: pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 99>>"),
    "launch.pdf": lambda _, canary, __: pdf(
        b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/Launch/F(/bin/sh)/P(-c touch %b)>>>>" % canary.encode(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>",
    ),
}


@pytest.fixture(scope="module")
def reader() -> Iterator[ReaderProcess]:
    with ReaderProcess() as opened:
        yield opened


@pytest.mark.parametrize("name", CASES)
def test_it_reaches_nothing_and_is_read_or_refused_in_a_sentence(
    reader: ReaderProcess, name: str, tmp_path: Path
) -> None:
    secret, canary = tmp_path / "secret", tmp_path / "canary"
    secret.write_text("open sesame")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        made = CASES[name](str(secret), str(canary), server.getsockname()[1])
        try:
            document = reader.read(name, made.encode() if isinstance(made, str) else made)
        except Unreadable as error:
            assert error.fix
        else:
            pages = "".join(page.text for page in document.pages)
            assert "open sesame" not in pages
            assert "lollollollol" * 5 not in pages
        with pytest.raises(BlockingIOError):
            server.accept()
    assert not canary.exists()
    assert reader.read("a.txt", b"next").pages[0].text == "next"

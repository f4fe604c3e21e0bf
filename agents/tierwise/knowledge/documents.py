"""Files to documents: the text that spans count in, page by page, and where its headings are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from tierwise.errors import InvalidInput

MAX_BYTES = 50 * 1024 * 1024
READER_VERSION = "1"  # part of every content hash: a better reader reads unchanged files again

_HTML = {".html", ".htm", ".xhtml"}
_OFFICE = {".doc", ".docx", ".odt", ".rtf", ".ppt", ".pptx", ".odp", ".xls", ".xlsx", ".ods", ".epub", ".pages"}
_MARKDOWN = {".md", ".markdown", ".mdown", ".rst"}


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading at ``[start, end)`` of its page's text; ``level`` 1 is the highest."""

    start: int
    end: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Page:
    """A text in which spans count. ``number`` is from 1 for paged formats, else ``None`` (then there is one page)."""

    number: int | None
    text: str
    headings: tuple[Heading, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read."""

    path: str
    title: str | None
    pages: tuple[Page, ...]
    warnings: tuple[str, ...] = ()


def read_document(path: Path) -> Document:
    """Read one file; its kind follows from its name and its first bytes.

    Text and Markdown keep the text as Python's ``open(path, encoding="utf-8")`` gives it, without a byte order mark;
    HTML gives its readable text, PDF each page's text.

    Raises:
        InvalidInput: if it cannot be read or holds no text; says why and what to do.
    """
    return parse_document(path, read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        InvalidInput: if it is missing, not a plain file, empty, too large, or may not be read.
    """
    try:
        stat = path.stat()
        if not S_ISREG(stat.st_mode):
            raise InvalidInput("It is not a plain file.", fix="Name a document or a folder of documents.")
        if stat.st_size > MAX_BYTES:
            raise InvalidInput(
                f"It is too large: {stat.st_size / 1e6:.0f} MB, and {MAX_BYTES / 1e6:.0f} MB is the limit.",
                fix="Split it into smaller files.",
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InvalidInput("There is no such file.", fix="Check the path.") from error
    except PermissionError as error:
        raise InvalidInput("You may not read it.", fix="Change the file's permissions.") from error
    except OSError as error:
        raise InvalidInput(f"It cannot be read: {error.strerror or error}.", fix="Check the disk.") from error
    if not data.strip():
        raise InvalidInput("It is empty.", fix="Leave it out, or fill it.")
    return data


def parse_document(path: Path, data: bytes) -> Document:
    """Turn the bytes of a file into a document; see :func:`read_document`."""
    from tierwise.knowledge.markup import read_html
    from tierwise.knowledge.pdf import read_pdf

    suffix = path.suffix.lower()
    reader: Callable[[bytes], tuple[str | None, tuple[Page, ...], list[str]]]
    if data[:1024].lstrip().startswith(b"%PDF-"):
        reader = read_pdf
    elif suffix in _OFFICE:
        raise InvalidInput(f"{suffix} files are not read.", fix="Export it as PDF, HTML or text.")
    elif suffix == ".pdf":
        raise InvalidInput("It is named .pdf but is not a PDF.", fix="Open it to see what it is, and rename it.")
    elif suffix in _HTML:
        reader = read_html
    elif suffix in _MARKDOWN:
        reader = _read_markdown
    else:
        reader = _read_plain
    title, pages, warnings = reader(data)
    if not any(page.text.strip() for page in pages):
        raise InvalidInput("There is no text in it.", fix="Leave it out.")
    return Document(str(path), title, pages, tuple(warnings))


def decode(data: bytes) -> tuple[str, list[str]]:
    """Bytes to text with universal newlines and without a byte order mark; a guess comes with a warning.

    Raises:
        InvalidInput: if the bytes are not text.
    """
    warnings: list[str] = []
    text: str | None = None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = _try(data, "utf-16")
    elif b"\0" not in data:
        text = _try(data, "utf-8-sig")
        if text is None and _looks_like_text(data) and (text := _try(data, "cp1252")) is not None:
            warnings.append("It is not UTF-8; it was read as Windows-1252. Save it as UTF-8 if characters look wrong.")
    if text is None or "\0" in text:
        raise InvalidInput("It is a binary file, not text.", fix="Leave it out, or export it as text, HTML or PDF.")
    return text.replace("\r\n", "\n").replace("\r", "\n"), warnings


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _looks_like_text(data: bytes) -> bool:
    head = data[:65536]
    controls = sum(head.count(bytes([b])) for b in range(32) if b not in b"\t\n\r\f\x1b\b")
    return controls * 200 < len(head)


def _read_plain(data: bytes) -> tuple[str | None, tuple[Page, ...], list[str]]:
    text, warnings = decode(data)
    return None, (Page(None, text),), warnings


_ATX = re.compile(r"(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_UNDERLINE = re.compile(r"([=\-~^\"*+#])\1{2,}[ \t]*")


def _read_markdown(data: bytes) -> tuple[str | None, tuple[Page, ...], list[str]]:
    text, warnings = decode(data)
    headings = _headings(text)
    title = next((h.title for h in headings if h.level == 1), None)
    return title, (Page(None, text, tuple(headings)),), warnings


def _headings(text: str) -> list[Heading]:
    """Headings of Markdown (``#`` and underlined) and reStructuredText (underlined), outside fenced code."""
    found: list[Heading] = []
    styles: list[str] = []  # underline characters in order of appearance: reStructuredText's levels
    fence: str | None = None
    previous, previous_start, start = "", 0, 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\n")
        if mark := _FENCE.match(bare):
            if fence is None:
                fence = mark[1][:3]
            elif bare.strip().startswith(fence):
                fence = None
        elif fence is None:
            if atx := _ATX.fullmatch(bare):
                found.append(Heading(start, start + len(bare), len(atx[1]), atx[2]))
            elif _UNDERLINE.fullmatch(bare) and _can_be_title(previous, bare):
                style = bare[0]
                if style not in styles:
                    styles.append(style)
                level = styles.index(style) + 1
                found.append(Heading(previous_start, start + len(bare), level, previous.strip()))
        previous, previous_start = bare, start
        start += len(line)
    return found


def _can_be_title(line: str, underline: str) -> bool:
    words = line.strip()
    return bool(words) and any(c.isalnum() for c in words) and len(words) <= len(underline.strip()) + 2 < 120

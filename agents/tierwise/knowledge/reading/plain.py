"""Plain text and Markdown: bytes to text, and headings by their marks."""

from __future__ import annotations

import re

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Heading, Page


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


def read_plain(data: bytes) -> tuple[str | None, tuple[Page, ...], list[str]]:
    """Title (plain text has none), the one page, and warnings."""
    text, warnings = decode(data)
    return None, (Page(None, text),), warnings


_ATX = re.compile(r"(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_UNDERLINE = re.compile(r"([=\-~^\"*+#])\1{2,}[ \t]*")


def read_markdown(data: bytes) -> tuple[str | None, tuple[Page, ...], list[str]]:
    """Title (the first heading of level 1), the one page with its headings, and warnings."""
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

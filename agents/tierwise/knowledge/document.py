"""A document as it was read: pages of text, with what their headings are and what must not be torn apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text",
    "markdown",
    "rst",
    "html",
    "pdf",
    "docx",
    "pptx",
    "sheet",
    "notebook",
    "code",
    "data",
    "subtitles",
    "man",
    "mail",
]
"""What a document is, by its reader; a search can be limited to some kinds."""

BlockKind = Literal["list", "code", "table", "record"]
"""``record``: something whole by its nature, such as a definition, a top-level entry, a notebook's cell."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading at ``[start, end)`` of its page's text; ``level`` 1 is the highest."""

    start: int
    end: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Block:
    """A part at ``[start, end)`` of its page's text that is kept whole where it fits.

    Attributes:
        start: its first character.
        end: one past its last.
        kind: what it is.
        head: what a piece of it cannot be understood without, in a line: a table's column names, a definition's
            signature. A piece that does not hold it is stored and embedded with it.
    """

    start: int
    end: int
    kind: BlockKind
    head: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A text in which spans count.

    Attributes:
        number: from 1 for paged formats (pages, slides, sheets), else ``None`` (then there is one page).
        text: what can be read on it.
        headings: in order of their place.
        blocks: in order of their place, without overlaps; text outside them is prose.
    """

    number: int | None
    text: str
    headings: tuple[Heading, ...] = ()
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read.

    Attributes:
        path: where it came from.
        title: its own title, if it has one.
        pages: its text.
        warnings: what the reader of it must know: another encoding, pages without text, parts left out.
        kind: which reader read it.
        date: when it was written as it says itself (a mail's date), seconds since the epoch.
    """

    path: str
    title: str | None
    pages: tuple[Page, ...]
    warnings: tuple[str, ...] = ()
    kind: Kind = "text"
    date: float | None = None

"""A document as it was read: pages of text, and where their headings are."""

from __future__ import annotations

from dataclasses import dataclass


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

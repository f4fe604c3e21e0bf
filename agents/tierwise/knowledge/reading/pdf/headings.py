"""Which paragraphs are headings, and of which level."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low

from tierwise.knowledge.reading.pdf.prose import Paragraph
from tierwise.knowledge.reading.pdf.ruled import Table

MAX_CHARS = 200
MAX_LINES = 3
MAX_LEVEL = 6

_LARGER = 1.1  # than the body: a heading
_LETTERS = re.compile(r"[^\W\d_].*[^\W\d_]", re.S)
_NOT_KEY = re.compile(r"\W+")

_Style = tuple[float, bool]  # size in half points, bold


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline: its title by :func:`bookmark_key`, its level from 1."""

    key: str
    level: int


def bookmark_key(title: str) -> str:
    """A title by its letters and digits alone."""
    return _NOT_KEY.sub("", title).casefold()


class Headings:
    """Tells headings by the outline, and by what is larger or bolder than the body of the document."""

    def __init__(
        self, pages: Mapping[int, Sequence[Paragraph | Table]], bookmarks: Mapping[int, Sequence[Bookmark]]
    ) -> None:
        self._bookmarks = bookmarks
        texts = {number: [p for p in page if isinstance(p, Paragraph)] for number, page in pages.items()}
        sizes: Counter[_Style] = Counter()
        for page in texts.values():
            for paragraph in page:
                if paragraph.kind != "code":
                    sizes[_style(paragraph)] += len(paragraph.text)
        self._body: _Style = max(sizes, key=lambda style: sizes[style]) if sizes else (0.0, False)
        self._levels = self._styles(texts)
        first = [p for p in texts.get(min(texts, default=1), ()) if self._stands_out(p)]
        largest = max(first, key=lambda p: p.size, default=None)
        self.title = largest.text if largest and largest.size > self._body[0] * _LARGER else None

    def level(self, number: int, paragraph: Paragraph) -> int | None:
        """The level of the heading that a paragraph of this page is, or ``None``."""
        known = self._bookmark(number, paragraph)
        if known is not None:
            return min(known, MAX_LEVEL)
        return self._levels.get(_style(paragraph)) if self._stands_out(paragraph) else None

    def _bookmark(self, number: int, paragraph: Paragraph) -> int | None:
        marks = self._bookmarks.get(number)
        if not marks or len(paragraph.text) > MAX_CHARS:
            return None
        key = bookmark_key(paragraph.text)
        return next((m.level for m in marks if key == m.key or (len(m.key) > 3 and _ends(key, m.key))), None)

    def _stands_out(self, paragraph: Paragraph) -> bool:
        size, bold = self._body
        if paragraph.kind == "code" or paragraph.lines > MAX_LINES or len(paragraph.text) > MAX_CHARS:
            return False
        if not _LETTERS.search(paragraph.text) or paragraph.text[-1] in ".,;" or paragraph.text.startswith("- "):
            return False
        larger = paragraph.size >= size * _LARGER
        return larger or (paragraph.bold and not bold and paragraph.size >= 0.95 * size and not paragraph.tight)

    def _styles(self, pages: Mapping[int, Sequence[Paragraph]]) -> dict[_Style, int]:
        """Levels by style: as the outline has them, else by rank, the largest first."""
        marked: dict[_Style, list[int]] = {}
        styles = set()
        for number, page in pages.items():
            for paragraph in page:
                level = self._bookmark(number, paragraph)
                if level is not None:
                    marked.setdefault(_style(paragraph), []).append(level)
                if level is not None or self._stands_out(paragraph):
                    styles.add(_style(paragraph))
        levels: dict[_Style, int] = {}
        above = 0
        for style in sorted(styles, reverse=True):
            level = median_low(marked[style]) if style in marked else above + 1
            levels[style] = above = min(level, MAX_LEVEL)
        return levels


def _ends(text: str, title: str) -> bool:
    """Whether one is the other behind a number: outlines leave them out, or put them in."""
    longer, shorter = (text, title) if len(text) > len(title) else (title, text)
    return len(shorter) > 3 and longer.endswith(shorter) and len(longer) - len(shorter) <= 12


def _style(paragraph: Paragraph) -> _Style:
    return round(paragraph.size * 2) / 2, paragraph.bold

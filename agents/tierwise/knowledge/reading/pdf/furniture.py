"""What stands on every page and belongs to none: running heads, page numbers, stamps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tierwise.knowledge.reading.pdf.lines import joined, pieces, rows_of
from tierwise.knowledge.reading.pdf.sheet import Sheet, Word

_MARGIN = 0.2  # of the height, at the top and at the bottom
_ROWS = 3  # of each margin
_NEAR = 4.0  # points
_APART = 2.0  # sizes between a running head and the text
_MOST = 0.4  # of the pages: left and right pages may have heads of their own

_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b", re.I)
_NUMBER = re.compile(r"\W*(page|seite|p\.)?\W*(\d{1,4}|[ivxlc]{1,7})\W*((/|of|von|de)\W*\d{1,4}\W*)?", re.I)

_Key = tuple[str, int]


def without_furniture(sheets: Sequence[Sheet]) -> list[Sheet]:
    """The pages without what repeats in their margins, whatever number is in it.

    That is a line that many pages have at one place; and the outermost lines, well off the text, at a place where
    many pages have one and most of these are on other pages too, as the names of chapters are.
    """
    if len(sheets) < 2:
        return list(sheets)
    rows = [_margin_rows(sheet) for sheet in sheets]
    counts = Counter(key for page in rows for key in {near for row in page for near in _places(row.key)})
    slanted = Counter(text for sheet in sheets for text in set(sheet.slanted))
    enough = max(3, _MOST * len(sheets))
    running: dict[tuple[int, int], list[bool]] = {}  # by place and size: whether each line is on other pages
    for page in rows:
        for row in page:
            if row.apart:
                running.setdefault(row.slot, []).append(counts[row.key] > 1)
    heads = {slot for slot, again in running.items() if len(again) >= enough and sum(again) * 2 > len(again)}
    found = []
    for sheet, page in zip(sheets, rows, strict=True):
        gone = {
            id(word)
            for row in page
            if counts[row.key] >= enough
            or (row.apart and row.slot in heads)
            or (counts[row.key] > 1 and _NUMBER.fullmatch(row.text))
            for word in row.words
        }
        found.append(
            replace(
                sheet,
                words=tuple(w for w in sheet.words if id(w) not in gone),
                slanted=tuple(text for text in sheet.slanted if slanted[text] < enough),
            )
        )
    if any(sheet.words for sheet in found) or any(sheet.pictured for sheet in sheets):
        return found
    return list(sheets)  # the same few lines on every page are all there is


@dataclass(frozen=True, slots=True)
class _Row:
    """A line in a margin; ``apart`` if it is the outermost and well off the next."""

    text: str
    words: tuple[Word, ...]
    apart: bool

    @property
    def key(self) -> _Key:
        return _DIGITS.sub("#", self.text), round(self.words[0].y / _NEAR)

    @property
    def slot(self) -> tuple[int, int]:
        return round(self.words[0].y / _NEAR), round(self.words[0].size)


def _margin_rows(sheet: Sheet) -> list[_Row]:
    edge = _MARGIN * sheet.height
    outer = [w for w in sheet.words if not 1.5 * edge < w.y < sheet.height - 1.5 * edge]  # and what follows them
    rows = [joined(row) for row in rows_of(pieces(outer))]
    found = []
    for near in (rows[:_ROWS], rows[: -_ROWS - 1 : -1]):
        for i, row in enumerate(near):
            if edge < row.y < sheet.height - edge:
                break
            apart = i == 0 and (len(near) < 2 or abs(near[1].y - row.y) > _APART * row.size)
            found.append(_Row(row.text, row.words, apart))
    return found


def _places(key: _Key) -> tuple[_Key, ...]:
    """The key, and the same a little higher and lower."""
    text, place = key
    return (text, place - 1), key, (text, place + 1)

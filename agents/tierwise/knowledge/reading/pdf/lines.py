"""Words to the lines they stand on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from tierwise.knowledge.reading.pdf.sheet import Word

GAP = 0.9  # of the size: more than justified text stretches its spaces, less than what parts columns
_SMALL = 0.85  # of the size of what an index or exponent belongs to
_MONO_GAP = 3.0  # in listings, spaces are part of the text


@dataclass(frozen=True)
class Line:
    """Words on one baseline, from left to right; a line of a column, or a piece of one.

    Attributes:
        words: at least one.
        right: where the lines of its column end, to tell full lines from short ones.
    """

    words: tuple[Word, ...]
    right: float = 0.0

    @cached_property
    def text(self) -> str:
        """Its words, with the spaces that part them."""
        parts = [self.words[0].text]
        for before, word in pairwise(self.words):
            gap = word.x0 - before.x1
            if before.mono and word.mono:
                wide = before.size * 0.6
                parts.append(" " * max(1, min(80, round(gap / wide))))
            elif gap > 0.1 * min(before.size, word.size):
                parts.append(" ")
            parts.append(word.text)
        return "".join(parts)

    @cached_property
    def x0(self) -> float:
        """Its left edge."""
        return self.words[0].x0

    @cached_property
    def x1(self) -> float:
        """Its right edge."""
        return max(w.x1 for w in self.words)

    @cached_property
    def y(self) -> float:
        """Its baseline."""
        return self._widest.y

    @cached_property
    def size(self) -> float:
        """The size of most of it."""
        return self._widest.size

    @cached_property
    def top(self) -> float:
        """About where its letters end."""
        return self.y - 0.75 * self.size

    @cached_property
    def bottom(self) -> float:
        """About where they end below the baseline."""
        return self.y + 0.22 * self.size

    @cached_property
    def bold(self) -> bool:
        """Whether all its words are."""
        return all(w.bold for w in self.words if any(c.isalnum() for c in w.text))

    @cached_property
    def mono(self) -> bool:
        """Whether its letters have one width."""
        letters = sum(len(w.text) for w in self.words)
        return sum(len(w.text) for w in self.words if w.mono) > 0.8 * letters

    @cached_property
    def _widest(self) -> Word:
        return max(self.words, key=lambda w: w.x1 - w.x0)


def pieces(words: Iterable[Word]) -> list[Line]:
    """Lines from top to bottom, torn apart at gaps that are too wide to be spaces."""
    found: list[Line] = []
    for row in _rows(words):
        row.sort(key=lambda w: w.x0)
        start = 0
        for i in range(1, len(row)):
            before, word = row[i - 1], row[i]
            wide = _MONO_GAP if before.mono and word.mono else GAP
            if word.x0 - before.x1 > wide * max(before.size, word.size):
                found.append(Line(tuple(row[start:i])))
                start = i
        found.append(Line(tuple(row[start:])))
    found.sort(key=lambda line: (line.y, line.x0))
    return found


def joined(lines: Sequence[Line]) -> Line:
    """Pieces on one baseline as one line."""
    return Line(tuple(w for line in sorted(lines, key=lambda line: line.x0) for w in line.words))


def rows_of(lines: Sequence[Line]) -> list[list[Line]]:
    """Pieces that stand beside each other, from top to bottom, each row from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.y):
        if rows and abs(line.y - rows[-1][0].y) < 0.4 * min(line.size, rows[-1][0].size):
            rows[-1].append(line)
        else:
            rows.append([line])
    for row in rows:
        row.sort(key=lambda line: line.x0)
    return rows


def _rows(words: Iterable[Word]) -> list[list[Word]]:
    """Words by baseline; raised and lowered small ones go with the line that they touch."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda w: w.y):
        if rows and abs(word.y - rows[-1][-1].y) < 0.2 * min(word.size, rows[-1][-1].size):
            rows[-1].append(word)
        else:
            rows.append([word])
    sizes = [max(word.size for word in row) for row in rows]
    for i, row in enumerate(rows):
        for near in (j for j in (i - 1, i + 1) if 0 <= j < len(rows)):
            for word in [word for word in row if word.size < _SMALL * sizes[near]]:
                if any(_touches(word, other) for other in rows[near]):
                    row.remove(word)
                    rows[near].append(word)
    return [row for row in rows if row]


def _touches(small: Word, word: Word) -> bool:
    """Whether ``small`` is an index or an exponent of ``word``."""
    return (
        small.size < _SMALL * word.size
        and abs(small.y - word.y) < 0.6 * word.size
        and (abs(small.x0 - word.x1) < 0.35 * word.size or abs(word.x0 - small.x1) < 0.35 * word.size)
    )

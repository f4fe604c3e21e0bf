"""Tables whose cells are drawn: ruling lines to a grid, words to its cells."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tierwise.knowledge.reading.grid import tidy
from tierwise.knowledge.reading.pdf.lines import Line, joined, pieces, rows_of
from tierwise.knowledge.reading.pdf.sheet import Rule, Word

_LETTER = re.compile(r"[^\W\d_]")

_NEAR = 3.0  # points within which lines are the same, or meet
MAX_RULES = 500  # of a page; what has more is a drawing, not a table
_TABULAR = 0.6  # of the rows between two lines have a gap, or what is there is text


@dataclass(frozen=True, slots=True)
class Table:
    """A table and where it lies; ``marked`` if its first row is bold and the others are not."""

    x0: float
    x1: float
    top: float
    bottom: float
    rows: tuple[tuple[str, ...], ...]
    marked: bool = False

    @property
    def y(self) -> float:
        """Where it begins, as a line's baseline in the order of reading."""
        return self.top


def ruled_tables(words: Sequence[Word], rules: Sequence[Rule]) -> tuple[list[Table], list[Word]]:
    """The tables that lines draw, and the words outside them.

    A table has lines around its cells, or at least above and below its rows at one width; the columns of the latter
    are told by the gaps that go through all rows.
    """
    tables: list[Table] = []
    rest = list(words)
    # Grids first: two lines with no others may be those of the page's head and foot.
    for group in sorted(_groups(_merged(rules)), key=lambda group: all(r.lies for r in group)):
        lying = sorted({r.at for r in group if r.lies})
        standing = sorted({r.at for r in group if not r.lies})
        if not lying or len(lying) + len(standing) < 2:
            continue
        # Many tables have no lines around them, only between their cells.
        left = min([r.start for r in group if r.lies] + standing)
        right = max([r.end for r in group if r.lies] + standing)
        top = min([r.start for r in group if not r.lies] + lying)
        bottom = max([r.end for r in group if not r.lies] + lying)
        held = [w for w in rest if left - _NEAR < (w.x0 + w.x1) / 2 < right + _NEAR and top < w.y <= bottom + _NEAR]
        if not held:
            continue
        inner = any(left + _NEAR < x < right - _NEAR for x in standing)
        rows = tidy(_grid(held, group, lying, standing)) if inner else []
        by_gaps = tidy(_by_gaps(held, lying))
        if by_gaps and (not rows or len(by_gaps[0]) > len(rows[0])):
            rows = by_gaps  # lines stand only at some of the columns
        if len(rows) < 2 or len(rows[0]) < 2:
            continue
        tables.append(Table(left, right, top, bottom, tuple(map(tuple, rows)), bold_head(held)))
        gone = set(map(id, held))
        rest = [w for w in rest if id(w) not in gone]
    return tables, rest


def _merged(rules: Sequence[Rule]) -> list[Rule]:
    """Rules with near ones drawn together and pieces of one line joined."""
    found: list[Rule] = []
    for lies in (True, False):
        ordered = sorted((r for r in rules if r.lies is lies), key=lambda r: r.at)
        tracks: list[list[Rule]] = []
        for rule in ordered:
            if tracks and rule.at - tracks[-1][0].at <= _NEAR:
                tracks[-1].append(rule)
            else:
                tracks.append([rule])
        for track in tracks:
            at = track[0].at
            start = end = None
            for rule in sorted(track, key=lambda r: r.start):
                if start is None or end is None:
                    start, end = rule.start, rule.end
                elif rule.start <= end + _NEAR:
                    end = max(end, rule.end)
                else:
                    found.append(Rule(lies, at, start, end))
                    start, end = rule.start, rule.end
            if start is not None and end is not None:
                found.append(Rule(lies, at, start, end))
    found = [r for r in found if r.end - r.start > 2 * _NEAR]
    return found if len(found) <= MAX_RULES else []


def _groups(rules: list[Rule]) -> list[list[Rule]]:
    """Rules that meet, and lying ones of the same width that follow each other."""
    parent = list(range(len(rules)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    lying = [i for i, r in enumerate(rules) if r.lies]
    standing = [i for i, r in enumerate(rules) if not r.lies]
    for i in lying:
        for j in standing:
            a, b = rules[i], rules[j]
            if a.start - _NEAR <= b.at <= a.end + _NEAR and b.start - _NEAR <= a.at <= b.end + _NEAR:
                parent[root(i)] = root(j)
    met = {root(i) for i in standing}
    widths: dict[tuple[int, int], list[int]] = {}
    for i in lying:
        if root(i) not in met:
            widths.setdefault((round(rules[i].start / 4), round(rules[i].end / 4)), []).append(i)
    for same in widths.values():
        for i, j in pairwise(same):
            parent[root(i)] = root(j)
    groups: dict[int, list[Rule]] = {}
    for i, rule in enumerate(rules):
        groups.setdefault(root(i), []).append(rule)
    return list(groups.values())


def _grid(words: list[Word], rules: list[Rule], ys: list[float], xs: list[float]) -> list[list[str]]:
    """Cells by the lines around them; a cell over several rows or columns stands in the first."""
    lying, standing = [r for r in rules if r.lies], [r for r in rules if not r.lies]

    def parted(one: Sequence[Rule], at: float, middle: float) -> bool:
        return any(abs(r.at - at) <= _NEAR and r.start - _NEAR <= middle <= r.end + _NEAR for r in one)

    columns, rows = len(xs) + 1, len(ys) + 1  # what hangs over the outer lines is still in the table
    held: dict[tuple[int, int], list[Word]] = {}
    for word in words:
        column = bisect_right(xs, (word.x0 + word.x1) / 2)
        row = bisect_right(ys, (word.top + word.bottom) / 2)
        held.setdefault((row, column), []).append(word)
    cells: dict[tuple[int, int], list[Word]] = {}
    for (row, column), inside in sorted(held.items(), key=lambda item: item[0]):
        r, c = row, column
        while c > 1 and not parted(standing, xs[c - 1], (inside[0].top + inside[0].bottom) / 2):
            c -= 1
        middle = (inside[0].x0 + inside[0].x1) / 2
        while r > 1 and r - 1 < len(ys) and not parted(lying, ys[r - 1], middle):
            r -= 1
        cells.setdefault((r, c), []).extend(inside)
    return [texts for r in range(rows) for texts in _unfolded([cells.get((r, c), []) for c in range(columns)])]


def _unfolded(cells: list[list[Word]]) -> list[list[str]]:
    """One row; or several, where each cell holds as many lines and those of a column are numbers."""
    lines = [[joined(row) for row in rows_of(pieces(cell))] for cell in cells]
    heights = {len(cell) for cell in lines if cell}
    numbers = any(cell and not any(_LETTER.search(line.text) for line in cell) for cell in lines)
    if len(heights) != 1 or heights == {1} or not numbers:
        return [[" ".join(line.text for line in cell) for cell in lines]]
    return [[cell[i].text if cell else "" for cell in lines] for i in range(heights.pop())]


def _by_gaps(words: list[Word], ys: list[float]) -> list[list[str]]:
    """Rows by the lines of text, columns by the gaps through most of them; nothing if most have no gaps."""
    lines = rows_of(pieces(words))
    spans = column_spans(lines)
    if sum(len(row) > 1 or row[0].x0 > spans[0][1] for row in lines) < _TABULAR * len(lines):
        return []
    rows: list[tuple[int, list[str]]] = []
    for row in lines:
        texts = cells_of(row, spans)
        band = bisect_right(ys, row[0].y)
        if rows and rows[-1][0] == band and goes_on(texts):
            rows[-1][1][:] = [" ".join(filter(None, pair)) for pair in zip(rows[-1][1], texts, strict=True)]
        else:
            rows.append((band, texts))
    return [texts for _, texts in rows]


def column_spans(rows: Sequence[Sequence[Line]]) -> list[tuple[float, float]]:
    """Where the columns are, by the rows that have most cells: a heading over several columns hides their gaps."""
    most = max(len(row) for row in rows)
    spans: list[tuple[float, float]] = []
    for line in sorted((line for row in rows if len(row) >= 0.6 * most for line in row), key=lambda line: line.x0):
        if spans and line.x0 < spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], max(spans[-1][1], line.x1))
        else:
            spans.append((line.x0, line.x1))
    return spans


def cells_of(row: Sequence[Line], spans: Sequence[tuple[float, float]]) -> list[str]:
    """The texts of a row by column; what spans several stands in the first of them."""
    cells: list[list[Word]] = [[] for _ in spans]
    for line in row:
        at = next((i for i, (_, end) in enumerate(spans) if line.x0 < end), len(spans) - 1)
        cells[at].extend(line.words)
    return [cell_text(cell) for cell in cells]


def goes_on(cells: Sequence[str]) -> bool:
    """Whether a row is the next line of the one above: it has no first cell, and words in others."""
    return not cells[0] and any(_LETTER.search(cell) for cell in cells)


def bold_head(words: Sequence[Word]) -> bool:
    """Whether the first line of a table is bold and most of the others are not."""
    rows = rows_of(pieces(words))
    bold = [all(line.bold for line in row) for row in rows]
    return bold[0] and sum(bold) <= max(1, len(bold) // 3)


def cell_text(words: Sequence[Word]) -> str:
    """The words of a cell, its lines joined."""
    return " ".join(joined(row).text for row in rows_of(pieces(words))) if words else ""

"""Reading order: the columns of a page, and rows that are a table without lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from tierwise.knowledge.reading.pdf.aligned import Run
from tierwise.knowledge.reading.pdf.lines import Line, joined, rows_of
from tierwise.knowledge.reading.pdf.ruled import Table

Part = Line | Table

MAX_PIECES = 3000  # of a page; what has more is no page of text, and is read from top to bottom

_MAX_DEPTH = 6
_MIN_LINES = 3
_MIN_FILL = 0.6
_MIN_CHARS = 14  # of a line of prose in the narrowest column


def in_order(parts: Sequence[Part], depth: int = 0) -> list[Part]:
    """The parts of a page in the order in which one reads them.

    The gap that has the most lines of prose on both sides parts two columns; what crosses it (a title, a wide table)
    parts what is above from what is below. Where no gap does, rows are read from left to right.
    """
    if depth == _MAX_DEPTH or not _MIN_LINES * 2 <= len(parts) <= MAX_PIECES:
        return _by_rows(parts)
    best, cut = 0, 0.0
    for x in _gaps(parts):
        lines = sum(min(len(a), len(b)) for _, a, b in _bands(parts, x) if _both_prose(a, b))
        if lines > best:
            best, cut = lines, x
    if best < _MIN_LINES:
        return _by_rows(parts)
    found: list[Part] = []
    for crossing, left, right in _bands(parts, cut):
        found += _by_rows(crossing)
        if _both_prose(left, right):
            found += in_order(left, depth + 1) + in_order(right, depth + 1)
        else:
            found += _by_rows([*left, *right])
    return found


def _gaps(parts: Sequence[Part]) -> list[float]:
    """Where columns may part: the middles of the gaps in rows, the most frequent first."""
    counts: dict[int, int] = {}
    lines = [p for p in parts if isinstance(p, Line)]
    for row in rows_of(lines):
        for a, b in pairwise(row):
            for at in {round(a.x1 / 4) + 1, round((a.x1 + b.x0) / 8), round(b.x0 / 4) - 1}:
                counts[at] = counts.get(at, 0) + 1
    # Columns whose baselines differ have no common rows; their lines start at the same place.
    left = min((p.x0 for p in lines), default=0.0)
    for line in lines:
        if line.x0 > left + 5 * line.size:
            at = round(line.x0 / 4) - 1
            counts[at] = counts.get(at, 0) + 1
    return [at * 4.0 for at, n in sorted(counts.items(), key=lambda item: -item[1])[:16] if n >= _MIN_LINES]


def _bands(parts: Sequence[Part], x: float) -> list[tuple[list[Part], list[Part], list[Part]]]:
    """From top to bottom: what crosses ``x``, then what lies left and right of it until something crosses again."""
    bands: list[tuple[list[Part], list[Part], list[Part]]] = [([], [], [])]
    for part in sorted(parts, key=lambda p: p.y):
        crossing, left, right = bands[-1]
        if part.x0 < x - 1 and part.x1 > x + 1:
            if left or right:
                bands.append(([part], [], []))
            else:
                crossing.append(part)
        else:
            (left if part.x1 <= x + 1 else right).append(part)
    return bands


def _both_prose(left: Sequence[Part], right: Sequence[Part]) -> bool:
    return _is_prose(left) and _is_prose(right)


def _is_prose(side: Sequence[Part]) -> bool:
    """Whether most lines of a side fill it with text of some length, as those of cells do not."""
    rows = rows_of([p for p in side if isinstance(p, Line)])
    if len(rows) < _MIN_LINES:
        return False
    wide = max(p.x1 for p in side) - min(p.x0 for p in side)
    fill = median(sum(line.x1 - line.x0 for line in row) / wide for row in rows)
    lengths = [len(line.text) for row in rows for line in row]
    # What most letters stand in: justified lines fall into pieces where few words fill them.
    return fill >= _MIN_FILL and sum(n * n for n in lengths) >= _MIN_CHARS * sum(lengths)


def _by_rows(parts: Sequence[Part]) -> list[Part]:
    right = max((p.x1 for p in parts), default=0.0)
    tables = [p for p in parts if isinstance(p, Table)]
    found: list[Part] = []
    run: Run | None = None

    def close() -> None:
        if run is None:
            return
        above = found[-1] if found and isinstance(found[-1], Line) else None
        table = run.table(above) if len(parts) <= MAX_PIECES else None
        if table and table[1]:
            found.pop()
        found.extend([table[0]] if table else [replace(joined(row), right=right) for row in run.rows])

    for row in rows_of([p for p in parts if isinstance(p, Line)]):
        above = [t for t in tables if t.y < row[0].y]
        if above or run is None or not run.takes(row):
            close()
            run = None
            found += above
            tables = [t for t in tables if t not in above]
            if len(row) > 1 and not any(line.mono for line in row):
                run = Run([row], [(line.x0, line.x1) for line in row])
            else:
                found.append(replace(joined(row), right=right))
    close()
    return found + tables

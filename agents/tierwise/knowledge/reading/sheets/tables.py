"""The cells of a sheet to its tables: where each begins and ends, and which row names its columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tierwise.knowledge.reading.grid import BAR, MAX_HEAD_CHARS, line

_SPACE = re.compile(r"\s+")
_LETTER = re.compile(r"[^\W\d_]")
_MAX_NAME = 60  # characters of a column's name within a row
_LOOKED_AT = 15  # rows in which the names of the columns are looked for

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a sheet as lines.

    Attributes:
        rows: each row as a line; with the names of its columns where these are too long for a head.
        head: the names of the columns.
        before: lines above it, such as a title.
        after: lines below it, such as notes.
    """

    rows: tuple[str, ...]
    head: str | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def tables(rows: Rows) -> list[Table]:
    """The tables of a sheet, from top to bottom and left to right."""
    cells = [[_SPACE.sub(" ", cell).strip() for cell in row] for row in rows]
    found = []
    names: list[str] | None = None
    columns: list[int] = []
    for area in _areas(cells):
        used = [c for c in range(max(map(len, area))) if any(len(row) > c and row[c] for row in area)]
        body = [[row[c] if c < len(row) else "" for c in used] for row in area]
        at = _names_at(body)
        if at is not None:
            names, columns = body[at], used
            above, below = body[:at], body[at + 1 :]
        elif names is not None and set(used) <= set(columns) and len(used) > 1:
            # It goes on below an empty row.
            above, below = [], [[row[used.index(c)] if c in used else "" for c in columns] for row in body]
        else:
            lines = tuple(_plain(body))
            found.append(Table(lines) if len(used) > 1 < len(lines) else Table((), before=lines))
            continue
        last = len(below)
        while last and sum(map(bool, below[last - 1])) * 2 < len(names):
            last -= 1  # notes under it
        if not last:
            found.append(Table((), before=tuple(_plain(body))))
            continue
        head = BAR.join(names)
        fits = len(head) <= MAX_HEAD_CHARS
        found.append(
            Table(
                tuple(line(row) if fits else _named(names, row) for row in below[:last]),
                head if fits else None,
                before=tuple(_plain(above)),
                after=tuple(_plain(below[last:])),
            )
        )
    return found


def _areas(cells: list[list[str]]) -> Iterator[list[list[str]]]:
    """Parts that empty rows, or empty columns within those, keep apart."""
    band: list[list[str]] = []
    for row in [*cells, []]:
        if any(row):
            band.append(row)
        elif band:
            yield from _side_by_side(band)
            band = []


def _side_by_side(band: list[list[str]]) -> Iterator[list[list[str]]]:
    width = max(map(len, band))
    filled = [any(len(row) > c and row[c] for row in band) for c in range(width)]
    start = 0
    for c in range(1, width):
        # An empty column parts two tables only if both have names for their columns.
        if not filled[c] and any(filled[start:c]):
            left = [row[start:c] for row in band]
            right = [row[c + 1 :] for row in band]
            if _names_at(_dense(left)) is not None and _names_at(_dense(right)) is not None:
                yield [[""] * start + row for row in left if any(row)]
                start = c + 1
    rest = [row[start:] for row in band]
    yield [[""] * start + row for row in rest if any(row)]


def _dense(rows: list[list[str]]) -> list[list[str]]:
    width = max(map(len, rows), default=0)
    used = [c for c in range(width) if any(len(row) > c and row[c] for row in rows)]
    return [[row[c] if c < len(row) else "" for c in used] for row in rows]


def _names_at(rows: list[list[str]]) -> int | None:
    """Which row names the columns: different words, nearly as many as there are columns, with rows under them."""
    width = len(rows[0]) if rows else 0
    if width < 2:
        return None
    fills = [sum(map(bool, row)) for row in rows[:_LOOKED_AT]]
    first = None
    for i, row in enumerate(rows[: min(_LOOKED_AT, len(rows) - 1)]):
        named = [cell for cell in row if cell]
        words = [cell for cell in named if _LETTER.search(cell)]
        if len(set(named)) < len(named) or len(words) * 2 < len(named) or any(len(c) > 2 * _MAX_NAME for c in named):
            if first is None and fills[i] >= max(2, 0.6 * width):
                return None  # the rows begin without names
            continue
        if fills[i] == max(fills) and len(words) == len(named):
            return i  # notes above it may be in cells of their own
        if first is None and fills[i] >= max(2, 0.6 * width):
            first = i
            if not row[0] and all(row[1:]):
                return i  # the column of row names has none itself
    return first


def _named(names: Sequence[str], row: Sequence[str]) -> str:
    pairs = zip(names, row, strict=True)
    return BAR.join(f"{name[:_MAX_NAME]}: {cell}" if name else cell for name, cell in pairs if cell)


def _plain(rows: Sequence[Sequence[str]]) -> list[str]:
    return [BAR.join(cell for cell in row if cell) for row in rows if any(row)]

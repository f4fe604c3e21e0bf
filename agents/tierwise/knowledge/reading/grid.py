"""Rows of cells to the text of a table, the same for every format: one row a line, cells joined by `` | ``."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_HEAD_CHARS = 300  # the head goes with every piece of a table, so it must leave room for the piece
BAR = " | "

_SPACE = re.compile(r"\s+")
_LETTER = re.compile(r"[^\W\d_]")
_YEAR = re.compile(r"(19|20)\d\d([/\u2013-]\d{2,4})?")  # numbers that name columns


def tidy(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows with white space made single, and without the rows and columns that hold nothing."""
    cells = [[_SPACE.sub(" ", cell).strip() for cell in row] for row in rows]
    width = max((len(row) for row in cells), default=0)
    used = [c for c in range(width) if any(len(row) > c and row[c] for row in cells)]
    return [[row[c] if c < len(row) else "" for c in used] for row in cells if any(row)]


def line(row: Sequence[str]) -> str:
    """One row as a line; empty cells keep their place, except at the end."""
    return BAR.join(row).rstrip(" |")


def head_of(rows: Sequence[Sequence[str]], marked: bool = False) -> str | None:
    """The line of column names, if the first row is one.

    Args:
        rows: as :func:`tidy` gives them.
        marked: whether the document itself says that the first row is a head.
    """
    if len(rows) < 2:
        return None
    first = rows[0]
    # Names in two rows, of which the upper ones may stand over several columns.
    if first[0] and not rows[1][0] and all(rows[1][1:]) and "" in first:
        first = [" ".join(filter(None, pair)) for pair in zip(first, rows[1], strict=True)]
    head = line(first)
    if not head or len(head) > MAX_HEAD_CHARS:
        return None
    if marked:
        return head
    named = [cell for cell in first if cell]
    if len(named) < max(2, len(first) - 1) or len(set(named)) < len(named):
        return None  # a column of row names often has none itself
    numbers = [cell for cell in named if not _LETTER.search(cell)]
    if numbers and (first[0] in numbers or any(not _YEAR.fullmatch(cell) for cell in numbers)):
        return None
    return head

"""Rows of tables: what a row says is its cells under the names of their columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tierwise.verify.citing.facts import Facts, facts_of
from tierwise.verify.citing.relations import same_relation

_BAR = "|"
_RULE = re.compile(r"[\s|:+=\u2500-\u257f-]*")
_SHORT_CELL = 4  # words; a longer cell is prose
_COPULA = frozenset(["is", "are", "was", "were", "be", ":", "="])


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its place in the passage's text, and its cells, each with its column's name (which may be empty)."""

    start: int
    end: int
    cells: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """What the row says, in words."""
        return "; ".join(f"{name}: {cell}" if name else cell for name, cell in self.cells if cell)


def rows_of(text: str, head: str | None) -> list[Row]:
    """The rows of the tables in a passage: lines of two or more cells with bars between them.

    Args:
        text: of the passage.
        head: the names of the columns, if the passage begins inside of a table (``Passage.head``); a table that begins
            in the passage has its first row as head.
    """
    found: list[Row] = []
    names = _cells(head) if head and _BAR in head else None
    in_table = names is not None
    for start, end in _lines(text):
        line = text[start:end]
        cells = _cells(line)
        if len(cells) < 2:
            in_table = in_table and not line.strip(" \t|") and not line
            names = names if in_table else None
        elif _RULE.fullmatch(line):
            continue
        elif not in_table:
            names, in_table = cells, True
        elif names != cells:
            named = names if names is not None and len(names) >= len(cells) else [""] * len(cells)
            begin = start + len(line) - len(line.lstrip(" \t|"))
            found.append(Row(begin, start + len(line.rstrip(" \t|")), tuple(zip(named, cells, strict=False))))
    return found


def row_supports(claim: Facts, row: Row) -> bool:
    """Whether the claim reads the row rightly: it holds a value of each column that it names, and parts of two cells.

    What the claim says something *is* has to be the value of a column that it names, if it names any.
    """
    touched, named = [], []
    for name, cell in row.cells:
        facts = facts_of(cell)
        values = {item.key for item in facts.items if item.key}
        mine = {item.key for item in claim.items if item.key}
        hit = bool(values) and len(values & mine) * 2 >= len(values)
        columns = {item.key for item in facts_of(name).items if item.key}
        if columns and columns <= mine:
            named.append(values)
            if values and not hit:
                return False
        if hit and len(facts.keys) > _SHORT_CELL and not same_relation(claim.items, facts.items):
            return False
        if hit:
            touched.append(values)
    if len(touched) < 2:
        return False
    said = _said(claim)
    return not named or said is None or any(said in values for values in named)


def _said(claim: Facts) -> str | None:
    """The key of the first word after the last "is" of a claim."""
    at = max((i for i, item in enumerate(claim.items) if item.word in _COPULA), default=None)
    return None if at is None else next((item.key for item in claim.items[at:] if item.key), None)


def _lines(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for line in text.split("\n"):
        yield at, at + len(line)
        at += len(line) + 1


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix(_BAR).removesuffix(_BAR).split(_BAR)]

"""What is left in the pages of a damaged file, by table."""

from __future__ import annotations

from dataclasses import dataclass

from tierwise.record.file.pages import Pages, Value

Rows = dict[int, dict[str, object]]
"""Rows by their number, each by its columns."""
_KINDS: dict[str, tuple[type, ...]] = {"TEXT": (str,), "INTEGER": (int,), "REAL": (int, float), "BLOB": (bytes,)}


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it should be.

    Attributes:
        name: the table.
        columns: of each the name, the type, whether it is always there, and whether it is (a part of) the key.
    """

    name: str
    columns: tuple[tuple[str, str, bool, bool], ...]

    @property
    def number(self) -> str | None:
        """The column that is the row's number itself."""
        keys = [(name, kind) for name, kind, _, key in self.columns if key]
        return keys[0][0] if len(keys) == 1 and keys[0][1] == "INTEGER" else None

    def fits(self, values: tuple[Value, ...]) -> bool:
        """Whether a row can be one of the table; columns that came with later versions may be missing at its end."""
        return len(values) <= len(self.columns) and all(
            value is None if name == self.number else isinstance(value, _KINDS[kind]) or (value is None and not always)
            for value, (name, kind, always, _) in zip(values, self.columns, strict=False)
        )

    def row(self, number: int, values: tuple[Value, ...]) -> dict[str, object]:
        """A row by its columns; those that it does not have are left out."""
        names = [name for name, *_ in self.columns]
        found: dict[str, object] = {n: v for n, v in zip(names, values, strict=False) if n != self.number}
        if self.number is not None:
            found[self.number] = number
        return found


class Remains:
    """What can be read of a damaged file.

    Where the tree of a table leads is where its rows are. Pages to which no tree leads any more are read as well.

    Args:
        data: the file.
        log: its write-ahead log.
        tables: the tables that it should have, by name.
    """

    def __init__(self, data: bytes, log: bytes, tables: dict[str, Table]) -> None:
        self.tables = tables
        self._rows: dict[str, Rows] = {name: {} for name in tables}
        self._strays: dict[str, Rows] = {name: {} for name in tables}
        self._complete: set[str] = set()
        pages = Pages(data, log)
        reached: set[int] = {1}
        for name, root in pages.roots().items():
            leaves, whole = pages.leaves(root)
            reached.update(leaves)
            if name not in tables:
                continue
            if whole and all(pages.whole(leaf) for leaf in leaves):
                self._complete.add(name)
            for leaf in leaves:
                self._take(name, pages, leaf)
        for number in pages.numbers:
            if number not in reached and pages.is_leaf(number):
                self._take(None, pages, number)

    def rows(self, table: str) -> Rows:
        """The rows of a table to which its tree leads."""
        return self._rows[table]

    def strays(self, table: str) -> Rows:
        """Rows that fit this table only, and no other row has their number. They may have been deleted."""
        return self._strays[table]

    def complete(self, table: str) -> bool:
        """Whether every row of the table was found."""
        return table in self._complete

    def _take(self, name: str | None, pages: Pages, leaf: int) -> None:
        for number, values in pages.rows(leaf):
            fitting = [one for one in self.tables.values() if one.fits(values) and _enough(one, values)]
            if name is not None:
                fitting = [one for one in fitting if one.name == name]
            if len(fitting) != 1:
                continue
            row = fitting[0].row(number, values)
            if name is not None:
                self._rows[name].setdefault(number, row)
            elif number not in self._rows[fitting[0].name]:
                self._strays[fitting[0].name].setdefault(number, row)


def _enough(table: Table, values: tuple[Value, ...]) -> bool:
    """Whether the columns without which a row cannot be stored are there; later ones have defaults."""
    first = {"turns": 10, "threads": 3, "costs_of_deleted": 2}.get(table.name, len(table.columns))
    return len(values) >= first

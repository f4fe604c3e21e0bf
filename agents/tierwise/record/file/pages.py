"""Rows read from the pages of a damaged SQLite file, without the trees that lead to them.

After the file format as SQLite describes it (https://www.sqlite.org/fileformat2.html). What does not fit is left out;
whether what is found is right is for the caller to judge.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

Value = str | bytes | int | float | None
Row = tuple[int, tuple[Value, ...]]
"""The row's number and its columns; a column that is the row's number itself is ``None``."""

_USUAL = 4096
_LEAF, _INNER = 0x0D, 0x05
_FRAME, _HEAD = 24, 32
_DEEPEST = 20  # a tree of tables has hardly five levels
_BROKEN = (ValueError, IndexError, struct.error, UnicodeDecodeError, OverflowError)


class Pages:
    """The pages of a file, as its write-ahead log left them.

    Args:
        data: the file.
        log: its write-ahead log, empty if it has none. Frames are taken for what they say: a damaged one must not hide
            those behind it.
    """

    def __init__(self, data: bytes, log: bytes = b"") -> None:
        self._data = data
        self.size = _page_size(data, log)
        self._newer = _frames(log, self.size)

    @property
    def numbers(self) -> range:
        """The numbers of the pages."""
        return range(1, max([len(self._data) // self.size, *self._newer]) + 1)

    def page(self, number: int) -> bytes:
        """A page, empty if there is none."""
        if number in self._newer:
            return self._newer[number]
        if number < 1:
            return b""
        page = self._data[(number - 1) * self.size : number * self.size]
        return page if len(page) == self.size else b""

    def roots(self) -> dict[str, int]:
        """Where the tree of each table begins, as far as the table of tables can be read."""
        found: dict[str, int] = {}
        for leaf in self.leaves(1)[0]:
            for _, columns in self.rows(leaf):
                if len(columns) == 5 and columns[0] == "table" and isinstance(columns[3], int) and columns[3] > 1:
                    found[str(columns[1])] = columns[3]
        return found

    def leaves(self, root: int) -> tuple[list[int], bool]:
        """The pages of a table's rows, in order, and whether the whole tree could be walked."""
        found: list[int] = []
        seen: set[int] = set()
        return found, self._walk(root, found, seen, 0)

    def _walk(self, number: int, found: list[int], seen: set[int], depth: int) -> bool:
        page, start = self.page(number), 100 if number == 1 else 0
        if number in seen or depth > _DEEPEST or not page:
            return False
        seen.add(number)
        if page[start] == _LEAF:
            found.append(number)
            return self._cells(page, start, 8) is not None
        if page[start] != _INNER:
            return False
        cells = self._cells(page, start, 12)
        if cells is None:
            return False
        below = [struct.unpack_from(">I", page, place)[0] for place in cells if place + 4 <= len(page)]
        below.append(struct.unpack_from(">I", page, start + 8)[0])
        whole = [self._walk(one, found, seen, depth + 1) for one in below]  # all of them, whatever the first says
        return all(whole)

    def is_leaf(self, number: int) -> bool:
        """Whether a page looks like one with rows of a table."""
        page, start = self.page(number), 100 if number == 1 else 0
        return bool(page) and page[start] == _LEAF and bool(self._cells(page, start, 8))

    def rows(self, number: int) -> Iterator[Row]:
        """The rows of a page with rows; those that cannot be read are left out."""
        page, start = self.page(number), 100 if number == 1 else 0
        for place in (self._cells(page, start, 8) or ()) if page else ():
            with suppress(*_BROKEN):
                yield self._row(page, place)

    def whole(self, number: int) -> bool:
        """Whether every row of a page can be read."""
        page, start = self.page(number), 100 if number == 1 else 0
        cells = self._cells(page, start, 8) if page else None
        return cells is not None and len(cells) == sum(1 for _ in self.rows(number))

    @staticmethod
    def _cells(page: bytes, start: int, head: int) -> list[int] | None:
        (count,) = struct.unpack_from(">H", page, start + 3)
        if start + head + 2 * count > len(page):
            return None
        places = list(struct.unpack_from(f">{count}H", page, start + head))
        return places if all(start + head + 2 * count <= place < len(page) for place in places) else None

    def _row(self, page: bytes, place: int) -> Row:
        length, place = _varint(page, place)
        number, place = _varint(page, place)
        return number, _columns(self._payload(page, place, length))

    def _payload(self, page: bytes, place: int, length: int) -> bytes:
        if length > len(self._data) + len(self._newer) * self.size:
            raise ValueError("longer than the file")
        here = _kept_here(length, self.size)
        if here == length:
            payload = page[place : place + length]
        else:
            parts, left = [page[place : place + here]], length - here
            (following,) = struct.unpack_from(">I", page, place + here)
            while left > 0:
                more = self.page(following)
                if not more:
                    raise ValueError("the rest is gone")
                parts.append(more[4 : 4 + min(left, self.size - 4)])
                left -= self.size - 4
                (following,) = struct.unpack_from(">I", more, 0)
            payload = b"".join(parts)
        if len(payload) != length:
            raise ValueError("cut short")
        return payload


def _page_size(data: bytes, log: bytes) -> int:
    """What the log says, or the file if it is as long as it says; else the usual size."""
    head = data.ljust(32, b"\0")
    (of_file,), (pages,) = struct.unpack_from(">H", head, 16), struct.unpack_from(">I", head, 28)
    of_file = 65536 if of_file == 1 else of_file
    (of_log,) = struct.unpack_from(">I", log.ljust(12, b"\0"), 8)
    for size, sure in ((of_log, len(log) % (of_log + _FRAME) == _HEAD), (of_file, of_file * pages == len(data))):
        if sure and 512 <= size <= 65536 and size & (size - 1) == 0:
            return int(size)
    return _USUAL


def _frames(log: bytes, size: int) -> dict[int, bytes]:
    """The newest form of every page in the log, up to the last transaction that was completed."""
    step = _FRAME + size
    heads = [struct.unpack_from(">IIII", log, at) for at in range(_HEAD, len(log) - step + 1, step)]
    salts = struct.unpack_from(">II", log, 16) if len(log) >= _HEAD else None
    if salts is None or not any(head[2:] == salts for head in heads):
        common = Counter(head[2:] for head in heads[:64]).most_common(1)
        salts = common[0][0] if common else None
    ours = [n for n, head in enumerate(heads) if head[2:] == salts and 0 < head[0] < 1 << 24]
    last = max((n for n in ours if heads[n][1]), default=-1)
    return {heads[n][0]: log[_HEAD + n * step + _FRAME : _HEAD + (n + 1) * step] for n in ours if n <= last}


def _kept_here(length: int, usable: int) -> int:
    """How many bytes of a row's content stand in its own page."""
    if length <= usable - 35:
        return length
    least = (usable - 12) * 32 // 255 - 23
    most = least + (length - least) % (usable - 4)
    return most if most <= usable - 35 else least


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for n in range(9):
        byte = data[place + n]
        value = value << 8 | byte if n == 8 else value << 7 | byte & 0x7F
        if byte < 0x80 or n == 8:
            break
    if value >= 1 << 63:
        value -= 1 << 64
    return value, place + n + 1


def _columns(payload: bytes) -> tuple[Value, ...]:
    head, place = _varint(payload, 0)
    kinds: list[int] = []
    while place < head:
        kind, place = _varint(payload, place)
        kinds.append(kind)
    if place != head:
        raise ValueError("its head does not end where it says")
    columns: list[Value] = []
    for kind in kinds:
        value, place = _value(payload, place, kind)
        columns.append(value)
    if place != len(payload):
        raise ValueError("it does not end where it says")
    return tuple(columns)


def _value(payload: bytes, place: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, place
    if kind in (8, 9):
        return kind - 8, place
    if kind == 7:
        return struct.unpack_from(">d", payload, place)[0], place + 8
    if 1 <= kind <= 6:
        end = place + (1, 2, 3, 4, 6, 8)[kind - 1]
        return int.from_bytes(payload[place:end], "big", signed=True), end
    if kind < 12:
        raise ValueError("no kind of value")
    end = place + (kind - 12) // 2
    if end > len(payload):
        raise ValueError("cut short")
    return (payload[place:end].decode() if kind % 2 else payload[place:end]), end

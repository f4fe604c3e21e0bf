"""Ways to damage a file of SQLite, by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

_PAGE = 4096


def _cut(path: Path, dice: random.Random) -> str:
    data = path.read_bytes()
    at = dice.randrange(1, max(2, len(data)))
    path.write_bytes(data[:at])
    return f"cut at {at} of {len(data)}"


def _flip_head(path: Path, dice: random.Random) -> str:
    return _flip(path, dice, 0, 100)


def _flip_page(path: Path, dice: random.Random) -> str:
    return _flip(path, dice, 100, path.stat().st_size)


def _flip(path: Path, dice: random.Random, start: int, end: int) -> str:
    data = bytearray(path.read_bytes())
    places = [dice.randrange(start, max(start + 1, min(end, len(data)))) for _ in range(dice.choice((1, 1, 3, 20)))]
    for at in places:
        data[at % len(data)] ^= 1 << dice.randrange(8)
    path.write_bytes(data)
    return f"bits flipped at {places}"


def _zero_page(path: Path, dice: random.Random) -> str:
    data = bytearray(path.read_bytes())
    page = dice.randrange(max(1, len(data) // _PAGE))
    data[page * _PAGE : (page + 1) * _PAGE] = bytes(len(data[page * _PAGE : (page + 1) * _PAGE]))
    path.write_bytes(data)
    return f"page {page + 1} zeroed"


def _foreign_page(path: Path, dice: random.Random) -> str:
    data = bytearray(path.read_bytes())
    page = dice.randrange(max(1, len(data) // _PAGE))
    data[page * _PAGE : (page + 1) * _PAGE] = dice.randbytes(_PAGE)
    path.write_bytes(data)
    return f"page {page + 1} overwritten"


def _swapped(path: Path, dice: random.Random) -> str:
    data = bytearray(path.read_bytes())
    pages = max(2, len(data) // _PAGE)
    one, other = (dice.randrange(pages) * _PAGE for _ in range(2))
    data[one : one + _PAGE], data[other : other + _PAGE] = data[other : other + _PAGE], data[one : one + _PAGE]
    path.write_bytes(data)
    return f"pages {one // _PAGE + 1} and {other // _PAGE + 1} swapped"


def _empty(path: Path, dice: random.Random) -> str:
    path.write_bytes(b"")
    return "emptied"


def _foreign(path: Path, dice: random.Random) -> str:
    path.write_bytes(dice.randbytes(dice.randrange(1, 20_000)))
    return "no database"


def _page_size(path: Path, dice: random.Random) -> str:
    data = bytearray(path.read_bytes())
    data[16:18] = dice.choice((b"\x02\x00", b"\x10\x01", b"\x00\x01", b"\x00\x00"))
    path.write_bytes(data)
    return "another page size"


def _log(change: Callable[[Path, random.Random], str]) -> Callable[[Path, random.Random], str]:
    def changed(path: Path, dice: random.Random) -> str:
        log = path.with_name(f"{path.name}-wal")
        if not log.exists() or not log.stat().st_size:
            return "nothing: there is no log"
        return f"log: {change(log, dice)}"

    return changed


def _gone(path: Path, dice: random.Random) -> str:
    path.unlink()
    return "removed"


def _shared_memory(path: Path, dice: random.Random) -> str:
    path.with_name(f"{path.name}-shm").write_bytes(dice.randbytes(32_768))
    return "shm: garbage"


DAMAGES: tuple[Callable[[Path, random.Random], str], ...] = (
    _cut,
    _flip_head,
    _flip_page,
    _flip_page,
    _zero_page,
    _zero_page,
    _foreign_page,
    _swapped,
    _empty,
    _foreign,
    _page_size,
    _log(_gone),
    _log(_cut),
    _log(_flip_page),
    _log(_foreign),
    _shared_memory,
)


def damage(path: Path, seed: int) -> str:
    """Damage a file, or what SQLite keeps beside it.

    Returns:
        What was done, in words.
    """
    dice = random.Random(seed)
    return DAMAGES[seed % len(DAMAGES)](path, dice)

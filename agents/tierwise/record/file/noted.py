"""What is noted beside ``record.sqlite``: how much was written to it, and how it was when it was last found whole."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tierwise.errors import StoreError
from tierwise.home import private

_WIDTH = 24  # characters of a number; they are written in place, so that a full disk does not matter
_PLACES = ("version", "written", "size", "changed")


@dataclass(frozen=True, slots=True)
class Noted:
    """Numbers that the file itself must agree with.

    Attributes:
        version: of the schema.
        written: counted transactions (see :mod:`tierwise.record.file.sums`).
        size: bytes of the file when it was found whole.
        changed: when it had been changed last then (nanoseconds).
    """

    version: int = 0
    written: int = 0
    size: int = -1
    changed: int = -1


class Notes:
    """``record.noted``: a hint, never needed. Whoever writes last is right, or a little behind.

    Args:
        home: folder of the stores.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / "record.noted"
        self._fd: int | None = None

    def read(self) -> Noted:
        """What is noted; zeros if nothing is, or it cannot be read."""
        try:
            text = self._path.read_bytes().decode("ascii")
            return Noted(*(int(text[n * _WIDTH : (n + 1) * _WIDTH]) for n in range(len(_PLACES))))
        except (OSError, ValueError):
            return Noted()

    def note(self, **numbers: int) -> None:
        """Note some of the numbers (see :class:`Noted`)."""
        with suppress(OSError, StoreError):  # the store itself says what is wrong with the disk
            if self._fd is None:
                new = not self._path.exists() or self._path.stat().st_size != _WIDTH * len(_PLACES)
                self._fd = os.open(private(self._path), os.O_RDWR)
                if new:
                    os.ftruncate(self._fd, 0)
                    os.write(self._fd, b"".join(_text(n) for n in (0, 0, -1, -1)))
            for name, number in numbers.items():
                os.lseek(self._fd, _PLACES.index(name) * _WIDTH, os.SEEK_SET)
                os.write(self._fd, _text(number))

    def close(self) -> None:
        """Free the file; the next note opens it again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _text(number: int) -> bytes:
    return f"{number:>{_WIDTH - 1}}\n".encode()

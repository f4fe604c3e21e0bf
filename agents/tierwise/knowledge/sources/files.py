"""Files of this machine: a list of them as an origin, and the bytes of one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from stat import S_ISREG

from tierwise.errors import InvalidInput
from tierwise.knowledge.sources.item import Change, Item, Trouble
from tierwise.knowledge.sources.paths import gone, stamp, written

MAX_BYTES = 50_000_000  # as much as the readers take
# Opening a pipe would wait for its other end; a link here is one that has just taken the place of the file.
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class FilesOrigin:
    """A file, or the files of a folder or a pattern.

    Attributes:
        id: the place or the pattern, absolute.
        place: the file or folder; what is stored of it and is not there any more is gone.
        listing: gives paths, and troubles on the way.
        nothing: what to say if there is nothing, and nothing is stored.
        seen: files that an origin before this one has; each comes once.
    """

    id: str
    place: str
    listing: Callable[[], Iterable[str | Trouble]]
    nothing: Trouble | None = None
    seen: set[str] = field(default_factory=set)

    def changes(self, known: Mapping[str, str | None], cursor: str | None = None) -> Iterator[Change]:
        """Every file, then what is gone."""
        found = self._found
        files = [entry for entry in found if isinstance(entry, str)]
        for entry in found:
            yield entry if isinstance(entry, Trouble) else file_item(entry)
        missing = list(gone(self.place, known, files))
        yield from missing
        if self.nothing is not None and not found and not missing:
            yield self.nothing

    def count(self) -> int:
        """How many files there are."""
        return sum(isinstance(entry, str) for entry in self._found)

    @cached_property
    def _found(self) -> list[str | Trouble]:
        found: list[str | Trouble] = []
        for entry in self.listing():
            if isinstance(entry, Trouble):
                found.append(entry)
            elif (name := written(entry)) != entry:
                found.append(Trouble(name, "Its name is not UTF-8.", "Rename it."))
            elif entry not in self.seen:
                self.seen.add(entry)
                found.append(entry)
        return found


def file_item(path: str) -> Item:
    """A file that is there, or was a moment ago."""
    modified = mark = None
    try:
        found = os.stat(path)  # noqa: PTH116 (a tenth of the time for an unchanged tree)
    except OSError:
        pass  # loading it tells why
    else:
        modified, mark = found.st_mtime, stamp(found, time.time())
    return Item(path, os.path.basename(path), mark, partial(load_file, path), modified=modified)  # noqa: PTH119


def load_file(path: str) -> bytes:
    """The bytes of a plain file, links resolved by the caller.

    Raises:
        InvalidInput: if it is missing, not a plain file, empty, too large, or may not be read.
    """
    try:
        _check(os.lstat(path))  # before it is opened: that alone makes some devices do something
        with open(os.open(path, _FLAGS), "rb") as file:  # noqa: PTH123
            _check(os.fstat(file.fileno()))  # another thing may have taken its place
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise InvalidInput("There is no such file.", fix="Check the path.") from error
    except PermissionError as error:
        raise InvalidInput("You may not read it.", fix="Change the file's permissions.") from error
    except OSError as error:
        raise InvalidInput(f"It cannot be read: {error.strerror or error}.", fix="Check the disk.") from error
    return checked_bytes(data)


def checked_bytes(data: bytes) -> bytes:
    """The data.

    Raises:
        InvalidInput: if there is nothing in it, or too much.
    """
    if len(data) > MAX_BYTES:
        raise _too_large(len(data))
    if not data.strip():
        raise InvalidInput("It is empty.", fix="Leave it out, or fill it.")
    return data


def _check(found: os.stat_result) -> None:
    if not S_ISREG(found.st_mode):
        raise InvalidInput("It is not a plain file.", fix="Name a document or a folder of documents.")
    if found.st_size > MAX_BYTES:
        raise _too_large(found.st_size)


def _too_large(size: int) -> InvalidInput:
    return InvalidInput(
        f"It is too large: {size / 1e6:.0f} MB, and {MAX_BYTES / 1e6:.0f} MB is the limit.",
        fix="Split it into smaller files.",
    )

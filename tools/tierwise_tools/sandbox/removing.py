"""Remove a folder that a hostile program filled: however deep it is nested, and whatever its rights are."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path


@contextlib.contextmanager
def private_folder(prefix: str) -> Iterator[str]:
    """A new folder, gone in the end.

    Args:
        prefix: the beginning of its name.
    """
    folder = tempfile.mkdtemp(prefix=prefix)
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError):
            _empty(folder)
            Path(folder).rmdir()


def _empty(folder: str) -> None:
    """Bring every folder up to the top before it is emptied, so that no path gets long and nothing is nested."""
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    names = (f".{number}.gone" for number in count())
    try:
        waiting = _cleared(top, top, names)
        while waiting:
            name = waiting.pop()
            os.chmod(name, stat.S_IRWXU, dir_fd=top)
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
            try:
                waiting += _cleared(below, top, names)
            finally:
                os.close(below)
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)


def _cleared(held: int, top: int, names: Iterator[str]) -> list[str]:
    """Remove the files of a folder and move its folders to the top; their new names."""
    moved = []
    with os.scandir(held) as found:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    for name, is_folder in entries:
        if is_folder:
            os.chmod(name, stat.S_IRWXU, dir_fd=held)
            moved.append(next(names))
            os.rename(name, moved[-1], src_dir_fd=held, dst_dir_fd=top)
        else:
            os.unlink(name, dir_fd=held)
    return moved

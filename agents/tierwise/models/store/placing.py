"""The last steps of a model file: alone with it, in one step, and safe from a power cut."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tierwise.errors import StoreBusy, StoreError
from tierwise.home import open_home, private
from tierwise.locks import hold
from tierwise.models.store.files import note_path, part_path, write_pin


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """One process at a time brings or removes a model; the system frees the lock however the process ends.

    Raises:
        StoreBusy: at once, if another process is at it.
    """
    open_home(target.parent)
    try:
        with hold(target.with_name(f"{target.name}.lock"), wait=0):
            yield
    except StoreBusy as error:
        raise StoreBusy(
            f"Another process is bringing or removing {target.stem}.", fix="Wait until it is done, then try again."
        ) from error


def place(part: Path, target: Path, sha256: str, *, url: str | None) -> None:
    """Make a checked part the model: a power cut leaves either the old file or the whole new one.

    Raises:
        StoreError: if it cannot be put there.
    """
    with _as_store_error(target):
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        write_pin(target, sha256, url=url, like=part)
        os.replace(part, target)  # noqa: PTH105 (one step, also over a file)
        note_path(part).unlink(missing_ok=True)
    with suppress(OSError):  # not every system lets a folder be synced
        fd = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def copy(path: Path, target: Path) -> Path:
    """Copy a file beside ``target``, ready to be placed.

    Raises:
        StoreError: if there is no room, or it cannot be written.
    """
    part = part_path(target)
    try:
        with _as_store_error(target):
            shutil.copyfile(path, private(part))
    except StoreError:
        part.unlink(missing_ok=True)
        raise
    return part


def link(path: Path, target: Path) -> bool:
    """Make ``target`` a link to ``path``; says whether that is possible here."""
    try:
        target.symlink_to(path)
    except OSError:  # Windows without the right to, or a file system without links
        return False
    return True


def remove(paths: Iterable[Path]) -> int:
    """Remove files and links; returns the bytes that were freed.

    Raises:
        StoreError: if one cannot be removed.
    """
    freed = 0
    for path in paths:
        with _as_store_error(path):
            freed += 0 if path.is_symlink() else path.stat().st_size
            path.unlink()
    return freed


@contextmanager
def _as_store_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written or removed: {error.strerror or error}.",
            fix="Stop what uses it, free some space, or check the folder's permissions.",
        ) from error

"""Copies of documents that were sent to be read: their names, where they are kept, and when they go."""

from __future__ import annotations

import contextlib
import filecmp
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise.errors import StoreError

if TYPE_CHECKING:
    from tierwise.knowledge import Knowledge

MOST_FILES = 200
_LONGEST = 200  # bytes; systems take 255, and a number may follow
_LONGEST_ENDING = 20
_FORBIDDEN = re.compile(r'[<>:"|?*]')  # on Windows, where the home may be copied to
_DEVICE = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")


def safe_name(name: str) -> str:
    """A file name made of a foreign one: no folders, nothing hidden or unseen, at most 200 bytes, never empty."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    name = "".join(c if c.isprintable() else " " for c in _FORBIDDEN.sub("_", name))
    name = " ".join(name.split()).lstrip(". ").rstrip(". ")
    if _DEVICE.fullmatch(name):
        name = f"_{name}"
    stem, ending = _split(name or "file")
    room = _LONGEST - len(ending.encode())
    return f"{stem.encode()[:room].decode('utf-8', 'ignore').rstrip('. ')}{ending}"


def keep(folder: Path, name: str, data: bytes | memoryview) -> Path:
    """A private copy of a file; a file of this name with other bytes is left alone, and the new one gets a number.

    Args:
        folder: where to; made if missing.
        name: as :func:`safe_name` gives it.
        data: the bytes.

    Returns:
        Where it is; the file that was there already if it has the same bytes.

    Raises:
        StoreError: if it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:  # mode 0600
            file.write(data)
        try:
            return _placed(Path(file.name), folder, name)
        finally:
            Path(file.name).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{name} cannot be kept in {folder}: {error.strerror or error}.",
            fix="Check the folder's permissions and free space.",
        ) from error


def is_upload(home: Path, path: str) -> bool:
    """Whether a source is a copy that is kept of an upload."""
    return Path(path).is_relative_to((home / "uploads").resolve())


def drop_copies(home: Path, knowledge: Knowledge, paths: Iterable[str]) -> None:
    """Delete copies of uploads that no collection knows any more."""
    known = {s.path for s in knowledge.sources()} | {f.path for f in knowledge.failures()}
    for path in paths:
        if path not in known and is_upload(home, path):
            with contextlib.suppress(OSError):
                Path(path).unlink()
            with contextlib.suppress(OSError):  # others may be in it
                Path(path).parent.rmdir()


def _placed(written: Path, folder: Path, name: str) -> Path:
    stem, ending = _split(name)
    n = 1
    while True:
        place = folder / (name if n == 1 else f"{stem} ({n}){ending}")
        try:
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # the name is ours from here on
        except FileExistsError:
            if place.is_file() and filecmp.cmp(written, place, shallow=False):
                return place
            n += 1
            continue
        return written.replace(place)


def _split(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending.encode()) >= _LONGEST_ENDING:
        return name, ""
    return stem, f"{dot}{ending}"

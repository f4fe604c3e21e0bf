"""Keep the files that a program left, if they are what their names say."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from tierwise_tools.names import safe_name
from tierwise_tools.result import KeptFile


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _is_png(data: bytes) -> bool:
    return data.startswith(b"\x89PNG\r\n\x1a\n")


def _is_svg(data: bytes) -> bool:
    return b"<svg" in data[:4096] and _is_text(data)


_KINDS: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    ".csv": ("text/csv", _is_text),
    ".json": ("application/json", _is_text),
    ".png": ("image/png", _is_png),
    ".svg": ("image/svg+xml", _is_svg),
    ".txt": ("text/plain", _is_text),
}
_LONGEST_NAME = 48
SUFFIXES = tuple(_KINDS)
"""Endings of the files that are kept."""


def keep(files: Iterable[tuple[str, bytes]], folder: Path) -> tuple[tuple[KeptFile, ...], tuple[tuple[str, str], ...]]:
    """Write files into a folder, beside what is there.

    Args:
        files: as ``(name, bytes)``; each ends in one of :data:`SUFFIXES`.
        folder: is made if it is not there.

    Returns:
        Those that were written, and the others as ``(name, reason)``.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept: list[KeptFile] = []
    refused: list[tuple[str, str]] = []
    for title, data in files:
        suffix = Path(title).suffix.lower()
        mime, fits = _KINDS[suffix]
        if fits(data):
            path = _write(folder, safe_name(Path(title).stem)[:_LONGEST_NAME] + suffix, data)
            kept.append(KeptFile(path, mime, path.name))
        else:
            refused.append((title, f"it is no {mime}"))
    return tuple(kept), tuple(refused)


def _write(folder: Path, name: str, data: bytes) -> Path:
    """Under this name, or with a number after it: nothing is replaced and no link is followed."""
    plain = path = folder / name
    number = 2
    while True:
        try:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            path, number = plain.with_stem(f"{plain.stem}-{number}"), number + 1
            continue
        with os.fdopen(opened, "wb") as file:
            file.write(data)
        return path

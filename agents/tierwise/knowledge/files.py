"""Paths to the files an ingest looks at."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_SKIPPED_FOLDERS = {"node_modules", "__pycache__", "venv", "site-packages"}
# Not documents by their very kind: in a folder they are passed over; named one by one they fail with a word.
_NOT_DOCUMENTS = frozenset(
    {
        *(".avif", ".bmp", ".gif", ".heic", ".icns", ".ico", ".jpeg", ".jpg", ".jxl", ".png", ".psd", ".svg", ".tif"),
        *(".tiff", ".webp"),
        *(".aac", ".avi", ".flac", ".m4a", ".m4v", ".mkv", ".mov", ".mp3", ".mp4", ".mpeg", ".mpg", ".ogg", ".opus"),
        *(".wav", ".webm", ".wmv"),
        *(".7z", ".bz2", ".gz", ".jar", ".rar", ".tar", ".tgz", ".whl", ".xz", ".zip", ".zst"),
        *(".apk", ".bin", ".class", ".dll", ".dmg", ".dylib", ".exe", ".iso", ".msi", ".o", ".obj", ".pyc", ".pyd"),
        *(".so", ".wasm"),
        *(".db", ".gguf", ".npy", ".npz", ".onnx", ".parquet", ".pkl", ".pt", ".safetensors", ".sqlite", ".sqlite3"),
        *(".eot", ".otf", ".ttf", ".woff", ".woff2", ".lock", ".map", ".mo"),
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a list of paths stands for.

    Attributes:
        files: to be read.
        folders: as they were named.
        closed: folders that may not be listed.
        missing: paths where nothing is.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
    closed: tuple[str, ...]
    missing: tuple[str, ...]


def find(paths: Sequence[str | os.PathLike[str]]) -> Found:
    """Expand paths: absolute, links resolved, each file once, in the order given, folders by name.

    Hidden files and folders, caches and things that are no documents are passed over inside folders, never when named.
    """
    files: dict[str, None] = {}
    folders: dict[str, None] = {}
    closed: dict[str, None] = {}
    missing: dict[str, None] = {}
    for path in paths:
        place = canonical(path)
        if Path(place).is_dir():
            folders[place] = None
            for file, readable in _walk(place):
                (files if readable else closed)[file] = None
        elif os.path.lexists(place):
            files[place] = None
        else:
            missing[place] = None
    return Found(tuple(files), tuple(folders), tuple(closed), tuple(missing))


def canonical(path: str | os.PathLike[str]) -> str:
    """The one name of a place: absolute, ``~`` and symbolic links resolved."""
    return os.path.realpath(Path(path).expanduser())


def _walk(root: str) -> Iterator[tuple[str, bool]]:
    """Files with ``True``, folders that cannot be listed with ``False``."""
    seen: set[str] = set()
    stack = [root]
    while stack:
        folder = stack.pop()
        if folder in seen:  # links may lead in a circle
            continue
        seen.add(folder)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            yield folder, False
            continue
        inner = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                if entry.name not in _SKIPPED_FOLDERS:
                    inner.append(os.path.realpath(entry.path))
            elif entry.is_file() and Path(entry.name).suffix.lower() not in _NOT_DOCUMENTS:
                yield os.path.realpath(entry.path), True
        stack.extend(reversed(inner))

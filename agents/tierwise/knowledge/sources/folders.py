"""What is in a folder, as far as it may be a document."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from tierwise.knowledge.sources.git import git_files, is_work_tree
from tierwise.knowledge.sources.item import Trouble
from tierwise.knowledge.sources.paths import is_inside, written

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv", "site-packages"})
_PACKED_PAGE = re.compile(r"\.[1-9][a-z]*\.gz$")  # manual pages lie packed on most systems
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


def walk(root: str) -> Iterator[str | Trouble]:
    """The files of a folder by name, links resolved.

    Hidden files and folders, caches, backups and things that are no documents are passed over. In a Git work tree, also
    in one further down, the files are those that Git does not ignore.

    Args:
        root: the folder, links resolved.
    """
    seen: set[str] = set()
    stack = [root]
    while stack:
        folder = stack.pop()
        if folder in seen:  # links may lead in a circle
            continue
        seen.add(folder)
        inner: list[str] = []
        entries = _tracked(folder, inner) if is_work_tree(folder) else _listed(folder, inner)
        yield from entries
        stack.extend(reversed(inner))


def is_kind(path: str, kind: Callable[[int], bool]) -> bool:
    """Whether there is something of a kind (``stat.S_ISDIR`` ...), links followed.

    The methods of a path or an entry raise for a link that leads to itself and for a name that is too long.
    """
    try:
        return kind(os.stat(path).st_mode)  # noqa: PTH116
    except OSError:
        return False


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of this name is hidden, a cache, or what an editor leaves beside a document."""
    return name.startswith((".", "~$")) or name.endswith("~") or name in SKIPPED_FOLDERS


def _listed(folder: str, inner: list[str]) -> Iterator[str | Trouble]:
    """The files right in a folder; its folders go into ``inner``."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except PermissionError:
        yield Trouble(written(folder), "You may not read this folder.", "Change its permissions.")
        return
    except OSError as error:
        yield Trouble(written(folder), f"It cannot be listed: {error.strerror or error}.", "Check the disk.")
        return
    for entry in entries:
        if is_passed_over(entry.name):
            continue
        if is_kind(entry.path, S_ISDIR):
            inner.append(os.path.realpath(entry.path))
        elif _is_document(entry.name) and is_kind(entry.path, S_ISREG):
            yield os.path.realpath(entry.path) if _is_link(entry) else entry.path


def _tracked(folder: str, inner: list[str]) -> Iterator[str | Trouble]:
    """The files of a work tree with all its folders; work trees in it go into ``inner``."""
    names = git_files(folder)
    if isinstance(names, Trouble):
        yield names
        if names.source != folder:  # Git is missing, and not at odds with this folder
            yield from _listed(folder, inner)
        return
    for name in names:
        parts = name.rstrip("/").split("/")
        # What a link names may be anywhere, and who made the repository chose it.
        if any(map(is_passed_over, parts)) or not is_inside(path := os.path.realpath(f"{folder}/{name}"), folder):
            continue
        if is_kind(path, S_ISDIR):
            inner.append(path)
        elif _is_document(parts[-1]) and is_kind(path, S_ISREG):
            yield path


def _is_document(name: str) -> bool:
    return Path(name).suffix.lower() not in _NOT_DOCUMENTS or _PACKED_PAGE.search(name) is not None


def _is_link(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink()
    except OSError:
        return True

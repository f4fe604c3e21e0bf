"""Paths to the files an ingest looks at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from tierwise.errors import InvalidInput

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
        misnamed: files whose names are not UTF-8, as well as they can be written.
    """

    files: tuple[str, ...]
    folders: tuple[str, ...]
    closed: tuple[str, ...]
    missing: tuple[str, ...]
    misnamed: tuple[str, ...] = ()


def find(paths: Sequence[str | os.PathLike[str]]) -> Found:
    """Expand paths: absolute, links resolved, each file once, in the order given, folders by name.

    Hidden files and folders, caches and things that are no documents are passed over inside folders, never when named.

    Raises:
        InvalidInput: for what cannot be a path.
    """
    files: dict[str, None] = {}
    folders: dict[str, None] = {}
    closed: dict[str, None] = {}
    missing: dict[str, None] = {}
    misnamed: dict[str, None] = {}
    for path in paths:
        if (written := _written(os.fspath(path))) != os.fspath(path):
            misnamed[written] = None
            continue
        place = canonical(path)
        if _is(place, S_ISDIR):
            folders[place] = None
            for file, readable in _walk(place):
                written = _written(file)
                (misnamed if written != file else files if readable else closed)[written] = None
        elif os.path.lexists(place):
            files[place] = None
        else:
            missing[place] = None
    return Found(tuple(files), tuple(folders), tuple(closed), tuple(missing), tuple(misnamed))


def canonical(path: str | os.PathLike[str]) -> str:
    """The one name of a place: absolute, ``~`` and symbolic links resolved.

    Raises:
        InvalidInput: if it cannot be a path: empty, not UTF-8, or of a user that does not exist.
    """
    given = os.fspath(path)
    try:
        if not given:
            raise ValueError("it is empty")
        place = os.path.realpath(Path(given).expanduser())
        place.encode()
    except (ValueError, RuntimeError) as error:
        what = "Its name is not UTF-8" if isinstance(error, UnicodeError) else str(error).strip(".").capitalize()
        raise InvalidInput(f"{_written(given)!r} cannot be used as a path. {what}.", fix="Check the path.") from error
    return place


def is_gone(path: str) -> bool:
    """Whether nothing is there any more; what may only not be looked at is not gone."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _is(path: str, kind: Callable[[int], bool]) -> bool:
    # The methods of a path or an entry raise for a link that leads to itself and for a name that is too long.
    try:
        return kind(Path(path).stat().st_mode)
    except OSError:
        return False


def _written(path: str) -> str:
    """The path in characters that can be stored and printed."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


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
            if _is(entry.path, S_ISDIR):
                if entry.name not in _SKIPPED_FOLDERS:
                    inner.append(os.path.realpath(entry.path))
            elif _is(entry.path, S_ISREG) and Path(entry.name).suffix.lower() not in _NOT_DOCUMENTS:
                yield os.path.realpath(entry.path), True
        stack.extend(reversed(inner))

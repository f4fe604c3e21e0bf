"""Take a private copy of a table file: only from under one folder, and only a plain file."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tierwise_tools.errors import ToolError
from tierwise_tools.names import distinct_names, safe_name

Kind = Literal["csv", "csv.gz", "json", "parquet", "sqlite"]

_BY_SUFFIX: dict[str, Kind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
}
_MAGIC: dict[Kind, bytes] = {"parquet": b"PAR1", "sqlite": b"SQLite format 3\0", "csv.gz": b"\x1f\x8b"}
READABLE = "CSV, TSV, CSV.GZ, JSON lines, Parquet and SQLite"
MOST_FILES = 20
MOST_BYTES = 200 << 20


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy to read.

    Attributes:
        path: of the copy.
        kind: what it holds.
        table: name of its table, fit for SQL without quotes; of an SQLite file, the beginning of its tables' names
            where their own are taken.
        file: name of the file as it was asked for.
    """

    path: Path
    kind: Kind
    table: str
    file: str


def copy_files(root: Path, files: Sequence[str], into: Path) -> list[Copy]:
    """Copy files, so that nobody can change them while they are read.

    Args:
        root: the folder they lie in.
        files: their paths from there.
        into: a private folder.

    Raises:
        ToolError: naming the file that cannot be read, with the reason.
    """
    wanted = list(dict.fromkeys(files))
    if not 0 < len(wanted) <= MOST_FILES:
        raise ToolError(f"name between 1 and {MOST_FILES} files")
    tables = distinct_names(wanted, lambda file: safe_name(Path(file).name.split(".")[0]).replace("-", "_"))
    copies = []
    room = MOST_BYTES
    for number, file in enumerate(wanted):
        path = into / str(number)
        opened = _open(root, file)
        with os.fdopen(opened, "rb") as source:
            size = os.fstat(opened).st_size
            room -= size
            if room < 0:
                raise ToolError(f"{file}: the files are larger than {MOST_BYTES >> 20} MB together; ask about less")
            with path.open("wb") as target:  # not more than was looked at, should it grow
                while size > 0 and (data := source.read(min(size, 1 << 20))):
                    size -= target.write(data)
        kind = _kind(file, path)
        if kind in ("csv", "json"):
            _as_utf8(path, file)
        copies.append(Copy(path, kind, tables[file], file))
    return copies


def _open(root: Path, file: str) -> int:
    """A descriptor of a plain file under ``root``; each step is opened by itself: no link is followed."""
    steps = file.replace("\\", "/").split("/")
    if not file or "\0" in file or Path(file).is_absolute() or steps[0].endswith(":") or ".." in steps:
        raise ToolError(f"{file!r} is no path within the folder; use a name such as 'sales.csv'")
    steps = [step for step in steps if step not in ("", ".")] or ["."]
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        opened = _walk(root, steps, flags) if os.open in os.supports_dir_fd else _resolved(root, steps, flags)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ToolError(f"{file}: cannot be opened ({reason}); use the name of a file in the folder") from error
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise ToolError(f"{file}: is no plain file")
    return opened


def _walk(root: Path, steps: Sequence[str], flags: int) -> int:
    held = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for number, step in enumerate(steps, 1):
        try:
            below = os.open(step, flags | (os.O_DIRECTORY if number < len(steps) else 0), dir_fd=held)
        finally:
            os.close(held)
        held = below
    return held


def _resolved(root: Path, steps: Sequence[str], flags: int) -> int:
    path = root.resolve().joinpath(*steps)
    if path.resolve() != path:
        raise ValueError("it is a link")
    return os.open(path, flags)


def _kind(file: str, path: Path) -> Kind:
    with path.open("rb") as copy:
        head = copy.read(16)
    suffixes = [suffix.lower() for suffix in Path(file).suffixes]
    found = next((kind for kind, magic in _MAGIC.items() if head.startswith(magic)), None)
    if found == "csv.gz" and not {".csv", ".tsv"} & set(suffixes):
        found = None
    kind = found or _BY_SUFFIX.get(suffixes[-1] if suffixes else "")
    if kind is None or (found is None and kind in _MAGIC):
        raise ToolError(f"{file}: is no table that can be read; {READABLE} can")
    return kind


def _as_utf8(path: Path, file: str) -> None:
    """Rewrite a text in another encoding; one that is no UTF-8 and has no mark is taken for Windows-1252."""
    data = path.read_bytes()
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = data.decode("utf-16")
        else:
            data.decode("utf-8")
            return
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    if "\0" in text:
        raise ToolError(f"{file}: is no text")
    path.write_text(text, encoding="utf-8", newline="")

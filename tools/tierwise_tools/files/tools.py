"""The file tools as a model sees them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from tierwise_tools.context import ToolContext
from tierwise_tools.definition import LONGEST, Origin
from tierwise_tools.errors import ToolError
from tierwise_tools.files import beneath
from tierwise_tools.files.listing import list_below
from tierwise_tools.files.paths import names_of, shown
from tierwise_tools.function import tool
from tierwise_tools.toolset import Toolset

_LARGEST_READ = 10_000_000
_LARGEST_WRITE = 1_000_000
_ROOM = LONGEST - 500  # characters of a file in one answer; the rest is for the word about how to read on
_ORIGIN = Origin("built-in", "files")


def file_tools(root: Path) -> Toolset:
    """``read_file``, ``list_files`` and ``write_file`` for what lies below ``root``, and nothing else.

    Links, hard links, hidden names (``.env``, ``.git``), devices and pipes are neither read, listed nor written.

    Args:
        root: the folder; if it is a link, it is followed now and not again.

    Raises:
        SourceError: if it is no folder, or this system cannot keep to it.
    """
    folder = beneath.usable_folder(root)

    @tool(effects="read")
    def read_file(path: str, start: int = 0, lines: int = 200) -> str:
        """Read a text file of the user's folder.

        Args:
            path: from the folder on, such as notes/today.txt
            start: how many lines to skip.
            lines: how many lines to read.
        """
        return _window(_text_of(folder, _file_names(path)), start, lines)

    @tool(effects="read")
    def list_files(context: ToolContext, path: str = "", pattern: str = "*") -> str:
        """List the files and folders of the user's folder, or find files in it.

        Args:
            path: a folder in it; empty for the folder itself.
            pattern: which names, such as *.txt; with **/ before it, in all folders below too.
        """
        return list_below(folder, names_of(path), pattern, context.cancelled)

    @tool(effects="write", trusted=True)
    def write_file(path: str, text: str, mode: Literal["create", "replace", "append"] = "create") -> str:
        """Write a text file in the user's folder; folders on the way are made.

        Args:
            path: from the folder on, such as notes/today.txt
            text: what to write.
            mode: create refuses if the file exists; replace takes the place of what is there; append adds to its end.
        """
        names = _file_names(path)
        data = _bytes_of(text)
        if mode == "create":
            beneath.create(folder, names, data)
        elif mode == "replace":
            beneath.replace(folder, names, data)
        else:
            beneath.append(folder, names, data, longest=_LARGEST_READ)
        return f"{len(data):,} bytes written to {'/'.join(names)} ({mode})"

    return Toolset.of(*(made.but(origin=_ORIGIN) for made in (read_file, list_files, write_file)))


def _file_names(path: str) -> tuple[str, ...]:
    if not (names := names_of(path)):
        raise ToolError("the path names no file; write a path such as notes/today.txt")
    if path.endswith(("/", "/.")):
        raise ToolError(f"{shown(path)} names a folder, not a file")
    return names


def _bytes_of(text: str) -> bytes:
    data = text.encode("utf-8")
    if len(data) > _LARGEST_WRITE:
        raise ToolError(f"the text has {len(data):,} bytes; write at most {_LARGEST_WRITE:,} at a time")
    return data


def _text_of(folder: Path, names: tuple[str, ...]) -> str:
    path = shown("/".join(names))
    data = bytearray()
    with beneath.file_at(folder, names, os.O_RDONLY) as file:
        while chunk := os.read(file, 1 << 20):
            data += chunk
            if len(data) > _LARGEST_READ:
                raise ToolError(f"{path} is larger than {_LARGEST_READ:,} bytes, which is more than can be read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ToolError(f"{path} is not UTF-8 text ({len(data):,} bytes), so it cannot be read") from error
    if "\0" in text:
        raise ToolError(f"{path} is a binary file ({len(data):,} bytes), so it cannot be read")
    return text


def _window(text: str, start: int, count: int) -> str:
    """The lines asked for as far as there is room, and how to read on."""
    if start < 0 or count < 1:
        raise ToolError("start must be 0 or more, and lines 1 or more")
    if not text:
        return "(the file is empty)"
    lines = text.removesuffix("\n").split("\n")
    if start >= len(lines):
        raise ToolError(f"the file has only {len(lines):,} lines; use a smaller start")
    taken: list[str] = []
    room = _ROOM
    for line in lines[start : start + count]:
        if len(line) > room:
            if not taken:
                taken.append(f"{line[:room]} (this line is cut: {len(line) - room:,} more characters)")
            break
        taken.append(line)
        room -= len(line) + 1
    end = start + len(taken)
    shown_text = "\n".join(taken)
    if start == 0 and end == len(lines):
        return shown_text
    on = f"; read on with start={end}" if end < len(lines) else ""
    return f"{shown_text}\n(lines {start + 1:,} to {end:,} of {len(lines):,}{on})"

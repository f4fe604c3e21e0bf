"""What lies in a folder, by the same rules by which it may be read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence
from fnmatch import translate
from pathlib import Path

from tierwise_tools.errors import ToolError
from tierwise_tools.files.beneath import folder_at
from tierwise_tools.files.paths import names_of

_MOST_SHOWN = 200
_MOST_SEEN = 20_000
_DEEPEST = 20
_BELOW = "**/"
_LONGEST_PATTERN = 100


def list_below(root: Path, names: Sequence[str], pattern: str, cancelled: Callable[[], bool]) -> str:
    """The entries of a folder whose names fit, one a line, with a word about what is not shown.

    Args:
        root: the folder of the tools.
        names: of the folder to look into.
        pattern: ``*``, ``?`` and ``[...]``; with ``**/`` before it folders below are searched, and only files listed.
        cancelled: whether nobody waits any more.

    Raises:
        ToolError: if the folder is not there, or the pattern is none.
    """
    name_pattern = pattern.removeprefix(_BELOW)
    if not name_pattern or "/" in name_pattern or "\\" in name_pattern or len(pattern) > _LONGEST_PATTERN:
        raise ToolError("the pattern is for names, such as *.txt or **/*.txt; put the folder into path")
    search = _Search(name_pattern, deep=pattern != name_pattern)
    waiting: list[tuple[str, ...]] = [()]
    while waiting and not cancelled() and not search.full:
        below = waiting.pop()
        try:
            with folder_at(root, (*names, *below)) as folder:
                waiting += search.look(folder, below)
        except ToolError:
            if not below:
                raise
            search.left_out += 1  # it went away, or may not be opened
    return search.told()


class _Search:
    """Collects what fits, folder by folder."""

    def __init__(self, pattern: str, *, deep: bool) -> None:
        self._fits = re.compile(translate(pattern)).match
        self._deep = deep
        self._lines: list[str] = []
        self._more = 0
        self._seen = 0
        self.left_out = 0

    @property
    def full(self) -> bool:
        """Whether it has looked at as much as it may."""
        return self._seen >= _MOST_SEEN

    def look(self, folder: int, below: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Add the entries of one folder; the folders in it that are to be searched too, the first one last."""
        inside = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if self.full:
                    break
                self._seen += 1
                status = _readable(entry)
                if status is None:
                    self.left_out += 1
                elif not stat.S_ISDIR(status.st_mode):
                    self._add(entry.name, f"{'/'.join((*below, entry.name))} ({status.st_size:,} bytes)")
                elif not self._deep:
                    self._add(entry.name, f"{entry.name}/")
                elif len(below) < _DEEPEST:
                    inside.append((*below, entry.name))
        return sorted(inside, reverse=True)

    def told(self) -> str:
        """All of it as text."""
        lines = sorted(self._lines) or ["(nothing that fits)"]
        if self._more:
            lines.append(f"({self._more:,} more that fit are not shown; use a narrower pattern)")
        if self.full:
            lines.append(f"(only {_MOST_SEEN:,} entries were looked at; name a folder in path)")
        if self.left_out:
            lines.append(f"({self.left_out:,} links, hidden or other entries that cannot be read are left out)")
        return "\n".join(lines)

    def _add(self, name: str, line: str) -> None:
        if self._fits(name) is None:
            return
        if len(self._lines) < _MOST_SHOWN:
            self._lines.append(line)
        else:
            self._more += 1


def _readable(entry: os.DirEntry[str]) -> os.stat_result | None:
    """The status of a folder or file that may be read; nothing for all else."""
    try:
        names_of(entry.name)
        status = entry.stat(follow_symlinks=False)
    except (ToolError, OSError):
        return None
    plain_file = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
    return status if plain_file or stat.S_ISDIR(status.st_mode) else None

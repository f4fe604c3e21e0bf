"""Patterns such as ``docs/**/*.md`` to files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from tierwise.errors import InvalidInput
from tierwise.knowledge.sources.folders import is_kind, is_passed_over, walk
from tierwise.knowledge.sources.item import Trouble
from tierwise.knowledge.sources.paths import canonical

_WILD = frozenset("*?[")


def is_pattern(word: str) -> bool:
    """Whether a word holds wildcards."""
    return bool(_WILD & set(word))


def split_pattern(word: str) -> tuple[str, str]:
    """The folder that a pattern begins in, links resolved, and the rest of it.

    Raises:
        InvalidInput: if it cannot be a pattern.
    """
    parts = Path(word).expanduser().parts
    first = next(number for number, part in enumerate(parts) if is_pattern(part))
    rest = "/".join(parts[first:])
    if rest.endswith("**"):
        rest += "/*"  # all files below, not only all folders
    try:
        next(iter(Path().glob(rest)), None)
    except (ValueError, NotImplementedError, RecursionError) as error:
        raise InvalidInput(f"{word!r} is no pattern: {error}.", fix="Write for example 'docs/**/*.md'.") from error
    except OSError:
        pass  # it is about this folder, not about the pattern
    return canonical(os.path.join(*parts[:first]) if first else "."), rest  # noqa: PTH118


def matching(folder: str, pattern: str) -> Iterator[str | Trouble]:
    """Files that match by name; a folder that matches stands for what is in it, unless the pattern has ``**``.

    Hidden files and caches match only where the pattern begins in them.
    """
    try:
        paths = sorted(Path(folder).glob(pattern))
    except (OSError, RecursionError) as error:
        why = getattr(error, "strerror", None) or "its folders are nested too deeply"
        yield Trouble(f"{folder}/{pattern}", f"It cannot be searched: {why}.", "Name a folder instead.")
        return
    for path in paths:
        if any(map(is_passed_over, path.relative_to(folder).parts)):
            continue
        place = os.path.realpath(path)
        if is_kind(place, S_ISREG):
            yield place
        elif is_kind(place, S_ISDIR) and "**" not in pattern:
            yield from walk(place)

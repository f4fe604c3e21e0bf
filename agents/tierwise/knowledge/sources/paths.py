"""Names of places on this machine: the one way to write each, and whether something is still there."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from stat import S_ISREG

from tierwise.errors import InvalidInput
from tierwise.knowledge.sources.item import Gone, Trouble


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
        raise InvalidInput(f"{written(given)!r} cannot be used as a path. {what}.", fix="Check the path.") from error
    return place


def written(path: str) -> str:
    """The path in characters that can be stored and printed."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def is_inside(path: str, place: str) -> bool:
    """Whether a path is a place, or below it."""
    return path == place or path.startswith(place.rstrip(os.sep) + os.sep)


def is_gone(path: str) -> bool:
    """Whether there is no such file any more; what may only not be looked at is not gone."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    # Where a link leads is a document with another name.
    return not S_ISREG(mode) or os.path.realpath(path) != path


def stamp(found: os.stat_result, now: float) -> str | None:
    """What differs once a file has been written to; ``None`` if it was so lately that the next write may look the same.

    The device stands last: see :func:`gone`.
    """
    if now - found.st_ctime < 2:  # clocks of file systems tick in up to two seconds
        return None
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ino} {found.st_ctime_ns} {found.st_dev}"


def gone(place: str, known: Mapping[str, str | None], there: Collection[str]) -> Iterator[Gone | Trouble]:
    """What is stored of a place and is not there any more.

    A disk that is not mounted looks like a folder that was emptied or deleted. So what was on another device than the
    nearest folder that is still there is kept, if nothing else is found in that folder; so is all of a place whose own
    parent is missing.

    Args:
        place: a file, or a folder with all below it.
        known: stamps of what is stored.
        there: what was found.
    """
    away: dict[str, int] = {}
    found = set(there)
    for source in [s for s in known if s not in found and is_inside(s, place)]:
        if not is_gone(source):
            continue
        standing = _standing(source)
        if not is_inside(standing, str(Path(place).parent)) or _was_elsewhere(known[source], standing, found):
            away[standing] = away.get(standing, 0) + 1
        else:
            yield Gone(source)
    for standing, count in away.items():
        yield Trouble(
            place,
            f"{count} of its documents are missing in {standing}, as if their disk was not connected; they are kept.",
            f"Connect it, or take them out: tierwise sources remove {place}",
        )


def _standing(path: str) -> str:
    """The nearest folder above a path that is there."""
    folder = Path(path).parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return str(folder)


def _was_elsewhere(known: str | None, standing: str, found: Collection[str]) -> bool:
    try:
        moved = known is not None and known.split()[-1] != str(Path(standing).stat().st_dev)
    except (OSError, IndexError):
        return False
    return moved and not any(is_inside(path, standing) for path in found)

"""Following files: a word whenever something below a place has changed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from stat import S_ISDIR
from threading import Event

from tierwise.errors import InvalidInput
from tierwise.knowledge.sources.files import FilesOrigin
from tierwise.knowledge.sources.folders import is_kind, is_passed_over
from tierwise.knowledge.sources.item import Origin
from tierwise.knowledge.sources.paths import is_inside

_TICK = 0.5  # seconds between looks at single files, and at folders that came or went
_FOLDER = "folder"
_QUIET_MS = 300  # a file is written in many pieces
_LONGEST_MS = 10_000


def follows_files(origin: Origin) -> bool:
    """Whether an origin can be followed: files and folders can, pages and connectors have to be asked."""
    return isinstance(origin, FilesOrigin)


def changes_below(origins: Sequence[Origin], *, stop: Event, polling: bool = False) -> Iterator[None]:
    """Yields at once, and then after every change, until ``stop`` is set. What changes meanwhile is not missed.

    It says no more than that it is time to look again. Folders are followed by the operating system's events, or by
    looking around if it has none to give; single files by looking at them, as many editors put a new one in the place
    of the old.

    Args:
        origins: those of files are followed, others not.
        stop: ends it, within a second.
        polling: look around instead of waiting for events, as on a network disk.
    """
    places = [origin.place for origin in origins if isinstance(origin, FilesOrigin)]
    while not stop.is_set():
        marks = {place: _mark(place) for place in places}
        ticks = _ticks([place for place in places if is_kind(place, S_ISDIR)], stop, polling)
        changed = next(ticks, None)  # it is following before the first look
        yield
        while changed is not None and not stop.is_set():
            now = {place: _mark(place) for place in places}
            if any(_FOLDER in now[place] + marks[place] for place in places if now[place] != marks[place]):
                break  # a folder came or went, or is another one: there are no events of it yet
            if changed or now != marks:
                yield
            marks = now
            changed = next(ticks, None)
        if changed is None:
            stop.wait(_TICK)  # a folder went in the very moment


def _ticks(folders: list[str], stop: Event, polling: bool) -> Iterator[bool]:
    """Every now and then, whether something was changed; ends if a folder cannot be followed any more."""
    from watchfiles import Change, watch

    def counts(change: Change, path: str) -> bool:
        root = max((folder for folder in folders if is_inside(path, folder)), key=len, default="")
        parts = Path(path[len(root) :].lstrip(os.sep)).parts
        return not any(map(is_passed_over, parts)) or parts[-1] == ".gitignore"

    if not folders:
        while not stop.wait(_TICK):
            yield False
        return
    try:
        for changes in watch(
            *folders,
            watch_filter=counts,
            debounce=_LONGEST_MS,
            step=_QUIET_MS,
            stop_event=stop,
            rust_timeout=int(_TICK * 1000),
            yield_on_timeout=True,
            force_polling=polling or None,
            poll_delay_ms=int(_TICK * 1000),
            ignore_permission_denied=True,
        ):
            yield bool(changes)
            if any(change is Change.deleted and path in folders for change, path in changes):
                return  # also if there is one at its place already: it is another
    except FileNotFoundError:
        return
    except OSError as error:  # as many folders as the system follows for one user are followed already
        if polling:
            raise InvalidInput(f"This cannot be followed: {error.strerror or error}.", fix="Check the disk.") from error
        yield from _ticks(folders, stop, True)


def _mark(place: str) -> str:
    """What differs when a single file was changed, or a folder is not the same folder."""
    try:
        found = os.stat(place)  # noqa: PTH116
    except OSError:
        return ""
    if S_ISDIR(found.st_mode):
        return f"{_FOLDER} {found.st_dev} {found.st_ino}"
    return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"

"""Progress bars on stderr; plain text now and then where stderr is not a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tierwise_app.console import err
from tierwise_app.text import duration, one_line, place, size

if TYPE_CHECKING:
    from rich.progress import Progress

    from tierwise.knowledge import IngestProgress
    from tierwise.models import DownloadProgress

_PLAIN_EVERY = 5.0


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar over ``total`` equal steps; call what is yielded after each."""
    with _progress() as progress:
        task = progress.add_task(what, total=total, note="")
        yield lambda: progress.advance(task)


@contextmanager
def ingest_bar(what: str = "reading") -> Iterator[Callable[[IngestProgress], None]]:
    """A bar over sources with rate and time left; pass what is yielded as ``progress`` to ``Knowledge``."""
    if not sys.stderr.isatty():
        yield _plain(what)
        return
    with _progress(timed=False) as progress:
        task = progress.add_task(what, total=None, note="")

        def show(step: IngestProgress) -> None:
            note = f"{step.passages:,} passages, {_pace(step)}  {one_line(place(step.path), 40)}"
            progress.update(task, completed=step.done, total=step.total or None, note=note)

        yield show


@contextmanager
def download_bar(what: str) -> Iterator[Callable[[DownloadProgress], None]]:
    """A bar over bytes with speed and time left; pass what is yielded as ``progress`` to a download."""
    if not sys.stderr.isatty():
        yield _plain_download(what)
        return
    with _byte_progress() as progress:
        task = progress.add_task(what, total=None, note="")

        def show(step: DownloadProgress) -> None:
            speed = f"{size(step.rate)}/s" if step.rate else ""
            left = f", {duration(step.seconds_left * 1e3)} left" if step.seconds_left else ""
            note = one_line(step.note, 80) or f"{speed}{left}"
            progress.update(task, completed=step.done, total=step.total, note=note)

        yield show


def _plain_download(what: str) -> Callable[[DownloadProgress], None]:
    last = time.monotonic()

    def show(step: DownloadProgress) -> None:
        nonlocal last
        if "again" in step.note or time.monotonic() - last >= _PLAIN_EVERY:
            last = time.monotonic()
            total = f" of {size(step.total)}" if step.total else ""
            err().print(f"{what}: {size(step.done)}{total}  {one_line(step.note) or f'{size(step.rate)}/s'}")

    return show


def _plain(what: str) -> Callable[[IngestProgress], None]:
    last = time.monotonic()

    def show(step: IngestProgress) -> None:
        nonlocal last
        if time.monotonic() - last >= _PLAIN_EVERY:
            last = time.monotonic()
            files = f"{step.done} of {step.total} files, " if step.total else ""
            err().print(f"{what}: {files}{step.passages} passages, {_pace(step)}")

    return show


def _pace(step: IngestProgress) -> str:
    left = "" if not step.seconds_left or step.seconds_left < 1 else f", about {duration(step.seconds_left * 1e3)} left"
    return f"{step.rate:.0f}/s{left}"


def _progress(*, timed: bool = True) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        *([TimeRemainingColumn()] if timed else []),
        TextColumn("{task.fields[note]}", markup=False),
        console=err(),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def _byte_progress() -> Progress:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=err(),
        transient=True,
    )

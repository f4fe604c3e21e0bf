"""Progress bars on stderr; plain text now and then where stderr is not a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tierwise_app.console import err
from tierwise_app.text import one_line, place

if TYPE_CHECKING:
    from rich.progress import Progress

    from tierwise.knowledge import IngestProgress

_PLAIN_EVERY = 5.0


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar over ``total`` equal steps; call what is yielded after each."""
    with _progress() as progress:
        task = progress.add_task(what, total=total, note="")
        yield lambda: progress.advance(task)


@contextmanager
def ingest_bar(what: str = "reading") -> Iterator[Callable[[IngestProgress], None]]:
    """A bar over files with the rate in passages; pass what is yielded as ``progress`` to ``Knowledge``."""
    if not sys.stderr.isatty():
        yield _plain(what)
        return
    with _progress() as progress:
        task = progress.add_task(what, total=None, note="")

        def show(step: IngestProgress) -> None:
            note = f"{step.passages:,} passages, {step.rate:.0f}/s  {one_line(place(step.path), 40)}"
            progress.update(task, completed=step.done, total=step.total or None, note=note)

        yield show


def _plain(what: str) -> Callable[[IngestProgress], None]:
    last = time.monotonic()

    def show(step: IngestProgress) -> None:
        nonlocal last
        if time.monotonic() - last >= _PLAIN_EVERY:
            last = time.monotonic()
            files = f"{step.done} of {step.total} files, " if step.total else ""
            err().print(f"{what}: {files}{step.passages} passages, {step.rate:.0f}/s")

    return show


def _progress() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=err(),
        transient=True,
        disable=not sys.stderr.isatty(),
    )

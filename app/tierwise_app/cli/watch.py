"""``tierwise ingest --watch``: files and folders are followed until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event
from typing import TYPE_CHECKING, Protocol

from tierwise.errors import TierwiseError
from tierwise_app.cli.ingest import print_problem, print_problems, print_report, print_source
from tierwise_app.console import err, out, warn
from tierwise_app.progress import ingest_bar
from tierwise_app.text import clean

if TYPE_CHECKING:
    from tierwise.knowledge import IngestProgress, IngestReport, Origin

_AGAIN_S = 5.0


class BringIn(Protocol):
    """``Knowledge.ingest_from`` with its settings."""

    def __call__(
        self, origins: Sequence[Origin], *, progress: Callable[[IngestProgress], None] | None = None
    ) -> IngestReport:
        """Bring origins in."""
        ...


def follow(
    words: Sequence[str], opened: Callable[[Sequence[str]], list[Origin]], bring_in: BringIn, stop: Event
) -> None:
    """Read everything, then whatever changes, a line each.

    Args:
        words: what was named. Only files and folders are followed; the rest is read once.
        opened: makes origins of words.
        bring_in: reads them.
        stop: ends it.

    Raises:
        TierwiseError: if it cannot begin. Later failures are shown, and it is tried again.
    """
    from tierwise.knowledge import changes_below, follows_files

    origins = opened(words)
    followed = [word for word, origin in zip(words, origins, strict=True) if follows_files(origin)]
    for word in [word for word in words if word not in followed]:
        warn(f"{word} is read once: only files and folders are followed.")
    first = True
    for _ in changes_below(origins, stop=stop):
        if first:
            with ingest_bar() as progress:
                report = bring_in(origins, progress=progress)
            print_problems(err(), report)
            print_report(out(), report)
            if not followed or stop.is_set():
                return
            err().print("following; Ctrl-C ends it", style="dim")
            first = False
            said = _problems(report)
            continue
        while not stop.is_set():
            try:
                report = bring_in(opened(followed))
                break
            except TierwiseError as error:  # another process writes, the disk is full: that passes
                err().print(f"error: {clean(str(error))}", style="red")
                stop.wait(_AGAIN_S)
        said = _print_changes(report, said)


def _print_changes(report: IngestReport, said: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """A line for each source that is another than before; a failure that stays is told once."""
    for source in report.sources:
        if source.status in ("added", "changed", "removed"):
            print_source(out(), source)
        if source.status in ("added", "changed") or (source.path, source.error or "") in _problems(report) - said:
            print_problem(err(), source)
    return _problems(report)


def _problems(report: IngestReport) -> set[tuple[str, str]]:
    return {(source.path, source.error) for source in report.sources if source.error is not None}

"""``tierwise ingest``: documents into the knowledge."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierwise.errors import InvalidInput, UsageError
from tierwise.jsonable import to_json
from tierwise_app.cli.session import Json, session
from tierwise_app.cli.stopping import stops
from tierwise_app.console import err, out, print_json
from tierwise_app.progress import ingest_bar
from tierwise_app.text import clean, one_line, plural

if TYPE_CHECKING:
    from rich.console import Console

    from tierwise.knowledge import IngestReport, SourceReport

_STOPPING = "stopping after this document; Ctrl-C again stops at once"


def ingest(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, folders, quoted patterns, addresses, NAME: of a connector."),
    ],
    collection: Annotated[str, typer.Option("--collection", "-c", help="Put them into this collection.")] = "default",
    lock: Annotated[
        bool, typer.Option("--lock", help="Questions that read this collection stay on the device.")
    ] = False,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="WORD", help="Label what is found there; may be repeated.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on following files and folders until Ctrl-C.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Ask connectors for everything, not for what changed since the last time.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read documents so that answers can cite them; again for the same path, it follows what changed.

    Exit code: 1 if files failed and none could be used, 130 if it was stopped, else 0; every failed file is named with
    its reason. What was read before it was stopped is kept, and the next time it goes on from there.
    """
    from tierwise.knowledge import open_origins
    from tierwise_app.cli.watch import follow

    labels = frozenset(map(_label, label or ()))
    if watch and as_json:
        raise UsageError("--json prints one value at the end, and --watch has no end.", fix="Leave one of them out.")
    run = session(ctx)
    settings = run.settings()
    with run.knowledge() as knowledge, stops(_STOPPING) as stop:
        opened = partial(
            open_origins,
            stored=partial(knowledge.knows, collection=collection),
            offline=settings.offline or settings.locked,
            connectors=settings.connectors,
            full=full,
        )
        bring_in = partial(knowledge.ingest_from, collection=collection, locked=lock, labels=labels, stop=stop)
        if watch:
            follow(words, opened, bring_in, stop)
            raise typer.Exit(130)
        with ingest_bar() as progress:
            report = bring_in(opened(words), progress=progress)
    print_problems(err(), report)
    if as_json:
        print_json(to_json(report))
    else:
        print_report(out(), report)
    if report.stopped:
        err().print("stopped; what was read is kept, and the same command goes on from there", style="yellow")
        raise typer.Exit(130)
    useful = report.added + report.changed + report.unchanged + report.removed
    raise typer.Exit(1 if report.failed and not useful else 0)


def print_problems(console: Console, report: IngestReport) -> None:
    """Every source that failed or was read with a warning, with what was said about it and what to do."""
    for source in report.sources:
        print_problem(console, source)


def print_problem(console: Console, source: SourceReport) -> None:
    """What was said about one source."""
    name = where(source.path)
    for warning in source.warnings:
        console.print(f"{source.status}: {name}: {clean(warning)}", style="yellow")
    if source.error is not None:
        console.print(f"{source.status}: {name}: {told(source.error, source.fix, source.original)}", style="red")


def print_report(console: Console, report: IngestReport) -> None:
    """New and changed sources with their pages and passages, then the sums."""
    fresh = [s for s in report.sources if s.status in ("added", "changed")]
    for source in fresh:
        print_source(console, source)
    counts = {name: getattr(report, name) for name in ("added", "changed", "removed", "unchanged", "failed")}
    summary = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no files found"
    passages = sum(s.passages for s in fresh)
    sums = f", {plural(passages, 'passage')}, {report.embedded:,} embedded" if passages else ""
    rate = f" at {report.embedded / report.seconds:.0f}/s" if report.embedded and report.seconds else ""
    console.print(f"{summary} in {report.seconds:.1f} s{sums}{rate}", style="bold")


def print_source(console: Console, source: SourceReport) -> None:
    """One source and what is in it."""
    pages = f"{plural(source.pages, 'page')}, " if source.pages else ""
    inside = f" ({pages}{plural(source.passages, 'passage')})" if source.status != "removed" else ""
    console.print(f"{source.status}: {where(source.path)}{inside}")


def where(source: str) -> str:
    """A source as its reader can find it: a path from here if it is below, else in full."""
    try:
        return clean(str(Path(source).relative_to(Path.cwd())))
    except (ValueError, OSError):
        return clean(source)


def told(error: str, fix: str | None, original: str | None) -> str:
    """Why something failed, what to do, and what the library itself said, on one line."""
    library = f" ({one_line(original, 200)})" if original else ""
    return one_line(f"{error} {fix or ''}", 1000) + library


def _label(word: str) -> str:
    if not word.strip() or not word.isprintable():
        raise InvalidInput(f"{word!r} is no label.", fix="Use a word, such as --label contracts.")
    return word.strip()

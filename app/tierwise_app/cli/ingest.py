"""``tierwise ingest``: documents into the knowledge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierwise.jsonable import to_json
from tierwise_app.cli.session import Json, session
from tierwise_app.console import err, out, print_json
from tierwise_app.progress import ingest_bar
from tierwise_app.text import clean, place, plural

if TYPE_CHECKING:
    from rich.console import Console

    from tierwise.knowledge import IngestReport


def ingest(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders.")],
    collection: Annotated[str, typer.Option("--collection", "-c", help="Put them into this collection.")] = "default",
    lock: Annotated[
        bool, typer.Option("--lock", help="Questions that read this collection stay on the device.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read documents so that answers can cite them; again for the same path, it follows what changed.

    Exit code: 1 if files failed and none could be used, else 0; every failed file is named with its reason.
    """
    with session(ctx).knowledge() as knowledge, ingest_bar() as progress:
        report = knowledge.ingest(paths, collection=collection, locked=lock, progress=progress)
    print_problems(err(), report)
    if as_json:
        print_json(to_json(report))
    else:
        print_report(out(), report)
    useful = report.added + report.changed + report.unchanged + report.removed
    raise typer.Exit(1 if report.failed and not useful else 0)


def print_problems(console: Console, report: IngestReport) -> None:
    """Every file that failed or was read with a warning, with what was said about it."""
    for source in report.sources:
        style = "red" if source.status == "failed" else "yellow"
        for warning in source.warnings:
            console.print(f"{source.status}: {place(source.path)}: {clean(warning)}", style=style)


def print_report(console: Console, report: IngestReport) -> None:
    """New and changed files with their pages and passages, then the sums."""
    fresh = [s for s in report.sources if s.status in ("added", "changed")]
    for source in fresh:
        pages = f"{plural(source.pages, 'page')}, " if source.pages else ""
        console.print(f"{source.status}: {place(source.path)} ({pages}{plural(source.passages, 'passage')})")
    counts = {name: getattr(report, name) for name in ("added", "changed", "removed", "unchanged", "failed")}
    summary = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no files found"
    passages = sum(s.passages for s in fresh)
    rate = (
        f", {plural(passages, 'passage')} at {passages / report.seconds:.0f}/s" if passages and report.seconds else ""
    )
    console.print(f"{summary} in {report.seconds:.1f} s{rate}", style="bold")

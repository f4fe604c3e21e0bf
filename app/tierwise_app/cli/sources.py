"""``tierwise sources``: what has been ingested."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.errors import UsageError
from tierwise.jsonable import to_json
from tierwise_app.cli.ingest import told
from tierwise_app.cli.session import Collection, Json, session
from tierwise_app.cli.sources_new import new
from tierwise_app.cli.stopping import stops
from tierwise_app.console import confirm, err, out, print_json
from tierwise_app.progress import ingest_bar
from tierwise_app.render import print_table
from tierwise_app.text import clean, place, plural, size, when

if TYPE_CHECKING:
    from tierwise.knowledge import Failure, Knowledge, Source

app = typer.Typer(help="List, show, remove and re-index ingested documents; begin a connector.", no_args_is_help=True)
app.command("new")(new)
Name = Annotated[
    str, typer.Argument(metavar="SOURCE", help="Path of the document; its name will do if it is the only one.")
]


@app.command("list")
def list_sources(
    ctx: typer.Context,
    collection: Collection = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what could not be read, and why.")] = False,
    as_json: Json = False,
) -> None:
    """List collections and their documents, what could not be read, and the connectors there are."""
    from tierwise.knowledge import installed_connectors

    run = session(ctx)
    with run.knowledge() as knowledge:
        sources = [] if failed else knowledge.sources(collection)
        collections = [c for c in knowledge.collections() if collection in (None, c.name)]
        failures = knowledge.failures(collection)
    enabled = run.settings().connectors.enabled
    connectors = [
        {"name": p.name, "distribution": p.distribution, "version": p.version, "enabled": p.name in enabled}
        for p in installed_connectors()
    ]
    if as_json:
        found: dict[str, Any] = {"collections": collections, "sources": sources, "failures": failures}
        print_json({**{key: to_json(value) for key, value in found.items()}, "connectors": connectors})
        return
    if failed:
        _print_failures(failures)
        return
    for group in collections:
        lock = ", locked to this device" if group.locked else ""
        counts = f"{plural(group.sources, 'source')}, {plural(group.passages, 'passage')}"
        out().print(f"{clean(group.name)}: {counts}{lock}", style="bold")
        _print_sources([s for s in sources if s.collection == group.name])
    if not collections:
        out().print("no sources yet; read some with: tierwise ingest PATH", style="dim")
    if failures:
        out().print(f"{len(failures):,} could not be read; see: tierwise sources list --failed", style="yellow")
    for connector in connectors:
        state = "on" if connector["enabled"] else "installed, not enabled"
        out().print(clean(f"connector {connector['name']}: {state}"), style="dim")


@app.command("show")
def show(
    ctx: typer.Context,
    source: Name,
    page: Annotated[int | None, typer.Option("--page", min=1, help="This page only.")] = None,
    as_json: Json = False,
) -> None:
    """Show what is known of a document (on stderr) and its text as it was read; citations count characters in it."""
    with session(ctx).knowledge() as knowledge:
        path = knowledge.find_source(source)
        entries = [s for s in knowledge.sources() if s.path == path]
        failures = [f for f in knowledge.failures() if f.path == path]
        numbers = [] if not entries else [page] if page or not entries[0].pages else range(1, entries[0].pages + 1)
        texts = [(number, knowledge.source_text(path, number)) for number in numbers]
    if as_json:
        pages = [{"page": number, "text": text} for number, text in texts]
        print_json({"source": path, "pages": pages, "stored": to_json(entries), "failures": to_json(failures)})
        return
    for entry in entries:
        _print_about(entry)
    for failure in failures:
        reason = told(failure.error, failure.fix, failure.original)
        err().print(clean(f"{failure.collection}: failed {when(failure.failed)}: {reason}"), style="red")
    for number, text in texts:
        if number is not None:
            out().print(f"-- page {number} --", style="dim")
        out().print(clean(text))


@app.command("remove")
def remove(
    ctx: typer.Context,
    source: Annotated[
        str | None,
        typer.Argument(help="Path of a document or a folder, its name if it is the only one, or NAME: of a connector."),
    ] = None,
    collection: Collection = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Forget a document, all of a folder or connector, or a whole collection; the files themselves are not touched."""
    if source is None and collection is None:
        raise UsageError("Say what to remove: a SOURCE, --collection NAME, or both.")
    with session(ctx).knowledge() as knowledge:
        paths = [None] if source is None else _meant(knowledge, source, collection)
        what = f"collection {collection!r}" if paths == [None] else f"{source} ({plural(len(paths), 'source')})"
        if len(paths) == 1 and paths[0] is not None:
            what = place(paths[0])
        if not yes:
            confirm(f"Forget {what}? The files stay where they are.")
        removed = sum(knowledge.remove(path, collection=collection) for path in paths)
    if as_json:
        print_json({"removed": removed})
    else:
        out().print(f"removed {plural(removed, 'source')}")


@app.command("rebuild")
def rebuild(ctx: typer.Context, as_json: Json = False) -> None:
    """Make the index of vectors anew from what is stored; only vectors that are missing are computed."""
    word = "stopping; Ctrl-C again stops at once"
    with session(ctx).knowledge() as knowledge, stops(word) as stop, ingest_bar("embedding") as progress:
        passages = knowledge.rebuild(progress=progress, stop=stop)
    if as_json:
        print_json({"passages": passages})
    else:
        out().print(f"{plural(passages, 'passage')} embedded")
    if stop.is_set():
        err().print("stopped; what was computed is kept, and the same command goes on from there", style="yellow")
        raise typer.Exit(130)


def _meant(knowledge: Knowledge, word: str, collection: str | None) -> list[str]:
    """All sources of the origin or below the folder that ``word`` names, else the one source it means."""
    sources = knowledge.sources(collection)
    if of_origin := sorted({s.path for s in sources if s.origin == word and s.path != word}):
        return of_origin
    for candidate in _spellings(word):
        if any(s.path.startswith(candidate.rstrip("/") + "/") for s in sources):
            return [candidate]
    return [knowledge.find_source(word, collection=collection)]


def _spellings(word: str) -> Iterable[str]:
    path = Path(word).expanduser()
    return word, str(path.absolute()), str(path.resolve())


def _print_sources(sources: list[Source]) -> None:
    rows = [
        (
            *(s.path, s.kind, "" if s.pages is None else f"{s.pages}", f"{s.passages}", size(s.bytes)),
            *(when(s.ingested), " ".join(sorted(s.labels))),
        )
        for s in sources
    ]
    heads = ("source", "kind", "pages", "passages", "size", "read", "labels")
    labelled = any(s.labels for s in sources)
    print_table(out(), heads if labelled else heads[:-1], rows if labelled else [row[:-1] for row in rows])


def _print_failures(failures: list[Failure]) -> None:
    for failure in failures:
        reason = told(failure.error, failure.fix, failure.original)
        out().print(f"{clean(failure.collection)}: {clean(failure.path)}: {reason}", style="red")
    if not failures:
        out().print("everything could be read", style="dim")


def _print_about(entry: Source) -> None:
    pages = "" if entry.pages is None else f"{plural(entry.pages, 'page')}, "
    facts = [
        f"{entry.kind}, {pages}{plural(entry.passages, 'passage')}, {size(entry.bytes)}, read {when(entry.ingested)}"
    ]
    facts += [f"title: {entry.title}"] if entry.title else []
    facts += [f"written: {when(entry.date)}"] if entry.date else []
    facts += [f"changed: {when(entry.modified)}"] if entry.modified else []
    facts += [f"labels: {', '.join(sorted(entry.labels))}"] if entry.labels else []
    facts += [f"may be read by: {', '.join(sorted(entry.access))}"] if entry.access else []
    facts += [f"found in: {entry.origin}"] if entry.origin not in ("", entry.path) else []
    for fact in facts:
        err().print(clean(f"{entry.collection}: {fact}"), style="dim")
    for warning in entry.warnings:
        err().print(clean(f"{entry.collection}: {warning}"), style="yellow")

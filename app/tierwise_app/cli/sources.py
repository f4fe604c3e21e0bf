"""``tierwise sources``: what has been ingested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierwise.errors import UnknownName, UsageError
from tierwise.jsonable import to_json
from tierwise_app.cli.session import Collection, Json, session
from tierwise_app.console import confirm, out, print_json
from tierwise_app.progress import ingest_bar
from tierwise_app.render import print_table
from tierwise_app.text import clean, place, plural, size, when

if TYPE_CHECKING:
    from tierwise.knowledge import Knowledge

app = typer.Typer(help="List, show, remove and re-index ingested documents.", no_args_is_help=True)
Name = Annotated[
    str, typer.Argument(metavar="SOURCE", help="Path of the document; its name will do if it is the only one.")
]


@app.command("list")
def list_sources(ctx: typer.Context, collection: Collection = None, as_json: Json = False) -> None:
    """List collections and their documents."""
    with session(ctx).knowledge() as knowledge:
        sources = knowledge.sources(collection)
        collections = [c for c in knowledge.collections() if collection in (None, c.name)]
    if as_json:
        print_json({"collections": to_json(collections), "sources": to_json(sources)})
        return
    for group in collections:
        lock = ", locked to this device" if group.locked else ""
        counts = f"{plural(group.sources, 'source')}, {plural(group.passages, 'passage')}"
        out().print(f"{clean(group.name)}: {counts}{lock}", style="bold")
        rows = [
            (s.path, "" if s.pages is None else f"{s.pages}", f"{s.passages}", size(s.bytes), when(s.ingested))
            for s in sources
            if s.collection == group.name
        ]
        print_table(out(), ("source", "pages", "passages", "size", "read"), rows)
    if not collections:
        out().print("no sources yet; read some with: tierwise ingest PATH", style="dim")


@app.command("show")
def show(
    ctx: typer.Context,
    source: Name,
    page: Annotated[int | None, typer.Option("--page", min=1, help="This page only.")] = None,
    as_json: Json = False,
) -> None:
    """Show a document's text as it was read; citations count characters in it."""
    with session(ctx).knowledge() as knowledge:
        path = find(knowledge, source)
        entry = next(s for s in knowledge.sources() if s.path == path)
        numbers = [page] if page or not entry.pages else list(range(1, entry.pages + 1))
        texts = [(number, knowledge.source_text(path, number)) for number in numbers]
    if as_json:
        print_json({"source": path, "pages": [{"page": number, "text": text} for number, text in texts]})
        return
    for number, text in texts:
        if number is not None:
            out().print(f"-- page {number} --", style="dim")
        out().print(clean(text))


@app.command("remove")
def remove(
    ctx: typer.Context,
    source: Annotated[
        str | None, typer.Argument(help="Path of the document, or its name if it is the only one.")
    ] = None,
    collection: Collection = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Forget a document or a whole collection; the file itself is not touched."""
    if source is None and collection is None:
        raise UsageError("Say what to remove: a SOURCE, --collection NAME, or both.")
    with session(ctx).knowledge() as knowledge:
        path = None if source is None else find(knowledge, source, collection)
        what = f"collection {collection!r}" if path is None else place(path)
        if not yes:
            confirm(f"Forget {what}? The files stay where they are.")
        removed = knowledge.remove(path, collection=collection)
    if as_json:
        print_json({"removed": removed})
    else:
        out().print(f"removed {plural(removed, 'source')}")


@app.command("rebuild")
def rebuild(ctx: typer.Context, as_json: Json = False) -> None:
    """Make all vectors anew from the stored passages."""
    with session(ctx).knowledge() as knowledge, ingest_bar("embedding") as progress:
        passages = knowledge.rebuild(progress=progress)
    if as_json:
        print_json({"passages": passages})
    else:
        out().print(f"{plural(passages, 'passage')} embedded")


def find(knowledge: Knowledge, word: str, collection: str | None = None) -> str:
    """The path of the source that ``word`` means: a path, or a file name that only one source has.

    Raises:
        UnknownName: if none or several are meant.
    """
    paths: set[str] = {s.path for s in knowledge.sources(collection)}
    for candidate in (word, str(Path(word).expanduser().absolute()), str(Path(word).expanduser().resolve())):
        if candidate in paths:
            return candidate
    named = sorted(p for p in paths if Path(p).name == word)
    if len(named) == 1:
        return named[0]
    what = f"Several sources are called {word!r}" if named else f"There is no source {word!r}"
    raise UnknownName(f"{what}.", fix="Give the path as `tierwise sources list` shows it.")

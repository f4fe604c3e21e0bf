"""``tierwise search``: passages without a model."""

from __future__ import annotations

from typing import Annotated

import typer

from tierwise.errors import InvalidInput
from tierwise_app.cli.limits import Kind, Label, Since, Source, Until, limits
from tierwise_app.cli.session import Collection, Json, session
from tierwise_app.console import out, print_json, warn
from tierwise_app.text import one_line, place

_FIELDS = ("id", "source", "page", "start", "end", "text", "score")


def search(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(help="What to look for.")],
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages.")] = 5,
    collection: Collection = None,
    source: Source = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    label: Label = None,
    as_json: Json = False,
) -> None:
    """Find passages in your documents; no model is asked."""
    if not query.strip():
        raise InvalidInput("The query is empty.", fix="Write what to look for.")
    only = limits(source, kind, since, until, label)
    with session(ctx).knowledge() as knowledge:
        passages = knowledge.search(query, k=k, collection=collection, only=only)
        if knowledge.degraded:
            warn(knowledge.degraded)
    if as_json:
        print_json([{name: getattr(p, name) for name in _FIELDS} for p in passages])
        return
    if not passages:
        out().print("nothing found", style="dim")
    for n, passage in enumerate(passages, 1):
        out().print(f"{n}. {place(passage.source, passage.page)}  {passage.score:.2f}", style="bold")
        if passage.title:
            out().print(f"   {one_line(passage.title, 100)}", style="dim")
        out().print(f"   {one_line(passage.text, 400)}")

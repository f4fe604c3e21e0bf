"""``tierwise tools review``: what an MCP server says of its tools, and the yes to exactly that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.errors import UnknownName, UsageError
from tierwise.jsonable import to_json
from tierwise_app.cli.session import Json, session
from tierwise_app.console import confirm, err, out, print_json
from tierwise_app.text import clean, plural
from tierwise_app.tool_adding import only, review_server
from tierwise_app.tool_shelf import source_failures

if TYPE_CHECKING:
    from rich.console import Console

    from tierwise_tools.mcp.review import Review, Reviewed


def review(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The MCP server, as tierwise.toml calls it.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask: accept what does not look suspicious.")] = False,
    words: Annotated[
        list[str] | None,
        typer.Option("--words", metavar="TOOL", help="Let models read the words of this suspicious tool all the same."),
    ] = None,
    as_json: Json = False,
) -> None:
    """See what is new, changed or gone of an MCP server's tools, and accept it; a model gets nothing else of it."""
    import asyncio

    settings = session(ctx).settings()
    server = next((one for one in settings.tools.mcp if one.name == name), None)
    if server is None:
        there = ", ".join(one.name for one in settings.tools.mcp) or "none"
        raise UnknownName(f"There is no MCP server {name!r}.", fix=f"There are: {there}.")
    found = asyncio.run(review_server(server, settings))
    with source_failures():
        if unknown := sorted({*(words or [])} - {one.name for one in (*found.new, *found.changed, *found.same)}):
            raise UnknownName(f"{name} has no tool {unknown[0]!r}.", fix="Write a name as the review shows it.")
        accepted = accept(found, yes=yes, as_json=as_json, words=words or ())
    if as_json:
        print_json(review_json(found, accepted))
    elif found.is_settled and not words:
        out().print(f"{name} is as you accepted it: {plural(len(found.same), 'tool')}")
    else:
        out().print(f"accepted: {', '.join(map(clean, accepted)) or 'nothing'}")


def accept(found: Review, *, yes: bool, as_json: bool, words: Iterable[str] = ()) -> list[str]:
    """Show a review, and accept it once the person says yes; what was accepted before as it is needs no other yes.

    With ``yes`` nobody is asked, and what looks suspicious is left out.

    Returns:
        Names of the tools that are accepted now.

    Raises:
        UsageError: if there is nobody to ask, or nothing to accept.
        Stopped: if the person says no.
    """
    wanted = set(words)
    if found.is_settled and not wanted and found.same:
        return _names(found.same)
    print_review(err() if as_json else out(), found)
    if yes:
        left = [one.name for one in (*found.new, *found.changed) if one.warnings and one.name not in wanted]
        found = only(found, {one.name for one in (*found.new, *found.changed)} - set(left))
        if left:
            err().print(f"left out, since they look suspicious: {', '.join(map(clean, left))}", style="yellow")
    everything = (*found.new, *found.changed, *found.same)
    if not everything:
        raise UsageError(
            f"Nothing of {found.server} is accepted.",
            fix=f"Look at it on a terminal: tierwise tools review {found.server}",
        )
    if not yes:
        confirm(f"Accept {plural(len(everything), 'tool')} of {found.server} as shown?")
    found.accept(words=[one.definition.name for one in everything if one.name in wanted])
    return _names(everything)


def print_review(console: Console, found: Review) -> None:
    """What is new, changed, gone or cannot be offered; every definition in full, warnings with it."""
    for label, items in (("new", found.new), ("changed", found.changed)):
        for one in items:
            console.print(f"{label}: {clean(one.name)}", style="bold")
            for line in clean(one.text).split("\n"):
                console.print(f"  {line}")
            for warning in one.warnings:
                console.print(f"  ! {clean(warning)}", style="yellow")
            if one.warnings:
                console.print("  ! Models are not shown its words, unless you say --words.", style="yellow")
    for name in found.removed:
        console.print(f"gone: {clean(name)}", style="bold")
    for problem in found.problems:
        console.print(f"cannot be offered: {clean(problem.name)}: {clean(problem.text)}", style="yellow")


def review_json(found: Review, accepted: list[str]) -> dict[str, Any]:
    """A review for programs."""

    def told(items: Iterable[Reviewed]) -> list[dict[str, Any]]:
        return [{"name": one.name, "text": one.text, "warnings": list(one.warnings)} for one in items]

    return {
        "server": found.server,
        "new": told(found.new),
        "changed": told(found.changed),
        "removed": list(found.removed),
        "problems": to_json(found.problems),
        "accepted": accepted,
    }


def _names(items: Iterable[Reviewed]) -> list[str]:
    return [one.name for one in items]

"""``tierwise tools list | show``: which tools there are, and all about one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tierwise.jsonable import to_json
from tierwise_app.cli.session import Json, session
from tierwise_app.console import out, print_json
from tierwise_app.render import print_table
from tierwise_app.text import clean
from tierwise_app.tool_facts import asking_of, losses_of, parameter_lines, tool_json
from tierwise_app.tool_shelf import find_tool, open_tools
from tierwise_app.tool_switches import tools_off

Name = Annotated[str, typer.Argument(metavar="NAME", help="The tool; see: tierwise tools list")]


def list_tools(ctx: typer.Context, as_json: Json = False) -> None:
    """List the tools that are on and when they ask, those that are off, and what was set aside."""
    settings = session(ctx).settings()
    with open_tools(settings) as tools, session(ctx).record() as record:
        found = [(tool, asking_of(tool, settings, record)) for tool in tools]
    off = tools_off(settings)
    if as_json:
        on = [tool_json(tool, asking) for tool, asking in found]
        print_json({"tools": on, "off": off, "set_aside": to_json(tools.problems)})
        return
    rows = [(tool.name, str(tool.origin), ", ".join(tool.effects), str(asking)) for tool, asking in found]
    if rows:
        print_table(out(), ("tool", "from", "effects", "asks"), rows)
    else:
        out().print("no tools are on", style="dim")
    if off:
        out().print("\noff; turn one on with: tierwise tools enable NAME", style="bold")
        print_table(out(), ("name", "from"), [(one["name"], _origin(one)) for one in off])
    if tools.problems:
        out().print("\nset aside", style="bold")
        for problem in tools.problems:
            out().print(f"! {clean(problem.name)}: {clean(problem.text)}", style="yellow")


def show(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show all about a tool: what it takes and does, when it asks, and what each tier's model is told of it."""
    from tierwise_app.checks import tiers_in_use

    settings = session(ctx).settings()
    with open_tools(settings) as tools, session(ctx).record() as record:
        tool = find_tool(tools, name)
        asking = asking_of(tool, settings, record)
    losses = {tier.name: losses_of(tool, tier) for tier in tiers_in_use(settings)}
    if as_json:
        print_json(tool_json(tool, asking) | {"losses": losses})
        return
    console = out()
    console.print(tool.name, style="bold")
    console.print(clean(tool.description))
    for label, text in (
        ("from", str(tool.origin)),
        ("effects", ", ".join(tool.effects) + ("" if tool.says_effects else " (assumed: it does not say)")),
        ("asks", f"{asking}{f': {asking.why}' if asking.why else ''}"),
        ("limits", f"{tool.bounds.seconds:g} s a call, {tool.bounds.characters:,} characters of result"),
        ("result", "its own words" if tool.trusted else "may hold text of others: the turn is careful from then on"),
        ("again", "may be run again after a crash" if tool.may_repeat else "is never simply run again after a crash"),
    ):
        console.print(f"{label:<12} {clean(text)}")
    for label, texts in {
        "takes": list(parameter_lines(tool.parameters)) or ["nothing"],
        **{f"for {name}": texts or ["all of its schema is kept"] for name, texts in losses.items()},
    }.items():
        for line, text in enumerate(texts):
            console.print(f"{'' if line else label:<12} {clean(text)}")


def _origin(one: dict[str, Any]) -> str:
    return " ".join(one[key] for key in ("kind", "distribution", "version") if one.get(key))

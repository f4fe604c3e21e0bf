"""``tierwise tools check | new``: for those who write tools."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierwise.errors import InvalidInput
from tierwise.jsonable import to_json
from tierwise.tool_settings import ToolSettings
from tierwise_app.cli.session import Json, session
from tierwise_app.console import out, print_json
from tierwise_app.text import clean, plural
from tierwise_app.tool_shelf import find_tool, open_tools
from tierwise_tools.errors import SourceError

if TYPE_CHECKING:
    from tierwise.config import Settings
    from tierwise_tools import Toolset
    from tierwise_tools.testing import Report

_STYLES = {"error": "red", "warning": "yellow"}


def check(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="A tool, package, server or document; by default all tools that are on.")
    ] = None,
    call: Annotated[
        bool, typer.Option("--call", help="Also call those that only read, with made-up arguments.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check that tools keep what models and people expect of them; exit code 1 on an error. Nothing is called."""
    from tierwise_tools.testing import check_toolset

    with _meant(session(ctx).settings(), name) as tools:
        report = check_toolset(tools, call=call)
    if as_json:
        print_json({"ok": report.ok, **to_json(report)})
    else:
        _print(report)
    raise typer.Exit(0 if report.ok else 1)


def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Of the package, for example acme-weather.")],
    place: Annotated[Path, typer.Option("--in", metavar="FOLDER", help="Where its folder is made.")] = Path(),
    as_json: Json = False,
) -> None:
    """Begin a tool package: two tools, their tests, and what makes it installable."""
    from tierwise_tools.packages import scaffold

    plain = re.sub(r"[-_.]+", "-", name).lower()  # as package indexes write it
    folder = place.expanduser() / plain
    try:
        files = scaffold(folder, name)
    except SourceError as error:
        raise InvalidInput(error.what, fix=error.fix) from error
    steps = [f'pip install -e "{folder}[dev]"', f"tierwise tools check {plain}", f"tierwise tools enable {plain}"]
    if as_json:
        print_json({"folder": str(folder), "files": [str(file) for file in files], "next": steps})
        return
    out().print(f"{folder} is ready, with {plural(len(files), 'file')}; go on with:")
    for step in steps:
        out().print(f"  {step}")


@contextmanager
def _meant(settings: Settings, name: str | None) -> Iterator[Toolset]:
    """The tools that are on, one of them, or those of one source; a package may be off still."""
    from tierwise_tools import Toolset
    from tierwise_tools.packages import installed

    if name in {package.name for package in installed()} - set(settings.tools.enabled):
        settings = replace(settings, tools=ToolSettings(enabled=(str(name),)))
        name = None
    with open_tools(settings) as tools:
        if name is None:
            yield tools
        elif any(tool.origin.name == name for tool in tools):
            aside = tuple(problem for problem in tools.problems if problem.name == name)
            yield Toolset(tuple(tool for tool in tools if tool.origin.name == name), aside)
        else:
            yield Toolset((find_tool(tools, name),))


def _print(report: Report) -> None:
    found = report.findings
    for name in dict.fromkeys([*report.tools, *(finding.tool for finding in found)]):
        about = [finding for finding in found if finding.tool == name]
        out().print(f"{clean(name)}: {'' if about else 'ok'}".rstrip())
        for finding in about:
            text = f"  {finding.severity} ({finding.code}): {clean(finding.text)}"
            out().print(text, style=_STYLES[finding.severity])
            out().print(f"     -> {clean(finding.fix)}")
    errors = sum(finding.severity == "error" for finding in found)
    counts = f"{plural(errors, 'error')}, {plural(len(found) - errors, 'warning')}, {plural(report.calls, 'call')} made"
    out().print(f"{plural(len(report.tools), 'tool')} checked: {counts}", style="bold")

"""``tierwise tools enable | disable | forget``: which built-in tools and packages are on, and which need not ask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tierwise_app.cli.session import Json, session
from tierwise_app.config_file import ConfigFile, config_path
from tierwise_app.console import out, print_json
from tierwise_app.tool_switches import sandbox_level, turn_off, turn_on

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Built-in tools and packages.")]


def enable(
    ctx: typer.Context,
    names: Names,
    root: Annotated[
        Path | None, typer.Option("--root", metavar="FOLDER", help="The one folder that file tools may work in.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Turn on built-in tools and installed packages, once they have been opened; else nothing changes."""
    settings = session(ctx).settings()
    file = ConfigFile(config_path(session(ctx).config or settings.path, settings.home))
    on, given = turn_on(settings, file, names, root)
    level = sandbox_level() if "python" in names else None
    file.write()
    if as_json:
        print_json({"path": str(file.path), "enabled": on, "tools": given, "sandbox": level})
        return
    out().print(f"on: {', '.join(given)} (in {file.path})")
    if level is not None:
        out().print(f"python is shut in by {level}")


def disable(ctx: typer.Context, names: Names, as_json: Json = False) -> None:
    """Turn off built-in tools and packages."""
    settings = session(ctx).settings()
    file = ConfigFile(config_path(session(ctx).config or settings.path, settings.home))
    on = turn_off(settings, file, names)
    file.write()
    if as_json:
        print_json({"path": str(file.path), "enabled": on})
    else:
        out().print(f"off: {', '.join(names)} (in {file.path})")


def forget(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A tool that was allowed for good.")],
    as_json: Json = False,
) -> None:
    """Have a tool ask again that you once allowed for good."""
    with session(ctx).record() as record:
        record.forget_allowance(name)
    if as_json:
        print_json({"name": name})
    else:
        out().print(f"{name} asks again")

"""``tierwise tools enable | disable | forget``: which built-in tools and packages are on, and which need not ask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierwise.errors import InvalidInput, UnknownName, UsageError
from tierwise.tool_settings import ToolSettings
from tierwise_app.cli.session import Json, session
from tierwise_app.config_file import ConfigFile, config_path
from tierwise_app.config_tools import set_enabled, set_root
from tierwise_app.console import out, print_json
from tierwise_app.tool_shelf import opened_tools, source_failures

if TYPE_CHECKING:
    pass

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
    folder = settings.tools.root if root is None else _folder(root)
    given = []
    for name in names:
        _check_known(name, folder)
        given += [tool.name for tool in opened_tools(settings, ToolSettings(enabled=(name,), root=folder))]
    level = _sandbox() if "python" in names else None
    on = list(dict.fromkeys([*settings.tools.enabled, *names]))
    file = ConfigFile(config_path(session(ctx).config or settings.path, settings.home))
    set_enabled(file, on)
    if root is not None and folder is not None:
        set_root(file, folder)
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
    on = list(settings.tools.enabled)
    if missing := next((name for name in names if name not in on), None):
        sources = [one.name for one in settings.tools.mcp] + [one.name for one in settings.tools.openapi]
        fix = f"Run: tierwise tools remove {missing}" if missing in sources else f"On are: {', '.join(on) or 'none'}."
        raise UnknownName(f"{missing!r} is no built-in tool or package that is on.", fix=fix)
    on = [name for name in on if name not in names]
    file = ConfigFile(config_path(session(ctx).config or settings.path, settings.home))
    set_enabled(file, on)
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


def _check_known(name: str, root: Path | None) -> None:
    from tierwise.runtime import BUILT_IN, NEEDS_ROOT
    from tierwise_tools.packages import installed

    if name in NEEDS_ROOT and root is None:
        raise UsageError(f"{name} needs a folder to work in.", fix="Name it with --root FOLDER.")
    if name not in BUILT_IN and name not in {package.name for package in installed()}:
        raise UnknownName(
            f"There is no built-in tool or installed package {name!r}.", fix="See what there is: tierwise tools list"
        )


def _folder(root: Path) -> Path:
    folder = root.expanduser().absolute()
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder.", fix="Name one that is there.")
    return folder


def _sandbox() -> str:
    """How Python is shut in on this machine.

    Raises:
        SourceFailed: if no way holds.
    """
    from tierwise_tools.sandbox.probe import level

    with source_failures():
        return str(level()).rstrip(".")

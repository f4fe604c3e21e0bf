"""Which built-in tools and packages there are, and turning them on and off."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise.errors import InvalidInput, UnknownName, UsageError
from tierwise.tool_settings import ToolSettings
from tierwise_app.config_file import ConfigFile
from tierwise_app.config_tools import set_enabled, set_root
from tierwise_app.tool_shelf import opened_tools, source_failures

if TYPE_CHECKING:
    from tierwise.config import Settings


def tools_off(settings: Settings) -> list[dict[str, Any]]:
    """Built-in tools and installed packages that are not enabled; nothing of a package is imported."""
    from tierwise.runtime import BUILT_IN
    from tierwise_tools.packages import installed

    on = settings.tools.enabled
    built_in = [{"name": name, "kind": "built-in"} for name in BUILT_IN if name not in on]
    packages = [
        {"name": p.name, "kind": "package", "distribution": p.distribution, "version": p.version}
        for p in installed()
        if p.name not in on
    ]
    return built_in + packages


def turn_on(
    settings: Settings, file: ConfigFile, names: Sequence[str], root: Path | None = None
) -> tuple[list[str], list[str]]:
    """Turn on built-in tools and packages once they have been opened; the file is not written yet.

    Args:
        settings: the configuration in force.
        file: the configuration.
        names: of the tools and packages.
        root: a folder for file tools in place of the one that is set.

    Returns:
        What is on now, and the tools that the names gave.

    Raises:
        TierwiseError: if there is no such tool, or it cannot be used.
    """
    folder = settings.tools.root if root is None else tool_folder(root)
    given = []
    for name in names:
        _check_known(name, folder)
        given += [tool.name for tool in opened_tools(settings, ToolSettings(enabled=(name,), root=folder))]
    on = list(dict.fromkeys([*settings.tools.enabled, *names]))
    set_enabled(file, on)
    if root is not None and folder is not None:
        set_root(file, folder)
    return on, given


def turn_off(settings: Settings, file: ConfigFile, names: Sequence[str]) -> list[str]:
    """Turn off built-in tools and packages; the file is not written yet.

    Returns:
        What is still on.

    Raises:
        UnknownName: if one is not on.
    """
    on = list(settings.tools.enabled)
    if missing := next((name for name in names if name not in on), None):
        sources = [one.name for one in settings.tools.mcp] + [one.name for one in settings.tools.openapi]
        fix = f"Run: tierwise tools remove {missing}" if missing in sources else f"On are: {', '.join(on) or 'none'}."
        raise UnknownName(f"{missing!r} is no built-in tool or package that is on.", fix=fix)
    on = [name for name in on if name not in names]
    set_enabled(file, on)
    return on


def tool_folder(root: Path) -> Path:
    """A folder for file tools.

    Raises:
        InvalidInput: if it is not there.
    """
    folder = root.expanduser().absolute()
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder.", fix="Name one that is there.")
    return folder


def sandbox_level() -> str:
    """How Python is shut in on this machine.

    Raises:
        SourceFailed: if no way holds.
    """
    from tierwise_tools.sandbox.probe import level

    with source_failures():
        return str(level()).rstrip(".")


def _check_known(name: str, root: Path | None) -> None:
    from tierwise.runtime import BUILT_IN, NEEDS_ROOT
    from tierwise_tools.packages import installed

    if name in NEEDS_ROOT and root is None:
        raise UsageError(f"{name} needs a folder to work in.", fix="Name it with --root FOLDER.")
    if name not in BUILT_IN and name not in {package.name for package in installed()}:
        raise UnknownName(
            f"There is no built-in tool or installed package {name!r}.", fix="See what there is: tierwise tools list"
        )

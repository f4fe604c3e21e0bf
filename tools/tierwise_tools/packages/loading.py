"""From a package's entry point to its tools, whatever its import does short of ending the process."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

from tierwise_tools.definition import Origin, Tool
from tierwise_tools.errors import AuthoringError
from tierwise_tools.function import as_tool
from tierwise_tools.names import is_name
from tierwise_tools.packages.listing import GROUP, InstalledPackage
from tierwise_tools.text import first_line
from tierwise_tools.toolset import Problem, Toolset


def load(package: InstalledPackage) -> Toolset:
    """Import a package and take its tools; one that cannot be used becomes a problem and the others stay.

    Raises:
        SourceError: if the import fails or gives no tool at all.
    """
    try:
        value = EntryPoint(package.name, package.target, GROUP).load()
    except SystemExit as end:
        raise package.refused(f"tried to end the program at import (sys.exit, code {end.code})") from end
    except BaseException as error:  # it is somebody else's code: it may raise anything
        raise package.refused(f"fails at import: {type(error).__name__}: {first_line(error)}") from error
    toolset = _tools(value, Origin("package", package.distribution, package.version))
    if not toolset.tools:
        why = f": {toolset.problems[0].text.rstrip('.')}" if toolset.problems else ""
        raise package.refused(f"gives no tool{why}")
    return toolset


def _tools(value: Any, origin: Origin) -> Toolset:
    given, problems = [value], []
    if isinstance(value, Toolset):
        given, problems = list(value.tools), list(value.problems)
    elif isinstance(value, list | tuple):
        given = list(value)
    kept = []
    for position, item in enumerate(given, 1):
        try:
            kept.append(_usable(item).but(origin=origin))
        except Exception as error:  # the item is somebody else's object: looking at it may raise anything
            problems.append(Problem(_called(item) or f"tool {position}", first_line(error) + "."))
    # Adding sets aside the second of two tools with one name.
    return sum((Toolset((tool,)) for tool in kept), Toolset()).with_problems(problems)


def _usable(item: Any) -> Tool[..., Any]:
    made = as_tool(item)
    if not is_name(made.name):
        raise AuthoringError(f"{made.name!r} cannot be a tool's name: use letters, digits, '_' and '-', at most 64")
    return made


def _called(item: Any) -> str | None:
    for attribute in ("name", "__name__"):
        try:
            name = getattr(item, attribute, None)
        except Exception:
            return None
        if isinstance(name, str) and name:
            return name
    return None

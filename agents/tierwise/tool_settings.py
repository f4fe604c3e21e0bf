"""The ``[tools]`` section: which tools there are, where they may work, when they ask, and what a turn may take."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from tierwise.errors import ConfigError
from tierwise_tools.effects import read_effects
from tierwise_tools.mcp.settings import McpServer
from tierwise_tools.openapi.settings import ApiDocument

Approval = Literal["ask", "free", "deny"]
DEFAULT_TOOLS = ("calculator", "clock", "search_knowledge")
_SOURCE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*(_[A-Za-z0-9-]+)*")
_LONGEST_SOURCE = 24  # of a name: tools of the source begin with it, and have 64 characters for all
_S = TypeVar("_S", McpServer, ApiDocument)


@dataclass(frozen=True, slots=True)
class ToolLimits:
    """What the tools of one turn may take; at a limit the turn answers from what it has.

    Attributes:
        rounds: model steps that ask for tools.
        calls: calls, whether they succeed or not.
        equal_calls: calls of one tool with the same arguments.
        seconds: time that calls take, added up; a person who is asked takes none.
        usd: money that the turn has cost; ``None`` leaves it to the budget.
    """

    rounds: int = 8
    calls: int = 24
    equal_calls: int = 3
    seconds: float = 300.0
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """The ``[tools]`` section.

    Attributes:
        enabled: built-in tools and installed packages by name; what is not named is never imported.
        root: the one folder that file tools may work in; without one there are no file tools.
        shown: how many tools a model without tool calls of its own is told about at most.
        approval: by a tool's name: ``ask`` every time, ``free`` never asks, ``deny`` refuses. Where nothing is said,
            the tool's effects decide.
        limits: of one turn.
        mcp: MCP servers.
        openapi: OpenAPI documents.
    """

    enabled: tuple[str, ...] = DEFAULT_TOOLS
    root: Path | None = None
    shown: int = 5
    approval: Mapping[str, Approval] = field(default_factory=dict)
    limits: ToolLimits = ToolLimits()
    mcp: tuple[McpServer, ...] = ()
    openapi: tuple[ApiDocument, ...] = ()


def read_tool_settings(data: Any, where: str, folder: Path) -> ToolSettings:
    """The section as it was read from TOML.

    Args:
        data: the section.
        where: its file, for messages.
        folder: what relative paths begin at.

    Raises:
        ConfigError: naming the key and what is allowed.
    """
    where = f"{where}: tools"
    data = _known(data, {f.name for f in fields(ToolSettings)}, where)
    values: dict[str, Any] = {}
    if "enabled" in data:
        values["enabled"] = _words(data["enabled"], f"{where}.enabled")
    if "root" in data:
        values["root"] = _path(data["root"], f"{where}.root", folder)
    if "shown" in data:
        values["shown"] = _number(data["shown"], f"{where}.shown", whole=True, least=1)
    if "approval" in data:
        values["approval"] = _approval(data["approval"], f"{where}.approval")
    if "limits" in data:
        values["limits"] = _limits(data["limits"], f"{where}.limits")
    sources: dict[str, Callable[[dict[str, Any], str, Path], Any]] = {"mcp": _mcp, "openapi": _openapi}
    for kind, read in sources.items():
        sections = data.get(kind, [])
        if not isinstance(sections, list) or not all(isinstance(one, dict) for one in sections):
            raise ConfigError(f"{where}.{kind} must be written as [[tools.{kind}]] sections.")
        values[kind] = tuple(read(one, f"{where}.{kind} {one.get('name', '?')!r}", folder) for one in sections)
    names = [source.name.casefold() for kind in sources for source in values[kind]]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"{where}: two sources of tools are named {twice!r}.", fix="Give each its own name.")
    return ToolSettings(**values)


def check_source_name(name: Any, where: str) -> str:
    """The name of an MCP server or an OpenAPI document.

    Its tools' names begin with it, so two different names must not be able to make the same tool name.

    Raises:
        ConfigError: if it cannot be one.
    """
    if not isinstance(name, str) or len(name) > _LONGEST_SOURCE or not _SOURCE_NAME.fullmatch(name):
        raise ConfigError(
            f"{where}: {name!r} cannot be its name.",
            fix=f"Use letters, digits, '-' and single '_' inside, a letter first, at most {_LONGEST_SOURCE}.",
        )
    return name


def _mcp(data: dict[str, Any], where: str, folder: Path) -> McpServer:
    values = _source(McpServer, data, where)
    if ("command" in values) == ("url" in values):
        raise ConfigError(f"{where} needs either command or url.", fix='Write command = ["program", "argument"].')
    if "command" in values:
        values["command"] = _words(values["command"], f"{where}.command")
    if "env" in values:
        values["env"] = _words(values["env"], f"{where}.env")
    if "header_env" in values:
        headers = values["header_env"]
        if not isinstance(headers, dict) or not all(isinstance(v, str) and v for v in headers.values()):
            raise ConfigError(f"{where}.header_env takes header = name of an environment variable.")
    if "effects" in values:
        try:
            values["effects"] = read_effects(values["effects"])
        except (ValueError, TypeError) as error:
            raise ConfigError(f"{where}.effects: {error}.") from error
    try:
        return McpServer(**values)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}.") from error


def _openapi(data: dict[str, Any], where: str, folder: Path) -> ApiDocument:
    values = _source(ApiDocument, data, where)
    values["path"] = _path(values.get("path"), f"{where}.path", folder)
    return ApiDocument(**values)


def _source(kind: type[_S], data: dict[str, Any], where: str) -> dict[str, Any]:
    """What both kinds have in common."""
    values = dict(_known(data, {f.name for f in fields(kind)}, where))
    values["name"] = check_source_name(values.get("name"), where)
    for key in ("include", "exclude"):
        if key in values:
            values[key] = _words(values[key], f"{where}.{key}")
    for key in ("url", "base_url", "key_env"):
        if key in values and (not isinstance(values[key], str) or not values[key]):
            raise ConfigError(f"{where}.{key} must be a text, not {values[key]!r}.")
    if "seconds" in values:
        values["seconds"] = _number(values["seconds"], f"{where}.seconds", least=0.1)
    return values


def _approval(data: Any, where: str) -> dict[str, Approval]:
    if not isinstance(data, dict):
        raise ConfigError(f"{where} must be a section of tool = word.")
    for name, word in data.items():
        if word not in get_args(Approval):
            raise ConfigError(f"{where}.{name} is {word!r}.", fix=f"Write {', '.join(get_args(Approval))}.")
    return dict(data)


def _limits(data: Any, where: str) -> ToolLimits:
    data = _known(data, {f.name for f in fields(ToolLimits)}, where)
    whole = ("rounds", "calls", "equal_calls")
    return ToolLimits(
        **{key: _number(value, f"{where}.{key}", whole=key in whole, least=0) for key, value in data.items()}
    )


def _known(data: Any, known: set[str], where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ConfigError(f"{where} must be a section, not {data!r}.")
    if unknown := sorted(set(data) - known):
        secret = unknown[0] in ("key", "token", "api_key", "headers")
        hint = " A secret never goes into the file: name the variable that holds it." * secret
        raise ConfigError(f"{where}: unknown key {unknown[0]!r}.{hint}", fix=f"Known keys: {', '.join(sorted(known))}.")
    return data


def _words(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(word, str) and word for word in value):
        if value == []:
            return ()
        raise ConfigError(f"{where} must be a list of texts, not {value!r}.")
    return tuple(value)


def _path(value: Any, where: str, folder: Path) -> Path:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where} must be a path, not {value!r}.")
    return (folder / Path(value).expanduser()).absolute()


def _number(value: Any, where: str, *, whole: bool = False, least: float = 0.0) -> Any:
    kind, word = (int, "whole number") if whole else (int | float, "number")
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= value < float("inf"):
        raise ConfigError(f"{where} must be a {word} from {least:g}, not {value!r}.")
    return value

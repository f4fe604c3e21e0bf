"""``tierwise tools add | remove``: OpenAPI documents and MCP servers come and go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.errors import UnknownName, UsageError
from tierwise_app.cli.session import Json, session
from tierwise_app.cli.tools.reviewing import accept, review_json
from tierwise_app.config_file import ConfigFile, config_path, variable_name
from tierwise_app.config_tools import SourceKind, drop_source
from tierwise_app.console import confirm, out, print_json
from tierwise_app.render import print_table
from tierwise_app.text import clean, one_line, plural
from tierwise_app.tool_adding import (
    add_document,
    add_server,
    forget_server,
    header_entry,
    name_of_document,
    review_server,
    server_of,
    source_entry,
    source_names,
)
from tierwise_app.tool_shelf import source_failures

if TYPE_CHECKING:
    from tierwise.config import Settings
    from tierwise_tools import Toolset

_KINDS: dict[SourceKind, str] = {"mcp": "the MCP server", "openapi": "the OpenAPI document"}
Name = Annotated[str, typer.Argument(help="The MCP server or OpenAPI document; see: tierwise tools list")]


def add(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE|-- COMMAND ...", help="An OpenAPI document, or the program of an MCP server."),
    ] = None,
    mcp: Annotated[str | None, typer.Option("--mcp", metavar="NAME", help="Add an MCP server; call it NAME.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Address of the MCP server, in place of a program.")] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", metavar="VAR", help="A variable that its program gets.")
    ] = None,
    header_env: Annotated[
        list[str] | None,
        typer.Option("--header-env", metavar="H=VAR", help="A header of requests to --url, from a variable."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Of the document; by default after the file.")] = None,
    base_url: Annotated[str | None, typer.Option("--base-url", help="Where the document's API is.")] = None,
    key_env: Annotated[str | None, typer.Option("--key-env", metavar="VAR", help="Variable with its key.")] = None,
    include: Annotated[
        list[str] | None,
        typer.Option("--include", metavar="PATTERN", help="Only these: a name with *, /path/**, GET /path, tag:NAME."),
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="Not these.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask: accept what does not look suspicious.")] = False,
    as_json: Json = False,
) -> None:
    """Add the tools of an OpenAPI document or an MCP server, after it has truly been opened; else nothing changes."""
    settings = session(ctx).settings()
    file = ConfigFile(config_path(session(ctx).config or settings.path, settings.home))
    entry: dict[str, Any] = {"include": include, "exclude": exclude}
    if mcp is not None:
        if name or base_url or key_env:
            raise UsageError("--name, --base-url and --key-env are for OpenAPI documents.")
        headers = dict(header_entry(word) for word in header_env or [])
        entry = {"name": mcp, "command": words, "url": url, "env": env, "header_env": headers} | entry
        if env:
            entry["env"] = [variable_name(variable) for variable in env]
        _add_server(settings, file, source_entry(settings, entry, where="--mcp"), yes=yes, as_json=as_json)
        return
    if url or env or header_env:
        raise UsageError("--url, --env and --header-env are for MCP servers.", fix="Name the server with --mcp NAME.")
    if not words or len(words) != 1:
        raise UsageError("Give either one FILE, or --mcp NAME.")
    path = Path(words[0]).expanduser().absolute()
    entry = {"name": name or name_of_document(path), "path": str(path), "base_url": base_url} | entry
    entry["key_env"] = variable_name(key_env) if key_env else None
    entry = source_entry(settings, entry, where="--name")
    _report(file, "openapi", entry, add_document(settings, file, entry), as_json=as_json)


def remove(
    ctx: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Take an MCP server or an OpenAPI document out of tierwise.toml, and forget what was accepted of it."""
    settings = session(ctx).settings()
    file = ConfigFile(config_path(session(ctx).config or settings.path, settings.home))
    kind = drop_source(file, name)
    if kind is None:
        there = ", ".join(source_names(settings)) or "none"
        raise UnknownName(f"There is no MCP server or document {name!r} in {file.path}.", fix=f"There are: {there}.")
    if not yes:
        confirm(f"Take {_KINDS[kind]} {name!r} out of {file.path}?")
    file.write()
    if kind == "mcp":
        forget_server(settings, name)
    if as_json:
        print_json({"name": name, "kind": kind, "path": str(file.path)})
    else:
        out().print(f"{name} is taken out of {file.path}")


def _add_server(settings: Settings, file: ConfigFile, entry: dict[str, Any], *, yes: bool, as_json: bool) -> None:
    import asyncio

    server = server_of(entry)
    found = asyncio.run(review_server(server, settings))
    with source_failures():
        accepted = accept(found, yes=yes, as_json=as_json)
    tools = add_server(settings, file, entry, found)
    _report(file, "mcp", entry, tools, as_json=as_json, more={"review": review_json(found, accepted)})


def _report(
    file: ConfigFile,
    kind: SourceKind,
    entry: dict[str, Any],
    found: Toolset,
    *,
    as_json: bool,
    more: dict[str, Any] | None = None,
) -> None:
    if as_json:
        tools = [{"name": tool.name, "effects": list(tool.effects)} for tool in found]
        aside = [{"name": problem.name, "text": problem.text} for problem in found.problems]
        about = {"name": entry["name"], "kind": kind, "path": str(file.path), "tools": tools, "set_aside": aside}
        print_json(about | (more or {}))
        return
    rows = [(tool.name, ", ".join(tool.effects), one_line(tool.description, 70)) for tool in found]
    print_table(out(), ("tool", "effects", "does"), rows, spare=("does",))
    for problem in found.problems:
        out().print(f"! {clean(problem.name)}: {clean(problem.text)}", style="yellow")
    out().print(f"{entry['name']} is in {file.path}, with {plural(len(found), 'tool')}")

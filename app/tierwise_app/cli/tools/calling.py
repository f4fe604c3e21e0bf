"""``tierwise tools call``: run a tool as a model would."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.errors import InvalidInput, UsageError
from tierwise_app.cli.session import Json, session
from tierwise_app.cli.tools.listing import Name
from tierwise_app.console import confirm, err, out, print_json
from tierwise_app.deciding import read_arguments
from tierwise_app.text import clean, duration, one_line
from tierwise_app.tool_calling import call_folder, check_call
from tierwise_app.tool_shelf import DocumentSearch, ToolFailed, find_tool, open_tools
from tierwise_app.waiting_calls import argument_lines
from tierwise_tools.effects import ask_by_effect
from tierwise_tools.errors import ToolError

if TYPE_CHECKING:
    from tierwise_tools import Tool


def call(
    ctx: typer.Context,
    name: Name,
    values: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Arguments; a VALUE that is no text is JSON.")
    ] = None,
    arguments: Annotated[str | None, typer.Option("--args", metavar="JSON", help="All arguments as JSON.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, whatever the tool does.")] = False,
    as_json: Json = False,
) -> None:
    """Run a tool as a model would, within its limits; one that changes something or runs code asks first."""
    import asyncio

    from tierwise_app.live import Status
    from tierwise_tools import ToolContext

    current = session(ctx)
    settings = current.settings()
    if values and arguments is not None:
        raise UsageError("Give the arguments either as KEY=VALUE or with --args.")
    with (
        open_tools(settings) as tools,
        DocumentSearch(current.knowledge, with_locked=True) as search,
        call_folder(settings.home) as folder,
    ):
        tool = find_tool(tools, name)
        given = read_arguments(arguments) if arguments is not None else read_values(values or [], tool.parameters)
        check_call(tool, given, settings)
        if not yes and (tool.asks == "always" or ask_by_effect(tool.effects, tainted=False)):
            _ask(tool, given)
        status = Status()
        context = ToolContext(search=search, progress=lambda text: status.show(f"{name}: {text}"), folder=folder)
        status.show(f"{name} is running …")
        started = time.perf_counter()
        try:
            result = asyncio.run(tool.run(given, context))
        except ToolError as error:
            raise ToolFailed(str(error)) from error
        finally:
            status.clear()
        ms = (time.perf_counter() - started) * 1000
    files = [{"path": str(file.path), "mime": file.mime, "title": file.title} for file in result.files]
    if as_json:
        print_json({"tool": name, "arguments": given, "text": result.text, "files": files, "ms": ms})
        return
    out().print(clean(result.text))
    for file in files:
        err().print(f"left behind: {clean(file['path'])} ({one_line(file['title'])})")
    err().print(f"done in {duration(ms)}", style="dim")


def read_values(words: Sequence[str], parameters: dict[str, Any]) -> dict[str, Any]:
    """Arguments from words such as ``city=Oslo`` and ``days=3``; what the schema takes as text stays text.

    Raises:
        InvalidInput: for a word without ``=``.
    """
    properties = parameters.get("properties", {})
    given = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not (key and equals):
            raise InvalidInput(f"{word!r} is no argument.", fix="Write KEY=VALUE, or all arguments with --args JSON.")
        given[key] = text if "string" in _types(properties.get(key)) else _json_or_text(text)
    return given


def _types(schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    kinds = schema.get("type", [])
    found = {kinds} if isinstance(kinds, str) else set(kinds)
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        found |= _types(one)
    return found | {"string" for value in schema.get("enum", ()) if isinstance(value, str)}


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _ask(tool: Tool[..., Any], given: dict[str, Any]) -> None:
    err().print(f"{tool.name} ({tool.origin}) can {' and '.join(tool.effects)}", style="bold")
    for line in argument_lines(given):
        err().print(f"  {line}")
    confirm("Run it?")

"""An OpenAPI document as a source of tools."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tierwise_tools.context import ToolContext
from tierwise_tools.definition import Bounds, Origin, Tool
from tierwise_tools.errors import SourceError
from tierwise_tools.foreign import foreign_tool
from tierwise_tools.openapi.answer import tell
from tierwise_tools.openapi.base import BaseUrl, base_of
from tierwise_tools.openapi.building import build
from tierwise_tools.openapi.calling import send
from tierwise_tools.openapi.choosing import choose
from tierwise_tools.openapi.keys import Key
from tierwise_tools.openapi.operation import Operation
from tierwise_tools.openapi.outline import outlines_of
from tierwise_tools.openapi.reading import read_document
from tierwise_tools.openapi.references import References, Unusable
from tierwise_tools.openapi.request import make_request
from tierwise_tools.openapi.schemas import short
from tierwise_tools.openapi.settings import ApiDocument
from tierwise_tools.text import first_line
from tierwise_tools.toolset import Problem, Toolset


@dataclass(frozen=True, slots=True)
class Api:
    """What a document offers.

    Attributes:
        version: of the API, as its author gives it.
        base: where requests go.
        operations: those that are offered.
        problems: the ones among them that cannot be tools.
    """

    version: str
    base: BaseUrl
    operations: tuple[Operation, ...]
    problems: tuple[Problem, ...]


def read_api(document: ApiDocument) -> Api:
    """Read a document: what a screen or a terminal shows before anything is called.

    Raises:
        SourceError: if it cannot be read, is no OpenAPI 3, does not say where its API is, or a pattern matches nothing.
    """
    data = read_document(document.path)
    references = References(data)
    base = base_of(data, document.base_url, document.name)
    outlines, problems = outlines_of(references, document.name)
    operations = []
    found = list(problems)
    for outline in choose(outlines, include=document.include, exclude=document.exclude, source=document.name):
        try:
            operations.append(build(outline, references))
        except Unusable as error:
            found.append(Problem(outline.name, f"{outline.method.upper()} {outline.path} is left out: {error}."))
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            # a document may be malformed in ways that nobody foresees, and the other operations are still good
            why = f"it is malformed ({type(error).__name__}: {first_line(error)[:200]})"
            found.append(Problem(outline.name, f"{outline.method.upper()} {outline.path} is left out: {why}."))
    info = data.get("info")
    version = short(info.get("version"), 40) if isinstance(info, dict) else ""
    return Api(version, base, tuple(operations), tuple(found))


class OpenApiSource:
    """A :class:`tierwise_tools.ToolSource`: every operation that is offered becomes a tool.

    Each call has a connection of its own, so that the tools work in any event loop and no cookie outlives a call.
    """

    def __init__(self, document: ApiDocument) -> None:
        self._document = document

    @property
    def name(self) -> str:
        """What configuration calls it."""
        return self._document.name

    async def open(self) -> Toolset:
        """Read the document.

        Raises:
            SourceError: see :func:`read_api`; also if not one operation can be a tool.
        """
        return await asyncio.to_thread(self._toolset)

    async def aclose(self) -> None:
        """Nothing is held between calls."""

    def _toolset(self) -> Toolset:
        api = read_api(self._document)
        tools: list[Tool[..., Any]] = []
        problems = list(api.problems)
        for operation in api.operations:
            try:
                tools.append(self._tool(operation, api))
            except ValueError as error:
                problems.append(Problem(operation.name, f"{operation.method} {operation.path} is left out: {error}."))
        if not tools:
            why = problems[0].text if problems else "It has none."
            raise SourceError(f"No operation of {self.name} can be used. {why}", fix="Correct the document.")
        return Toolset(tuple(tools), tuple(problems))

    def _tool(self, operation: Operation, api: Api) -> Tool[..., Any]:
        return foreign_tool(
            _caller(operation, api.base, self._document.key_env),
            name=operation.name,
            description=operation.description,
            parameters=operation.parameters,
            effects=operation.effects,
            asks=operation.asks,
            repeatable=operation.repeatable,
            bounds=Bounds(seconds=self._document.seconds),
            origin=Origin("openapi", self.name, api.version),
        )


def _caller(
    operation: Operation, base: BaseUrl, key_env: str | None
) -> Callable[[dict[str, Any], ToolContext], Awaitable[Any]]:
    async def call(arguments: dict[str, Any], context: ToolContext) -> Any:
        key = Key.read(key_env if operation.key else None)
        request = make_request(operation, arguments, base)
        reply = await send(request, base=base, key=key, place=operation.key)
        return await tell(reply, operation, key=key, key_env=key_env, context=context)

    return call

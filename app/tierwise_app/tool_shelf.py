"""The tools of the configuration for commands: their sources opened, found by name, and what they may reach."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from tierwise.errors import TierwiseError, UnknownName
from tierwise_tools.errors import SourceError

if TYPE_CHECKING:
    from tierwise.config import Settings
    from tierwise.knowledge import Knowledge
    from tierwise.tool_settings import ToolSettings
    from tierwise_tools import Tool, Toolset

_LOOKED_THROUGH = 100  # passages, where locked ones are left out


class SourceFailed(TierwiseError):
    """A package, server or document gives no tools."""

    code = "tool_source"


class ToolFailed(TierwiseError):
    """A tool refused or failed; the text is the one that a model would read."""

    code = "tool"


@contextmanager
def open_tools(settings: Settings) -> Iterator[Toolset]:
    """The tools that are on, with what had to be set aside; a source that hangs costs a few seconds and no more."""
    import asyncio

    from tierwise.runtime import make_shelf
    from tierwise_app.checks import offline_word
    from tierwise_tools import Problem, Toolset

    shelf, word = make_shelf(settings, None), offline_word(settings)
    try:
        asyncio.run(shelf.open(stays=word is not None))
        why = f"It reaches the network, and tierwise is {word}: it was not opened."
        yield Toolset(tuple(shelf.tools.values()), (*shelf.problems, *(Problem(name, why) for name in shelf.unopened)))
    finally:
        asyncio.run(shelf.aclose())


def opened_tools(settings: Settings, tools: ToolSettings) -> Toolset:
    """What tools or sources give that are not configured yet: they are truly opened, and closed again.

    Args:
        settings: the configuration in force.
        tools: what to open in place of its tools.

    Raises:
        SourceFailed: if they give nothing, with the reason.
    """
    with open_tools(replace(settings, tools=tools)) as found:
        if not found.tools:
            raise SourceFailed(found.problems[0].text if found.problems else "It gives no tools.")
        return found


def find_tool(tools: Toolset, name: str) -> Tool[..., Any]:
    """The tool of that name.

    Raises:
        UnknownName: if it is not among those that are on.
    """
    from tierwise.runtime import BUILT_IN

    found = {tool.name: tool for tool in tools}
    if name in found:
        return found[name]
    if aside := next((problem for problem in tools.problems if problem.name == name), None):
        raise UnknownName(f"The tool {name!r} was set aside: {aside.text}")
    if name in BUILT_IN:
        raise UnknownName(f"The tool {name!r} is off.", fix=f"Turn it on: tierwise tools enable {name}")
    near = get_close_matches(name, found, n=1)
    fix = f"Did you mean {near[0]}?" if near else "See what there is: tierwise tools list"
    raise UnknownName(f"There is no tool {name!r}.", fix=fix)


@contextmanager
def source_failures() -> Iterator[None]:
    """Turns a :class:`SourceError` into an error with an exit code."""
    try:
        yield
    except SourceError as error:
        raise SourceFailed(error.what, fix=error.fix) from error


class DocumentSearch:
    """``ToolContext.search`` over the stored documents, opened when a tool first looks for something.

    Args:
        open_knowledge: opens the store.
        with_locked: also give passages of locked collections; only where nothing can leave the device with them.
    """

    def __init__(self, open_knowledge: Callable[[], AbstractContextManager[Knowledge]], *, with_locked: bool) -> None:
        self._open = open_knowledge
        self._with_locked = with_locked
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._knowledge: Knowledge | None = None

    def __call__(self, query: str, k: int) -> Sequence[Any]:
        """The best ``k`` passages."""
        with self._lock:
            if self._knowledge is None:
                self._knowledge = self._stack.enter_context(self._open())
        if self._with_locked:
            return self._knowledge.search(query, k=k)
        found = self._knowledge.search(query, k=max(k, _LOOKED_THROUGH))
        return [passage for passage in found if not passage.locked][:k]

    def __enter__(self) -> DocumentSearch:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

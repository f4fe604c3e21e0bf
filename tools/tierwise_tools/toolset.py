"""Several tools together, and the ways to wrap them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from tierwise_tools.definition import Tool
from tierwise_tools.function import as_tool
from tierwise_tools.names import prefixed_name

AnyTool = Tool[..., Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was set aside: a tool, a package, a server; ``name`` says which and ``text`` why."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Toolset:
    """Tools with different names, and what had to be set aside on the way to them.

    Every wrapping gives a new toolset and leaves this one as it is.
    """

    tools: tuple[AnyTool, ...] = ()
    problems: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, *tools: AnyTool | Callable[..., Any]) -> Toolset:
        """A toolset of tools and bare functions.

        Raises:
            AuthoringError: if a function cannot be a tool.
            ValueError: if two have the same name.
        """
        made = tuple(as_tool(item) for item in tools)
        names = [item.name for item in made]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two tools are named {twice!r}")
        return cls(made)

    def __iter__(self) -> Iterator[AnyTool]:
        return iter(self.tools)

    def __len__(self) -> int:
        return len(self.tools)

    def prefixed(self, prefix: str) -> Toolset:
        """Every name with ``prefix`` before it; a name that gets too long ends in a hash of the whole."""
        return self._each(lambda tool: tool.but(name=prefixed_name(prefix, tool.name)))

    def filtered(self, keep: Callable[[AnyTool], bool]) -> Toolset:
        """Only the tools that ``keep`` wants."""
        return replace(self, tools=tuple(tool for tool in self.tools if keep(tool)))

    def renamed(self, names: Mapping[str, str]) -> Toolset:
        """Tools by new names, ``{old: new}``; the others keep theirs.

        Raises:
            KeyError: for an old name that is not there.
            ValueError: if two would have the same name.
        """
        if missing := sorted(set(names) - {tool.name for tool in self.tools}):
            raise KeyError(missing[0])
        return self._each(lambda tool: tool.but(name=names.get(tool.name, tool.name)))

    def approval_required(self, which: Callable[[AnyTool], bool] = lambda _: True) -> Toolset:
        """Every call of these tools asks a person, whatever else is set."""
        return self._each(lambda tool: tool.but(asks="always") if which(tool) else tool)

    def with_problems(self, problems: Iterable[Problem]) -> Toolset:
        """The same tools, with more that had to be set aside."""
        return replace(self, problems=(*self.problems, *problems))

    def __add__(self, other: Toolset) -> Toolset:
        """Both; of two tools with the same name the first stays and the second becomes a problem."""
        taken = {tool.name for tool in self.tools}
        fresh = tuple(tool for tool in other.tools if tool.name not in taken)
        doubled = tuple(
            Problem(tool.name, f"There is a tool of that name already; this one ({tool.origin}) is left out.")
            for tool in other.tools
            if tool.name in taken
        )
        return Toolset((*self.tools, *fresh), (*self.problems, *other.problems, *doubled))

    def _each(self, change: Callable[[AnyTool], AnyTool]) -> Toolset:
        changed = Toolset.of(*map(change, self.tools))
        return changed.with_problems(self.problems)


@runtime_checkable
class ToolSource(Protocol):
    """Where tools come from that are not there yet: a package, an MCP server, an OpenAPI document.

    ``name`` is what configuration calls it. ``open`` may be called from any event loop, and again after ``aclose``.
    One more name is used if it is there: ``reaches_network``, true if opening it or any tool of it reaches the network;
    it is then not opened for a turn that stays on the device.
    """

    @property
    def name(self) -> str:
        """What configuration calls it."""
        ...

    async def open(self) -> Toolset:
        """The tools that are there, and what had to be set aside.

        Raises:
            SourceError: if there are none at all, with the reason.
        """
        ...

    async def aclose(self) -> None:
        """Free what it holds; safe to call twice."""
        ...

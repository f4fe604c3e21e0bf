"""The tools of a copilot: those that are simply there, and those whose source has to be opened first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tierwise_tools import Problem, SourceError, Tool, Toolset, ToolSource
from tierwise_tools.text import first_line

AnyTool = Tool[..., object]
OPENING = 8.0  # seconds that a source may take; a turn does not wait longer for its tools
_AGAIN = (30.0, 600.0)  # seconds until a source that failed is tried again, at first and at most


@dataclass
class _Attempted:
    """How opening a source went the last time."""

    found: Toolset | None = None
    problem: Problem | None = None
    wait: float = 0.0
    at: float = 0.0

    @property
    def due(self) -> bool:
        return self.found is None and time.monotonic() - self.at >= self.wait


class ToolShelf:
    """Opens sources when the first turn needs them; one that fails or hangs never sinks the rest.

    Args:
        own: tools that are there already; of two tools with the same name the first stays.
        sources: packages, MCP servers, OpenAPI documents.
        opening: seconds that each may take, all at the same time.
    """

    def __init__(self, own: Toolset, sources: Sequence[ToolSource] = (), *, opening: float = OPENING) -> None:
        self._own = own
        self._sources = tuple(sources)
        self._opening = opening
        self._attempted = [_Attempted() for _ in self._sources]
        self._work: asyncio.Task[None] | None = None
        self._all = own
        self._by_name: dict[str, AnyTool] = {tool.name: tool for tool in own}

    @property
    def tools(self) -> Mapping[str, AnyTool]:
        """By name, what is there now."""
        return self._by_name

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What had to be set aside, and the sources that cannot be used."""
        return self._all.problems

    @property
    def unopened(self) -> tuple[str, ...]:
        """Names of the sources that nobody has tried to open."""
        pairs = zip(self._sources, self._attempted, strict=True)
        return tuple(source.name for source, one in pairs if one.found is None and one.problem is None)

    @property
    def knows_more(self) -> bool:
        """Whether a tool may know what documents do not: any but those of their own words, and the search in them."""
        known = (tool for tool in self._by_name.values() if not tool.trusted and tool.name != "search_knowledge")
        return bool(self._sources) or next(known, None) is not None

    async def open(self, *, stays: bool = False) -> None:
        """Open the sources that are not open; cheap once they are.

        Args:
            stays: open none that reaches the network, for a turn that may not leave the device.
        """
        loop = asyncio.get_running_loop()
        while due := self._due(stays):
            if self._work is None or self._work.done() or self._work.get_loop() is not loop:
                self._work = loop.create_task(self._open_all(due))
            await asyncio.shield(self._work)  # turns that begin together open them once

    async def aclose(self) -> None:
        """Close the sources; safe to call twice."""
        for index, source in enumerate(self._sources):
            self._attempted[index] = _Attempted()
            try:
                async with asyncio.timeout(self._opening):
                    await source.aclose()
            except Exception:  # noqa: S110  a source that cannot even be closed must not keep the program from ending
                pass

    def _due(self, stays: bool) -> list[int]:
        return [
            index
            for index, (source, attempted) in enumerate(zip(self._sources, self._attempted, strict=True))
            if attempted.due and not (stays and getattr(source, "reaches_network", False))
        ]

    async def _open_all(self, due: Sequence[int]) -> None:
        await asyncio.gather(*map(self._open, due))
        self._put_together()

    async def _open(self, index: int) -> None:
        source, before = self._sources[index], self._attempted[index]
        try:
            async with asyncio.timeout(self._opening):
                attempted = _Attempted(found=await source.open())
        except SourceError as error:
            attempted = _Attempted(problem=Problem(source.name, str(error)))
        except TimeoutError:
            why = f"It gave no tools within {self._opening:g} seconds."
            attempted = _Attempted(problem=Problem(source.name, why))
        except Exception as error:  # a source of one's own may raise anything
            why = f"Its tools cannot be used: {type(error).__name__}: {first_line(error)}."
            attempted = _Attempted(problem=Problem(source.name, why))
        attempted.at = time.monotonic()
        attempted.wait = min(max(_AGAIN[0], before.wait * 2), _AGAIN[1])
        self._attempted[index] = attempted

    def _put_together(self) -> None:
        found = self._own
        for attempted in self._attempted:
            if attempted.found is not None:
                found = found + attempted.found
            elif attempted.problem is not None:
                found = found.with_problems([attempted.problem])
        self._all = found
        self._by_name = {tool.name: tool for tool in found}

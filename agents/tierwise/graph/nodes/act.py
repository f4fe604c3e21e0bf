"""act: one tool call, a step of its own, written into the ledger before it begins and when it is over."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from tierwise.events import ToolFinished, ToolProgress
from tierwise.graph.context import TurnContext
from tierwise.graph.emitting import emit
from tierwise.graph.progress import Progress
from tierwise.graph.searching import ToolSearch
from tierwise.graph.state import Json, TurnState
from tierwise.home import files_of
from tierwise.jsonable import from_json, to_json
from tierwise.record import CallKey, LedgerEntry, call_hash
from tierwise.turns import ToolStep
from tierwise.types import ToolCall
from tierwise_tools import Tool, ToolContext, ToolError, ToolResult


async def act(task: Json, runtime: Runtime[TurnContext]) -> TurnState:
    """Run one call; whatever goes wrong becomes a text for the model, never the end of the turn.

    A call that the ledger knows to be over gives its result again without running. One that was begun before, and may
    not simply be run again, comes to nothing here: ``gate`` asks a person about it.

    Args:
        task: ``{turn_id, thread, collection, only, tier, attempt, round, index, call, approved, edited}``.
        runtime: the graph's runtime.
    """
    context = runtime.context
    call = from_json(ToolCall, task["call"])
    search = ToolSearch(context, context.services.tier(task["tier"]), task["collection"], task.get("only"))
    acting = _Acting(task, call, context, search, context.services.shelf.tools.get(call.name))
    step = await acting.run(runtime)
    if step is None:
        return {}
    emit(
        runtime,
        context.event(
            ToolFinished,
            attempt=task["attempt"],
            call_id=call.id,
            name=call.name,
            ok=step.ok,
            result=step.result,
            ms=step.ms,
        ),
    )
    return {
        "results": [to_json(step)],
        "locked": search.met_locks and search.tier.stays_on_device,
        "tainted": acting.tool is not None and not acting.tool.trusted,
        "notices": to_json(search.notices()),
        "ms": {"tools": step.ms},
    }


@dataclass(frozen=True)
class _Acting:
    """One call with all that belongs to it."""

    task: Json
    call: ToolCall
    context: TurnContext
    search: ToolSearch
    tool: Tool[..., Any] | None

    async def run(self, runtime: Runtime[TurnContext]) -> ToolStep | None:
        """Run it; ``None`` if a person has to be asked whether it may be run once more."""
        if self.tool is None:
            there = ", ".join(self.context.services.shelf.tools)
            return self._failed(f"there is no tool {self.call.name!r}; there are: {there}")
        if self.call.problem is not None:
            return self._failed(self.call.problem)
        try:
            self.tool.check(self.call.arguments)
        except ToolError as error:
            return self._failed(str(error))
        record, name, arguments = self.context.services.record, self.call.name, self.call.arguments
        before = await asyncio.to_thread(record.begin_call, self._key, name, arguments, may_repeat=self.tool.may_repeat)
        if before is not None:
            return self._known(before)
        step = await self._called(runtime, self.tool)
        # Not in a thread: between the effect and its note nothing may stop the turn.
        record.end_call(self._key, step)
        return step

    @property
    def _key(self) -> CallKey:
        return CallKey(self.task["turn_id"], self.task["round"], self.task["index"])

    def _known(self, entry: LedgerEntry) -> ToolStep | None:
        same = call_hash(entry.name, entry.arguments) == call_hash(self.call.name, self.call.arguments)
        if same and entry.step is not None:
            return entry.step
        if same and entry.state == "begun":
            return None
        return replace(self._failed("not run: another call stood in its place"), outcome="refused")

    async def _called(self, runtime: Runtime[TurnContext], tool: Tool[..., Any]) -> ToolStep:
        progress = Progress(
            lambda text: emit(
                runtime, self.context.event(ToolProgress, attempt=self.task["attempt"], call_id=self.call.id, text=text)
            )
        )
        started = time.perf_counter()
        with self._folder(tool) as folder:
            try:
                result = await tool.run(
                    self.call.arguments,
                    ToolContext(
                        turn_id=self.context.turn_id,
                        thread=self.task["thread"],
                        search=self.search,
                        progress=progress,
                        folder=folder,
                    ),
                )
                step = self._step(result)
            except ToolError as error:
                step = self._failed(str(error))
            finally:
                progress.close()
        return replace(step, ms=(time.perf_counter() - started) * 1000)

    @contextmanager
    def _folder(self, tool: Tool[..., Any]) -> Iterator[Path | None]:
        """A folder for what the call leaves behind; gone again if it left nothing."""
        if tool.trusted:  # it only computes
            yield None
            return
        turn = files_of(self.context.services.settings.home, self.context.turn_id)
        folder = turn / f"{self.task['round']}-{self.task['index']}"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            yield None
            return
        try:
            yield folder
        finally:
            for place in (folder, turn):
                with contextlib.suppress(OSError):  # it holds something
                    place.rmdir()

    def _step(self, result: ToolResult) -> ToolStep:
        return ToolStep(
            attempt=self.task["attempt"],
            index=self.task["index"],
            name=self.call.name,
            arguments=self.call.arguments,
            ok=True,
            result=result.text,
            ms=0.0,
            round=self.task["round"],
            effects=self.tool.effects if self.tool else (),
            approved=self.task["approved"],
            edited=self.task["edited"],
            files=tuple(str(file.path) for file in result.files),
            mended=self.call.repaired,
        )

    def _failed(self, why: str) -> ToolStep:
        return replace(self._step(ToolResult(f"error: {why}")), ok=False, outcome="failed")

"""act: one tool call, a step of its own, so that a finished call is never run again."""

from __future__ import annotations

import asyncio
import time

from langgraph.runtime import Runtime

from tierwise.events import ToolFinished
from tierwise.graph.context import TurnContext
from tierwise.graph.searching import ToolSearch
from tierwise.graph.state import Json, TurnState
from tierwise.jsonable import from_json, to_json
from tierwise.turns import ToolStep
from tierwise.types import ToolCall
from tierwise_tools import ToolContext, ToolError

_TIME_LIMIT = 30.0  # seconds
_LONGEST = 8_000  # characters of a result that a model gets to read


async def act(task: Json, runtime: Runtime[TurnContext]) -> TurnState:
    """Run one call; whatever goes wrong becomes a text for the model, never the end of the turn.

    Args:
        task: ``{turn_id, thread, collection, tier, attempt, round, index, call}``.
        runtime: the graph's runtime.
    """
    context = runtime.context
    call = from_json(ToolCall, task["call"])
    started = time.perf_counter()
    ok, result = True, ""
    tier = context.services.tier(task["tier"])
    search = ToolSearch(context, tier, task["collection"])
    tool = context.services.tools.get(call.name)
    try:
        if tool is None:
            raise ToolError(f"there is no tool {call.name!r}; there are: {', '.join(context.services.tools)}")
        tool_context = ToolContext(context.turn_id, task["thread"], search)
        async with asyncio.timeout(_TIME_LIMIT):
            result = (await tool.run(call.arguments, tool_context)).text
    except ToolError as error:
        ok, result = False, f"error: {error}"
    except TimeoutError:
        ok, result = False, f"error: {call.name} did not finish within {_TIME_LIMIT:.0f} seconds"
    if len(result) > _LONGEST:
        result = f"{result[:_LONGEST]}\n(cut: {len(result) - _LONGEST:,} more characters)"
    ms = (time.perf_counter() - started) * 1000
    runtime.stream_writer(
        context.event(
            ToolFinished, attempt=task["attempt"], call_id=call.id, name=call.name, ok=ok, result=result, ms=ms
        )
    )
    step = ToolStep(task["attempt"], task["index"], call.name, call.arguments, ok, result, ms)
    return {
        "results": [{**to_json(step), "round": task["round"]}],
        "locked": search.met_locks and tier.stays_on_device,
        "notices": to_json(search.notices()),
        "ms": {"tools": ms},
    }

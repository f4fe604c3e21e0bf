"""A node of your own in the graph: here it adds today's opening hours to the passages of every turn."""

import asyncio
from typing import Any

from tierwise import AsyncCopilot, Passage, Tier, to_json
from tierwise.graph import Node
from tierwise.testing import ScriptedModel

HOURS = "Today the library is open from 10 to 18 h."


async def opening_hours(state: dict[str, Any], runtime: Any) -> dict[str, Any]:
    passage = Passage("hours", "opening hours", "live", None, 0, len(HOURS), HOURS, score=1.0)
    return {"passages": [to_json(passage), *state["passages"]]}


async def main() -> None:
    model = ScriptedModel([lambda request: "From 10 to 18 h." if HOURS in request.messages[-1].content else "?"])
    node = Node("opening_hours", after="retrieve", function=opening_hours)
    async with AsyncCopilot([Tier("quick", model)], nodes=[node]) as copilot:
        print(copilot.graph.get_graph().draw_mermaid())
        answer = await copilot.ask("When does the library open?")
        print(answer.text)


asyncio.run(main())

"""Sources of tools that fail, hang or change: the turn goes on, and the user is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from tool_steps import calling, echo

from tierwise import Settings
from tierwise.graph.shelf import ToolShelf
from tierwise.testing import ScriptedModel, Step
from tierwise.tool_settings import ToolLimits, ToolSettings
from tierwise_tools import Problem, SourceError, Toolset, calculator, clock, tool


@dataclass
class Source:
    """A source that does as it is told."""

    name: str
    gives: Any
    opened: int = 0
    closed: int = 0

    async def open(self) -> Toolset:
        self.opened += 1
        if isinstance(self.gives, BaseException):
            raise self.gives
        if self.gives is None:
            await asyncio.sleep(3600)
        given: Toolset = self.gives
        return given

    async def aclose(self) -> None:
        self.closed += 1


async def test_one_bad_source_does_not_sink_the_rest() -> None:
    sources = [
        Source("good", Toolset.of(clock).with_problems([Problem("odd", "It is odd.")])),
        Source("hangs", None),
        Source("refuses", SourceError("It has not been reviewed.", fix="Review it.")),
        Source("breaks", RuntimeError("boom")),
        Source("doubles", Toolset.of(calculator)),
    ]
    shelf = ToolShelf(Toolset.of(calculator), sources, opening=0.2)
    assert list(shelf.tools) == ["calculator"]
    await shelf.open()
    assert list(shelf.tools) == ["calculator", "clock"]
    told = {problem.name: problem.text for problem in shelf.problems}
    assert set(told) == {"odd", "hangs", "refuses", "breaks", "calculator"}
    assert told["refuses"] == "It has not been reviewed. Review it."
    assert "no tools within" in told["hangs"]
    assert "boom" in told["breaks"]
    await shelf.open()
    assert [source.opened for source in sources] == [1, 1, 1, 1, 1]  # what failed is not tried at every turn
    await shelf.aclose()
    assert [source.closed for source in sources] == [1, 1, 1, 1, 1]


def test_the_user_is_told_what_is_not_there(copilots: Any) -> None:
    copilot = copilots(["Hello."], tools=[calculator, Source("shop", SourceError("It is closed."))])
    answer = copilot.ask("Hello?")
    assert answer.status == "done"
    assert [(n.code, n.text) for n in answer.notices] == [("tools_set_aside", "Set aside: shop. It is closed.")]
    assert [tool.name for tool in copilot.toolset()] == ["calculator"]


# -- limits ------------------------------------------------------------------------------------------------------------


@tool(effects="read")
def look(at: str) -> str:
    """Look.

    Args:
        at: at what.
    """
    return f"saw {at}"


def limited(home: Any, **limits: Any) -> Settings:
    return Settings(home=home, tools=ToolSettings(limits=ToolLimits(**limits)))


def test_calls_beyond_the_limit_are_not_run_and_the_turn_answers(copilots: Any, own_home: Any) -> None:
    many = calling(*(("look", {"at": str(n)}) for n in range(5)))
    copilot = copilots([many, echo], tools=[look], settings=limited(own_home, calls=3))
    answer = copilot.ask("Look.")
    assert answer.text.split(" | ")[:3] == ["saw 0", "saw 1", "saw 2"]
    assert answer.text.count("this turn has used its 3 tool calls; answer from what you have") == 2
    assert copilot.model("quick").requests[1].tools == ()


def test_rounds_seconds_and_money_end_the_calls(copilots: Any, own_home: Any) -> None:
    def stubborn(request: Any) -> Any:
        return calling(("look", {"at": str(len(request.messages))})) if request.tools else echo(request)

    for limits, calls in (({"rounds": 2}, 2), ({"seconds": 0.0}, 0), ({"usd": 0.0}, 0)):
        copilot = copilots([stubborn], tools=[look], settings=limited(own_home, **limits))
        copilot.ask("Look.")
        assert len(copilot.record.get("last").tools) == calls


def test_a_model_that_has_results_and_says_nothing_is_asked_without_tools(copilots: Any) -> None:
    def mute(request: Any) -> Any:
        if not request.tools:
            return echo(request)
        return calling(("look", {"at": "x"})) if len(request.messages) < 4 else Step("")

    copilot = copilots([mute], tools=[look])
    assert copilot.ask("Look.").text == "saw x"


def test_a_small_model_that_asks_the_same_again_has_to_answer(copilots: Any) -> None:
    def stuck(request: Any) -> Any:
        return calling(("look", {"at": "x"})) if request.tools else echo(request)

    copilot = copilots(ScriptedModel([stuck], tools="prompted", repeat=True), tools=[look])
    assert copilot.ask("Look.").text == "saw x"
    assert len(copilot.record.get("last").tools) == 1

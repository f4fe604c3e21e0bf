"""The clock of the machine is set while tierwise works: nothing ends early, and nothing waits without end."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tierwise import Copilot, Limits, Settings, Tier, tool
from tierwise.testing import LoopbackServer, ScriptedModel, Step, make_copilot
from tierwise.types import ToolCall

HOUR = 3600.0


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks the clock of the day gets an hour more or less than was told before."""
    told, jumps = time.time, itertools.cycle((0.0, HOUR, -HOUR, 2 * HOUR, -3 * HOUR))
    monkeypatch.setattr(time, "time", lambda: told() + next(jumps))


@pytest.mark.usefixtures("jumping")
def test_turns_of_a_hosted_tier_begin_wait_and_end_as_ever(own_home: Path) -> None:
    limits = Limits(connect=60, first_token=60, between_tokens=60, total=120)
    with LoopbackServer(ScriptedModel([Step("One two three.", delay=0.01)], repeat=True)) as server:
        tier = Tier("deep", "openai:m", base_url=server.url, limits=limits)
        with Copilot([tier], settings=Settings(home=own_home, deadline=180), retriever=None) as copilot:
            running = []
            for n in range(3):  # one waits for the other
                running.append(copilot.start(f"Question {n}?", thread="t"))
                assert running[-1].wait(120, after=0)  # its message is stored, and its place in the line with it
            assert all(turn.wait(120) for turn in running)
            assert [turn.answer.text for turn in running if turn.answer] == ["One two three."] * 3
            assert [one.asked for one in copilot.record.turns("t")] == [f"Question {n}?" for n in range(3)]
        with Copilot([tier], settings=Settings(home=own_home), retriever=None) as copilot:  # nothing was taken for dead
            assert {one.status for one in copilot.record.turns("t")} == {"done"}


@pytest.mark.usefixtures("jumping")
def test_a_tier_that_is_silent_is_given_up_all_the_same(own_home: Path) -> None:
    limits = Limits(connect=60, first_token=0.3, between_tokens=0.3, total=60)
    with LoopbackServer(ScriptedModel([Step("Late.", delay=30.0)], repeat=True)) as server:
        tier = Tier("deep", "openai:m", base_url=server.url, limits=limits)
        with Copilot([tier], settings=Settings(home=own_home), retriever=None) as copilot:
            answer = copilot.ask("Are you there?")
    assert answer.status == "failed"
    assert "within 0.3 s" in str(answer.error)


@pytest.mark.usefixtures("jumping")
def test_tools_have_their_time_and_no_more(own_home: Path) -> None:
    over = threading.Event()

    @tool(effects="read", seconds=60)
    def brief() -> str:
        """Take a moment."""
        time.sleep(0.1)
        return "over"

    @tool(effects="read", seconds=0.2)
    def endless() -> str:
        """Never end."""
        over.wait(60)
        return "too late"

    calls = tuple(ToolCall(f"c{n}", name, {}) for n, name in enumerate(("brief", "endless")))

    def step(request: Any) -> Step:
        told = [message.content for message in request.messages if message.role == "tool"]
        return Step(" / ".join(told)) if told else Step(calls=calls)

    with make_copilot([step], home=own_home, retriever=None, tools=[brief, endless]) as copilot:
        text = copilot.ask("Go.").text
        over.set()
    assert text.startswith("over / ")
    assert "too late" not in text

"""What the record tells of prompts, of the search and of tools, so that nothing about a turn has to be guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from parts import MarkerVerifier, Shelf, TinyEmbedder, passage

from tierwise import DecisionRecord, from_json, to_json, tool
from tierwise.errors import ServerError
from tierwise.knowledge import Knowledge, relevance_floor
from tierwise.models import MiniLM
from tierwise.testing import ScriptedModel, Step
from tierwise.turns import OfferedTool
from tierwise.types import ToolCall


def again(record: DecisionRecord) -> DecisionRecord:
    return from_json(DecisionRecord, json.loads(json.dumps(to_json(record))))


def test_every_attempt_tells_what_its_prompt_was_made_of(copilots: Any) -> None:
    quick = ScriptedModel(["UNSURE, about 4 years", "fine"], context_window=4000)
    deep = ScriptedModel(["Two years."], on_device=False, context_window=9000)
    copilot = copilots(quick, deep, retriever=Shelf(passage("The warranty lasts two years.")))
    copilot.ask("How long is the warranty of the pump?", thread="t")
    record = copilot.record.get("last")
    small, large = record.attempts
    assert (small.prompt["window"], large.prompt["window"]) == (4000, 9000)
    assert set(small.prompt) == {"system", "passages", "question", "tools", "window"}
    assert set(large.prompt) == {"system", "passages", "draft", "question", "tools", "window"}
    assert (small.on_device, large.on_device) == (True, False)
    for attempt, model in ((small, quick), (large, deep)):
        counted = sum(size for part, size in attempt.prompt.items() if part not in ("tools", "window"))
        read = attempt.usage.prompt_tokens
        assert read <= counted <= read + 8 * len(model.requests[0].messages) + 8
    copilot.ask("And of the motor?", thread="t")
    follow = copilot.record.get("last")
    assert follow.attempts[0].prompt["earlier"] > 0
    assert again(follow) == follow


def test_an_old_record_has_none_of_it() -> None:
    stored = to_json(DecisionRecord("a", "t", "q", "done", 1.0))
    for name in ("retrieval", "offered"):
        del stored[name]
    assert from_json(DecisionRecord, stored).retrieval is None


def test_failed_and_stopped_attempts_tell_it_too(copilots: Any) -> None:
    down = Step("Well", error=ServerError("It is down."))
    copilot = copilots([down, down, down], retriever=Shelf(passage("One.")))
    assert copilot.ask("Which one?").status == "failed"
    failed = copilot.record.get("last")
    assert failed.attempts[-1].prompt["passages"] > 0
    assert failed.retrieval is not None
    slow = copilots([Step("one two three four five six", delay=0.2)])
    turn = slow.start("Count.")
    while not any(event.type == "text.delta" for event in turn.events()):
        turn.wait(0.02)
    turn.stop()
    turn.wait(10)
    assert slow.record.get("last").attempts[-1].prompt["window"] == 8192


def test_passages_that_do_not_fit_are_told_apart(copilots: Any) -> None:
    quick = ScriptedModel(["Yes."], context_window=400)
    shelf = Shelf(passage("short one"), passage("word " * 500, source="/docs/b.txt"))
    shelf.passages[1] = type(shelf.passages[1])(**{**to_json(shelf.passages[1]), "id": "p2"})
    copilot = copilots(quick, retriever=shelf)
    copilot.ask("What is it?")
    retrieval = copilot.record.get("last").retrieval
    assert retrieval is not None
    assert retrieval.query == "What is it?"
    assert retrieval.k == 4
    assert [(one.id, one.kept) for one in retrieval.found] == [("p1", True), ("p2", False)]
    assert retrieval.found[1].why == "it does not fit the window of quick (400 tokens)"


def test_what_is_below_the_line_is_told_with_the_line(copilots: Any, tmp_path: Any, own_home: Any) -> None:
    file = tmp_path / "pump.md"
    file.write_text("The pump P-40 runs at 1400 revolutions per minute.\n", encoding="utf-8")
    embedder = MiniLM()
    knowledge = Knowledge(own_home, embedder)
    knowledge.ingest([file])
    copilot = copilots(["Hello."], retriever=knowledge, embedder=embedder)
    copilot.ask("Write me a poem about love and spring.")
    missed = copilot.record.get("last").retrieval
    assert missed is not None
    assert missed.floor == pytest.approx(relevance_floor(1))
    assert [one.kept for one in missed.found] == [False]
    assert missed.found[0].why == "nothing that was found has to do with the question"
    assert missed.found[0].score < missed.floor
    copilot.ask("How fast does the pump P-40 run?")
    hit = copilot.record.get("last").retrieval
    assert hit is not None
    assert [one.kept for one in hit.found] == [True]
    assert hit.ms > 0
    knowledge.close()


@tool(effects="read")
def rate(money: str) -> str:
    """Exchange rate of money.

    Args:
        money: which.
    """
    return "1.1"


@tool(effects="read")
def weather(city: str) -> str:
    """Forecast of a city.

    Args:
        city: which.
    """
    return "sun"


def test_tools_are_told_with_their_nearness_and_who_was_told_of_them(copilots: Any) -> None:
    from tierwise import Settings
    from tierwise.tool_settings import ToolSettings

    call = ToolCall("1", "rate", {"money": "euro"})
    quick = ScriptedModel([Step(calls=(call,)), "UNSURE"], tools="prompted", repeat=True)
    deep = ScriptedModel(["It is 1.1."], on_device=False)
    settings = Settings(tools=ToolSettings(shown=1))
    copilot = copilots(
        quick, deep, settings=settings, tools=[rate, weather], embedder=TinyEmbedder(), verifier=MarkerVerifier(),
        retriever=None,
    )  # fmt: skip
    copilot.ask("exchange rate of money")
    record = copilot.record.get("last")
    told = {one.name: one for one in record.offered}
    assert told["rate"].tiers == ("quick", "deep")
    assert told["weather"].tiers == ("deep",)
    assert told["rate"].similarity is not None
    assert told["weather"].similarity is not None
    assert told["rate"].similarity > told["weather"].similarity
    assert {"tools", "steps"} <= set(record.attempts[0].prompt)
    assert record.attempts[0].prompt["tools"] < record.attempts[1].prompt["tools"]
    assert again(record) == record
    assert all(isinstance(one, OfferedTool) for one in again(record).offered)

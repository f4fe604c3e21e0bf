"""A lock that is set while a turn runs, waits for a person, or waits for its thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from outside import Outside
from parts import Shelf, passage
from tool_steps import calling
from waiting import until

from tierwise import Blocked, Copilot, Tier
from tierwise.models.base import ChatRequest, Chunk
from tierwise.testing import ScriptedModel
from tierwise_tools import tool

CANARY = "kestrel"
QUESTION = f"Where does the {CANARY} nest?"


class Doors(Shelf):
    """Documents whose one collection can be locked."""

    locked = False

    def is_locked(self, name: str) -> bool:
        return self.locked


def lock_thread(copilot: Copilot) -> None:
    copilot.record.lock_thread("t", True)


def lock_collection(copilot: Copilot) -> None:
    copilot.knowledge.locked = True  # type: ignore[attr-defined]


LOCKING = {"the thread": lock_thread, "a collection": lock_collection}


@pytest.fixture
def documents() -> Doors:
    return Doors(passage(f"The {CANARY} nests high."))


@pytest.mark.parametrize("lock", [*LOCKING, None])
def test_while_the_device_drafts(copilots: Any, world: Outside, documents: Doors, lock: str | None) -> None:
    def draft(request: Any) -> str:
        if lock:
            LOCKING[lock](copilot)
        return "UNSURE"

    copilot = copilots(draft, retriever=documents)
    answer = copilot.ask(QUESTION, thread="t")
    if lock is None:
        assert (answer.tier, CANARY in world.said) == ("deep", True)
        return
    assert world.nothing_left
    assert (answer.status, answer.tier, answer.text) == ("done", "quick", "UNSURE")
    assert "locked to this device meanwhile" in " ".join(notice.text for notice in answer.notices)
    assert copilot.record.get(answer.turn_id).locked
    documents.locked = False
    copilot.record.lock_thread("t", False)
    copilot.ask("And now?", thread="t", tier="deep")
    assert QUESTION not in world.said  # it stays locked, for later requests as well


@pytest.mark.parametrize("lock", LOCKING)
def test_while_a_tool_of_the_hosted_tier_runs(copilots: Any, world: Outside, documents: Doors, lock: str) -> None:
    @tool(effects="read")
    def shut() -> str:
        """Shut it."""
        LOCKING[lock](copilot)
        return f"The {CANARY} is in."

    deep = ScriptedModel([calling(("shut", {}))], name="deep", on_device=False, host="h.invalid")
    copilot = copilots("Fine.", deep=Tier("deep", deep), retriever=documents, tools=[shut])
    answer = copilot.ask("Who is in?", thread="t", tier="deep")
    assert (answer.status, answer.tier) == ("done", "quick")
    assert len(deep.requests) == 1  # what the tool gave did not leave


@pytest.mark.parametrize("lock", [*LOCKING, None])
def test_while_it_waits_to_be_seen(copilots: Any, world: Outside, documents: Doors, lock: str | None) -> None:
    first = copilots("UNSURE", retriever=documents)
    answer = first.ask(QUESTION, thread="t", show_before_sending="always")
    assert answer.outgoing is not None
    first.decide_sending(answer.turn_id, answer.outgoing.id, allow=True)
    if lock:
        LOCKING[lock](first)
    first.close()
    other = copilots("UNSURE", retriever=documents)  # as after a restart
    try:
        done = other.go_on(answer.turn_id)
    except Blocked:
        assert lock == "the thread"
    else:
        assert done.tier == ("quick" if lock else "deep")
    assert world.nothing_left == (lock is not None)


class Slow(ScriptedModel):
    """Thinks until it may answer."""

    begun: threading.Event
    go: threading.Event

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        self.begun.set()
        while not self.go.is_set():
            await asyncio.sleep(0.01)
        async for chunk in super().stream(request):
            yield chunk


@pytest.mark.parametrize("locked", [True, False])
def test_while_it_waits_for_its_thread(copilots: Any, world: Outside, locked: bool) -> None:
    slow = Slow(["Fine.", "UNSURE"], name="quick")
    begun, go = slow.begun, slow.go = threading.Event(), threading.Event()
    copilot = copilots(slow)
    answers: list[Any] = []
    turns = [threading.Thread(target=_ask(copilot, text, answers)) for text in ("The first.", QUESTION)]
    turns[0].start()
    assert begun.wait(60)
    turns[1].start()
    until(lambda: len(copilot.record.turns("t")) == 2)
    if locked:
        copilot.record.lock_thread("t", True)
    go.set()
    for turn in turns:
        turn.join(60)
    assert len(answers) == 2
    assert world.nothing_left == locked


def _ask(copilot: Copilot, text: str, answers: list[Any]) -> Callable[[], None]:
    return lambda: answers.append(copilot.ask(text, thread="t"))


def test_a_lock_that_was_lifted_does_not_free_what_was_said_under_it(copilots: Any, world: Outside) -> None:
    copilot = copilots(f"The {CANARY} nests high.", "Fine.")
    turn = copilot.ask(QUESTION, thread="t", lock=True).turn_id
    copilot.record.lock_thread("t", True)
    copilot.record.lock_thread("t", False)
    copilot.ask("And now?", thread="t", tier="deep")
    assert world.contacts > 0
    assert CANARY not in world.said
    assert copilot.again(turn, tier="deep").status != "done"
    assert CANARY not in world.said


def test_what_is_taken_up_later_by_improving_leaves_out_what_is_locked(copilots: Any, world: Outside) -> None:
    offline = copilots("UNSURE", offline=True)
    offline.ask(QUESTION, thread="a", lock=True)
    offline.ask("What is free?", thread="b")
    with pytest.raises(Blocked):
        list(offline.improve())
    offline.close()
    assert world.nothing_left
    online = copilots("UNSURE")
    assert [answer.tier for answer in online.improve()] == ["deep"]
    assert "What is free?" in world.said
    assert CANARY not in world.said

"""Several threads on one local model: together, in turns, and told when they have to wait."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil

from tierwise import AsyncCopilot, Tier
from tierwise.events import AttemptQueued, Event
from tierwise.models import ChatRequest, Completed, LlamaModel, Queued, locate
from tierwise.types import Message

SMOLLM = locate("smollm2-135m")
QUICK = Tier("quick", "llama:smollm2-135m", max_tokens=24, context_window=2048)


async def test_a_turn_that_has_to_wait_says_how_many_come_first_and_all_are_answered(tmp_path: Path) -> None:
    events: dict[str, list[Event]] = {}

    async def ask(copilot: AsyncCopilot, who: str) -> None:
        events[who] = [event async for event in copilot.stream(f"Tell {who} about rain.", thread=who)]

    async with AsyncCopilot([QUICK], home=tmp_path) as copilot:
        await asyncio.gather(*(ask(copilot, f"guest {n}") for n in range(6)))
        answers = [copilot.record.turns(who)[-1] for who in events]
    assert all(turn.status == "done" and turn.text for turn in answers)
    waited = [[e.ahead for e in found if isinstance(e, AttemptQueued)] for found in events.values()]
    assert any(waited)
    assert all(places == sorted(places, reverse=True) for places in waited)


async def test_one_thread_that_asks_much_does_not_keep_another_waiting() -> None:
    model = LlamaModel(SMOLLM, context_window=1024, parallel=1)
    order: list[str] = []

    async def ask(who: str) -> None:
        request = ChatRequest((Message("user", f"Say hello to {who}."),), max_tokens=6, thread=who)
        async for chunk in model.stream(request):
            if isinstance(chunk, Completed):
                order.append(who)

    first = asyncio.create_task(ask("first"))
    await asyncio.sleep(0.01)
    many = [asyncio.create_task(ask("busy")) for _ in range(4)]
    await asyncio.sleep(0.01)
    await asyncio.gather(first, *many, ask("modest"))
    await model.aclose()
    assert order.index("modest") <= 2


async def test_tiers_of_one_file_share_its_process_and_the_last_one_ends_it(tmp_path: Path) -> None:
    async with AsyncCopilot([QUICK, Tier("other", QUICK.model, context_window=2048)], home=tmp_path) as copilot:
        for tier in ("quick", "other"):
            assert (await copilot.ask("Say hello.", tier=tier)).status == "done"
        quick, other = copilot.model("quick"), copilot.model("other")
        assert isinstance(quick, LlamaModel) and isinstance(other, LlamaModel)
        pid = quick.pid
        assert pid is not None and other.pid == pid
        await quick.aclose()
        assert quick.pid is None
        assert other.pid == pid
        chunks = [c async for c in other.stream(ChatRequest((Message("user", "hi"),), max_tokens=2))]
        assert isinstance(chunks[-1], Completed)
        assert not any(isinstance(c, Queued) for c in chunks)
        await other.aclose()
        assert other.pid is None
    while psutil.pid_exists(pid):  # it is killed at once, and reaped soon
        await asyncio.sleep(0.01)

"""LangGraph 1.2 and its checkpoint store."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, TypedDict

import aiosqlite
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

Still = Callable[[bool, str], None]
HERE: Any = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    n: int


@dataclass
class Named:
    name: str


def chain(*functions: Any, saver: Any) -> Any:
    """A graph of nodes one after the other."""
    graph = StateGraph(State)
    names = [f"node{n}" for n in range(len(functions))]
    for name, function in zip(names, functions, strict=True):
        graph.add_node(name, function)
    for left, right in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(left, right)
    return graph.compile(saver)


async def test_writes_of_a_node_may_be_stored_after_the_checkpoint_that_follows_them(still: Still) -> None:
    """langchain-ai/langgraph#8039: the order of ``put_writes`` and ``put`` is not enforced."""
    order: list[str] = []
    ran, followed = asyncio.Event(), asyncio.Event()

    class Slow(InMemorySaver):
        async def aput_writes(self, *args: Any, **kwargs: Any) -> None:
            if ran.is_set():  # they are the node's
                with suppress(TimeoutError):
                    await asyncio.wait_for(followed.wait(), 10)
                order.append("writes")
            await super().aput_writes(*args, **kwargs)

        async def aput(self, *args: Any, **kwargs: Any) -> Any:
            if ran.is_set():
                order.append("checkpoint")
                followed.set()
            return await super().aput(*args, **kwargs)

    async def node(state: State) -> State:
        ran.set()
        return {"n": 1}

    await chain(node, saver=Slow()).ainvoke({"n": 0}, HERE, durability="sync")
    still(order[0] == "checkpoint", "the ledger of tool calls (record/calls.py)")


async def test_a_node_whose_writes_were_not_stored_runs_again(still: Still) -> None:
    """The same, as a tool would meet it: what it did is done twice."""
    did = []

    class Dies(InMemorySaver):
        dead = False

        async def aput_writes(self, *args: Any, **kwargs: Any) -> None:
            if not self.dead:
                await super().aput_writes(*args, **kwargs)

        async def aput(self, config: Any, *args: Any, **kwargs: Any) -> Any:
            return config if self.dead else await super().aput(config, *args, **kwargs)

    saver = Dies()

    async def act(state: State) -> State:
        did.append("sent")
        saver.dead = True  # the process ends here: nothing reaches the store any more
        return {"n": 1}

    graph = chain(act, saver=saver)
    await graph.ainvoke({"n": 0}, HERE, durability="sync")
    saver.dead = False
    await graph.ainvoke(None, HERE, durability="sync")
    still(len(did) == 2, "the ledger of tool calls (record/calls.py)")


async def test_a_node_that_is_interrupted_runs_again_from_its_first_line(still: Still) -> None:
    """langchain-ai/langgraph#4172."""
    runs = []

    async def asks(state: State) -> State:
        runs.append(1)
        interrupt("?")
        return {}

    graph = chain(asks, saver=InMemorySaver())
    await graph.ainvoke({"n": 0}, HERE)
    await graph.ainvoke(Command(resume=True), HERE)
    still(len(runs) == 2, "nodes that rest and do nothing else (graph/nodes/approve.py, show.py)")


async def test_a_synchronous_node_runs_on_after_its_graph_was_stopped(still: Still) -> None:
    ran_on = threading.Event()
    begun = threading.Event()

    def slow(state: State) -> State:
        begun.set()
        time.sleep(0.15)
        ran_on.set()
        return {}

    task = asyncio.ensure_future(chain(slow, saver=None).ainvoke({"n": 0}))
    await asyncio.to_thread(begun.wait, 60)
    task.cancel()
    await asyncio.wait([task])
    still(await asyncio.to_thread(ran_on.wait, 60), "the refusal of nodes that are not async (graph/build.py)")


async def test_a_graph_that_is_cancelled_does_not_wait_for_what_it_stores_of_that(still: Still) -> None:
    begun, stopped, let_go = asyncio.Event(), asyncio.Event(), asyncio.Event()
    at_work: list[asyncio.Task[Any]] = []

    class Slow(InMemorySaver):
        async def aput_writes(self, *args: Any, **kwargs: Any) -> None:
            if stopped.is_set():
                task = asyncio.current_task()
                assert task is not None
                at_work.append(task)
                await let_go.wait()

    async def slow(state: State) -> State:
        begun.set()
        await asyncio.sleep(60)
        return {}

    async def read() -> None:
        stream: Any = chain(slow, saver=Slow()).astream({"n": 0}, HERE, stream_mode=["custom", "values"])
        async with aclosing(stream):
            async for _ in stream:
                pass

    task = asyncio.ensure_future(read())
    await begun.wait()
    await asyncio.sleep(0.3)  # what it stores of its input
    stopped.set()
    task.cancel()
    over, _ = await asyncio.wait([task], timeout=10)
    left = [*at_work]
    let_go.set()
    await asyncio.wait([task, *left])
    still(bool(over and left), "storing nothing of a cancelled task (graph/saver.py)")


async def test_the_store_keeps_every_step_and_cannot_prune(still: Still) -> None:
    """langchain-ai/langgraph#7843."""

    async def node(state: State) -> State:
        return {"n": state["n"] + 1}

    place = "dropping the checkpoints of a turn that is over (runtime/turn.py)"
    async with AsyncSqliteSaver.from_conn_string(":memory:") as saver:
        await chain(*[node] * 5, saver=saver).ainvoke({"n": 0}, HERE)
        async with saver.conn.execute("SELECT count(*) FROM checkpoints") as rows:
            (count,) = await rows.fetchone() or (0,)
        still(count > 5, place)
        try:
            await saver.aprune(["t"])
        except NotImplementedError:
            return
        still(False, place)


async def test_the_thread_of_a_connection_keeps_a_program_alive(still: Still) -> None:
    db = await aiosqlite.connect(":memory:")
    keeps = not db._thread.daemon
    await db.close()
    still(keeps, "setting the thread of aiosqlite (graph/checkpoints.py)")


def test_the_default_serializer_builds_any_type_that_a_file_names(
    still: Still, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LANGGRAPH_STRICT_MSGPACK", raising=False)
    stored = JsonPlusSerializer().dumps_typed(Named("x"))
    assert not isinstance(JsonPlusSerializer(allowed_msgpack_modules=None).loads_typed(stored), Named)
    built = JsonPlusSerializer().loads_typed(stored)
    still(isinstance(built, Named), "the strict serializer (graph/checkpoints.py)")

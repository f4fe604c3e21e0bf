"""Checkpoints stay few, keep what a turn goes on with, and are read under their last name only."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from operator import add
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from tierwise.graph.checkpoints import open_checkpoints
from tierwise.graph.saver import KEPT, TurnSaver
from tierwise.record import Record


@asynccontextmanager
async def saver_at(home: Path, *, lazy: bool = False) -> AsyncIterator[TurnSaver]:
    record = Record(home)
    saver = await open_checkpoints(home, record)
    if not lazy:
        saver.worth = None
    try:
        yield saver
    finally:
        await saver.conn.close()
        record.close()


def rows(home: Path, sql: str) -> list[Any]:
    db = sqlite3.connect(home / "threads.sqlite")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


class State(TypedDict, total=False):
    count: int
    said: Annotated[list[str], add]


def graph_on(saver: TurnSaver, steps: int) -> Any:
    """Counts, and asks a person half-way."""

    async def step(state: State) -> Command[str]:
        count = state.get("count", 0) + 1
        goto = "ask" if count == steps // 2 else "step" if count < steps else "__end__"
        return Command(update={"count": count, "said": ["x" * 1000] if count == 1 else []}, goto=goto)

    async def ask(state: State) -> Command[str]:
        return Command(update={"said": [interrupt("Well?")]}, goto="step")

    graph = StateGraph(State)
    graph.add_node("step", step, destinations=("step", "ask", "__end__"))
    graph.add_node("ask", ask, destinations=("step",))
    graph.add_edge(START, "step")
    return graph.compile(saver)


@pytest.mark.parametrize("durability", ["sync", "async"])
async def test_a_long_turn_keeps_two_checkpoints_and_goes_on_where_a_person_was_asked(
    own_home: Path, durability: Any
) -> None:
    config: Any = {"configurable": {"thread_id": "one"}, "recursion_limit": 500}
    async with saver_at(own_home) as saver:
        await graph_on(saver, 60).ainvoke({"count": 0}, config, durability=durability)
        assert rows(own_home, "SELECT count(*) FROM checkpoints") == [(KEPT,)]
        assert rows(own_home, "SELECT count(*) FROM writes")[0][0] <= 4 * KEPT
    async with saver_at(own_home) as saver:  # another program, with everything it needs
        graph = graph_on(saver, 60)
        name = await saver.take_up("one", 7)
        assert name == "one@7"
        config = {"configurable": {"thread_id": name}, "recursion_limit": 500}
        snapshot = await graph.aget_state(config)
        assert [task.interrupts[0].value for task in snapshot.tasks] == ["Well?"]
        end = await graph.ainvoke(Command(resume="Yes."), config, durability=durability)
        assert (end["count"], end["said"][-1]) == (60, "Yes.")
        assert rows(own_home, "SELECT DISTINCT thread_id FROM checkpoints") == [("one@7",)]


async def test_what_is_written_under_an_older_name_is_not_read_and_is_dropped(own_home: Path) -> None:
    async with saver_at(own_home) as saver:
        for n, name in enumerate(("1a2b", "1a2b@9", "1a2b@10", "1a2b@2")):
            checkpoint: Any = {**empty_checkpoint(), "channel_values": {"n": n}}
            config: Any = {"configurable": {"thread_id": name, "checkpoint_ns": ""}}
            await saver.aput(config, checkpoint, {}, {})
            stored: Any = {"configurable": {**config["configurable"], "checkpoint_id": checkpoint["id"]}}
            await saver.aput_writes(stored, [("c", n)], "task")
        assert await saver.name_of("1a2b") == "1a2b@10"
        assert await saver.name_of("unknown") == "unknown"
        assert await saver.take_up("1a2b", 11) == "1a2b@11"
    record = Record(own_home)
    record._db.execute(
        "INSERT INTO threads (thread, created) VALUES ('t', 1)",
    )
    record._db.execute(
        "INSERT INTO turns (turn_id, thread, created, status, owner, asked, record, parked)"
        " VALUES ('1a2b', 't', 1, 'stopped', '', '', '{}', 'crashed')"
    )
    record.close()
    async with saver_at(own_home):
        assert rows(own_home, "SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM writes") == [("1a2b@11",)]


async def test_the_last_checkpoint_is_the_one_stored_last_though_the_clock_was_set_back(own_home: Path) -> None:
    async with saver_at(own_home) as saver:
        config: Any = {"configurable": {"thread_id": "one", "checkpoint_ns": ""}}
        for number in ("3", "1", "2"):  # ids begin with the time
            await saver.aput(config, {**empty_checkpoint(), "id": number}, {}, {})
        found = await saver.aget_tuple(config)
        assert found is not None
        assert found.checkpoint["id"] == "2"
        assert sorted(rows(own_home, "SELECT checkpoint_id FROM checkpoints")) == [("1",), ("2",)]


async def test_results_that_arrive_late_are_not_lost_with_the_checkpoints_before(own_home: Path) -> None:
    async with saver_at(own_home) as saver:
        config: Any = {"configurable": {"thread_id": "one", "checkpoint_ns": ""}}
        last: Any = {"configurable": {**config["configurable"], "checkpoint_id": "9"}}
        await saver.aput_writes(last, [("c", "result")], "task")  # before its checkpoint, as langgraph may
        for number in ("6", "7", "8", "9"):
            await saver.aput(config, {**empty_checkpoint(), "id": number}, {}, {})
        found = await saver.aget_tuple(config)
        assert found is not None
        assert [(c, v) for _, c, v in found.pending_writes or ()] == [("c", "result")]


CONFIG: Any = {"configurable": {"thread_id": "one", "checkpoint_ns": ""}}


def of_step(number: str) -> Any:
    return {"configurable": {**CONFIG["configurable"], "checkpoint_id": number}}


def values(number: str, **channels: Any) -> Any:
    return {**empty_checkpoint(), "id": number, "channel_values": channels}


async def test_a_step_that_cost_nothing_is_not_stored_and_one_that_did_is(own_home: Path) -> None:
    async with saver_at(own_home, lazy=True) as saver:
        await saver.aput(CONFIG, values("1"), {}, {})
        await saver.aput(CONFIG, values("2", passages=["p"]), {}, {})
        await saver.aput_writes(of_step("2"), [("passages", ["p"])], "task")
        assert rows(own_home, "SELECT checkpoint_id FROM checkpoints") == []
        assert rows(own_home, "SELECT * FROM writes") == []
        await saver.aput(CONFIG, values("3", passages=["p"], step=1), {}, {})
        await saver.aput(CONFIG, values("4", passages=["p"], step=1, p_good={}), {}, {})
        assert rows(own_home, "SELECT checkpoint_id FROM checkpoints ORDER BY rowid") == [("3",)]


@pytest.mark.parametrize("channel", ["__interrupt__", "__error__", "results"])
@pytest.mark.parametrize("early", [True, False])
async def test_what_a_person_is_asked_and_what_tools_gave_is_stored_with_its_step(
    own_home: Path, channel: str, early: bool
) -> None:
    async with saver_at(own_home, lazy=True) as saver:
        await saver.aput(CONFIG, values("1"), {}, {})
        if early:  # langgraph may store what a task wrote before the checkpoint that the task began with
            await saver.aput_writes(of_step("2"), [(channel, ["told"])], "task")
            await saver.aput(CONFIG, values("2"), {}, {})
        else:
            await saver.aput(CONFIG, values("2"), {}, {})
            await saver.aput_writes(of_step("2"), [("passages", [])], "other")
            await saver.aput_writes(of_step("2"), [(channel, ["told"])], "task")
        found = await saver.aget_tuple(CONFIG)
        assert found is not None
        assert found.checkpoint["id"] == "2"
        assert ("task", channel, ["told"]) in [tuple(write) for write in found.pending_writes or ()]
        await saver.adelete_thread("one")
        assert rows(own_home, "SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM writes") == []


async def _read(stream: AsyncGenerator[Any, None]) -> None:
    async with aclosing(stream):
        async for _ in stream:
            pass


async def test_a_turn_that_is_stopped_stores_nothing_any_more(own_home: Path) -> None:
    begun = asyncio.Event()

    async def long(state: State) -> State:
        begun.set()
        await asyncio.sleep(60)
        return {}

    graph = StateGraph(State)
    graph.add_node("long", long)
    graph.add_edge(START, "long")
    config: Any = {"configurable": {"thread_id": "one"}}
    async with saver_at(own_home, lazy=True) as saver:
        before = asyncio.all_tasks()
        stream: Any = graph.compile(saver).astream({"count": 1}, config, stream_mode=["custom", "values"])
        turn = asyncio.ensure_future(_read(stream))
        await begun.wait()
        turn.cancel()
        await asyncio.wait([turn])
        await asyncio.sleep(0)
        assert asyncio.all_tasks() <= before
        assert rows(own_home, "SELECT thread_id FROM checkpoints UNION SELECT thread_id FROM writes") == []


async def test_many_turns_do_not_make_the_file_grow(own_home: Path) -> None:
    async with saver_at(own_home) as saver:
        sizes = []
        for part in range(3):
            for n in range(20):
                name = f"turn-{part}-{n}"
                config: Any = {"configurable": {"thread_id": name}, "recursion_limit": 500}
                await graph_on(saver, 3).ainvoke({"count": 0}, config, durability="async")
                await saver.adelete_thread(name)
            await asyncio.sleep(0)
            sizes.append(rows(own_home, "PRAGMA page_count")[0][0])
        assert sizes[-1] <= sizes[0] + 2

"""The line before the work: how many at a time, whose turn is next, and what those who wait are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise_app.serve import pace as pacing
from tierwise_app.serve.line import Line, Waits
from tierwise_app.serve.pace import Pace
from tierwise_app.serve.problems import Problem


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class World:
    """Turns in a line, each worked on until it is told to end."""

    def __init__(self, working: int, waiting: int = 1000, pace: Pace | None = None) -> None:
        self.line = Line(working, waiting, pace)
        self.begun: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.told: dict[str, list[Waits]] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def come(self, caller: str, name: str) -> None:
        self._ends[name], self.told[name] = asyncio.Event(), []
        self.tasks[name] = asyncio.ensure_future(self._work(caller, name))
        await settle()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await settle()

    async def leave(self, name: str) -> None:
        self.tasks[name].cancel()
        await settle()

    async def _work(self, caller: str, name: str) -> None:
        async with self.line.place(caller, self.told[name].append):
            self.begun.append(name)
            await self._ends[name].wait()

    async def close(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        for task in self.tasks.values():
            with suppress(asyncio.CancelledError, Problem):
                await task


async def test_callers_take_turns() -> None:
    world = World(1)
    for caller, name in [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1"), ("b", "b2")]:
        await world.come(caller, name)
    order = []
    while len(order) < 6:
        order.append(world.begun[-1])
        await world.end(order[-1])
    assert order == ["a1", "a2", "b1", "c1", "a3", "b2"]
    await world.close()


async def test_who_waits_is_told_the_place_and_the_time() -> None:
    world = World(2)
    for name in ("one", "two", "three", "four"):
        await world.come("a", name)
    assert world.told["one"] == []
    assert world.told["four"] == [Waits(1, 5.0)]  # two at a time, 5 s each as long as nobody knows better
    await world.end("one")
    assert world.begun == ["one", "two", "three"]
    assert [wait.ahead for wait in world.told["four"]] == [1, 0]
    assert world.told["four"][-1].seconds < 5.0  # the first took no time
    assert (world.line.working, world.line.waiting) == (2, 1)
    await world.close()
    assert (world.line.working, world.line.waiting) == (0, 0)


async def test_a_line_that_is_full_sends_away() -> None:
    world = World(1, waiting=1)
    for name in ("one", "two", "three"):
        await world.come("a", name)
    with pytest.raises(Problem, match="Too many turns wait") as raised:
        await world.tasks["three"]
    assert (raised.value.status, raised.value.retry_after) == (503, 5)
    await world.end("one")
    assert world.begun == ["one", "two"]
    await world.close()


async def test_a_long_line_does_not_talk_about_itself_all_the_time() -> None:
    world = World(1)
    for n in range(300):
        await world.come("a", str(n))
    for n in range(299):
        await world.end(str(n))
    told = [wait.ahead for wait in world.told["299"]]
    assert told == sorted(told, reverse=True)
    assert told[0] == 298
    assert told[-11:] == [*range(10, -1, -1)]
    assert len(told) < 60
    await world.close()


class Steps(Pace):
    """A pace at which the next begins when it is told so."""

    then: Callable[[], None] | None = None

    @property
    def open(self) -> bool:
        return self.then is None

    def begun(self, then: Callable[[], None]) -> None:
        self.then = then

    async def step(self) -> None:
        then, self.then = self.then, None
        if then is not None:
            then()
        await settle()


async def test_turns_that_come_at_once_begin_one_after_the_other() -> None:
    pace = Steps()
    world = World(3, pace=pace)
    for name in ("one", "two", "three", "four"):
        await world.come("a", name)
    assert world.begun == ["one"]
    assert [world.told[name] for name in ("two", "three")] == [
        [],
        [],
    ]  # there is room: they only pass the door
    assert [wait.ahead for wait in world.told["four"]] == [0]
    await pace.step()
    await pace.step()
    await pace.step()
    assert world.begun == ["one", "two", "three"]
    await world.end("two")
    assert world.begun[3:] == ["four"]
    await world.end("four")
    await world.come("a", "five")
    assert world.begun[4:] == []  # the door is still closed behind the fourth
    await pace.step()
    await pace.step()
    await world.come("a", "six")
    assert world.begun[4:] == ["five"]
    await world.close()


async def test_who_only_passes_the_door_is_not_sent_away() -> None:
    pace = Steps()
    world = World(3, waiting=1, pace=pace)
    for name in ("one", "two", "three", "four", "five"):
        await world.come("a", name)
    assert world.line.waiting == 3
    with pytest.raises(Problem, match="Too many turns wait"):
        await world.tasks["five"]
    await world.close()


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.sampled_from(["come", "end", "leave", "step"]), st.integers(0, 50)), max_size=60),
)
def test_whatever_happens_the_pace_is_kept_and_room_is_used(working: int, steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        pace = Steps()
        world, here = World(working, pace=pace), list[str]()
        for n, (what, which) in enumerate(steps):
            before, was_open = len(world.begun), pace.open
            if what == "come":
                here.append(str(n))
                await world.come("abc"[which % 3], str(n))
            elif what == "step":
                await pace.step()
            elif here:
                name = here[which % len(here)]
                if what == "leave":
                    await world.leave(name)
                    here.remove(name)
                elif name in world.begun:
                    await world.end(name)
                    here.remove(name)
            at_work = sum(name in world.begun for name in here)
            assert at_work == world.line.working <= working
            assert len(world.begun) - before <= (1 if was_open or what == "step" else 0)
            assert at_work == working or not world.line.waiting or not pace.open
        while world.line.working < min(working, len(here)):  # the door opens again, whoever has left meanwhile
            assert not pace.open
            await pace.step()
        await world.close()
        assert (world.line.working, world.line.waiting) == (0, 0)

    asyncio.run(play())


class Timers:
    """A loop whose time is told by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, look: Callable[[], None]) -> Any:
        self.due.append((when, look))
        return self

    def pass_by(self, late: float) -> None:
        when, look = self.due.pop()
        self.now = when + late
        look()


def test_the_next_begins_when_the_loop_is_not_behind_or_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, pace, opened = Timers(), Pace(), list[float]()
    monkeypatch.setattr(pacing.asyncio, "get_running_loop", lambda: loop)
    assert pace.open
    pace.begun(lambda: opened.append(loop.now))
    loop.pass_by(0.0)
    assert (pace.open, opened) == (False, [])  # the one before is not with its model yet
    pace.through()
    for _ in range(3):
        loop.pass_by(0.05)
        assert (pace.open, opened) == (False, [])
    loop.pass_by(0.0)
    assert (pace.open, len(opened), loop.due) == (True, 1, [])
    pace.begun(lambda: opened.append(loop.now))
    began = loop.now
    while not pace.open:  # a loop that is always behind
        loop.pass_by(0.05)
    assert 1.0 <= opened[-1] - began < 1.1


@given(
    st.integers(1, 4),
    st.lists(
        st.one_of(
            st.tuples(st.just("come"), st.sampled_from("abcd")),
            st.tuples(st.just("end"), st.integers(0, 50)),
            st.tuples(st.just("leave"), st.integers(0, 50)),
            st.tuples(st.just("both"), st.integers(0, 50)),
        ),
        max_size=60,
    ),
)
def test_whatever_happens_room_is_used_and_nobody_starves(working: int, steps: list[tuple[str, object]]) -> None:
    async def play() -> None:
        world = World(working)
        callers: dict[str, str] = {}
        gone: set[str] = set()
        for n, (what, which) in enumerate(steps):
            here = [name for name in callers if name not in gone]
            if what == "come":
                callers[str(n)] = str(which)
                await world.come(str(which), str(n))
            elif here:
                assert isinstance(which, int)
                name = here[which % len(here)]
                if what == "both":  # one that waits leaves in the very moment in which another ends
                    other = here[(which + 1) % len(here)]
                    world.tasks[other].cancel()
                    gone.add(other)
                if what == "leave":
                    await world.leave(name)
                    gone.add(name)
                elif name in world.begun:
                    await world.end(name)
                    gone.add(name)
                await settle()
            at_work = [name for name in world.begun if name not in gone]
            waiting = [name for name in callers if name not in gone and name not in world.begun]
            assert len(at_work) == world.line.working <= working
            assert len(waiting) == world.line.waiting
            assert not waiting or len(at_work) == working
        waits = [name for name in callers if name not in gone and name not in world.begun]
        if waits:  # the last one of all is let in once as many have ended as are before it
            ends = 0
            while waits[-1] not in world.begun:
                await world.end(next(name for name in world.begun if name not in gone))
                gone.add(next(name for name in world.begun if name not in gone))
                ends += 1
                assert ends <= len(waits)
        await world.close()
        assert (world.line.working, world.line.waiting) == (0, 0)

    asyncio.run(play())

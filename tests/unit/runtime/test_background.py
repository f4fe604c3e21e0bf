"""A loop for synchronous callers: whenever they are interrupted, what they waited for is ended and closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from tierwise.errors import UsageError
from tierwise.runtime.background import BackgroundLoop


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    made = BackgroundLoop()
    yield made
    made.close()


class Numbers:
    """Gives numbers without end, and notes when it is closed; ``slow`` to close, if wished."""

    def __init__(self, slow: float = 0.0) -> None:
        self.begun, self.closed = False, threading.Event()
        self._slow = slow

    async def __call__(self, first: int = 0) -> AsyncIterator[int]:
        self.begun = True
        try:
            while True:
                yield first
                first += 1
                await asyncio.sleep(0.001 if first < 3 else 60)
        finally:
            await asyncio.sleep(self._slow)
            self.closed.set()


def interrupting(times: list[int], *, handed_over: bool, real: Callable[..., Any]) -> Callable[..., Any]:
    """Ctrl-C in the moment in which work is given to the loop: the n-th time for each n in ``times``."""
    count = 0

    def call(*args: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if handed_over or count not in times:
            real(*args, **more)
        if count in times:
            raise KeyboardInterrupt

    return call


@pytest.mark.parametrize("handed_over", [True, False], ids=["handed over", "before it was handed over"])
@pytest.mark.parametrize("time", [1, 2, 3])
def test_an_interrupt_in_the_moment_of_handing_over_ends_and_closes_it(
    loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch, handed_over: bool, time: int
) -> None:
    numbers = Numbers()
    give = interrupting([time], handed_over=handed_over, real=loop._loop.call_soon_threadsafe)
    monkeypatch.setattr(loop._loop, "call_soon_threadsafe", give)
    seen = []
    with pytest.raises(KeyboardInterrupt), closing(loop.iterate(numbers())) as items:  # type: ignore[type-var]
        for number in items:
            seen.append(number)
    assert seen == [*range(time - 1)]
    assert numbers.begun or time == 1
    assert numbers.closed.is_set() == numbers.begun


def test_who_interrupts_twice_does_not_wait_and_gets_no_other_error(
    loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = Numbers(slow=0.3)
    give = interrupting([3, 4], handed_over=True, real=loop._loop.call_soon_threadsafe)
    monkeypatch.setattr(loop._loop, "call_soon_threadsafe", give)
    with pytest.raises(KeyboardInterrupt), closing(loop.iterate(numbers())) as items:  # type: ignore[type-var]
        for _ in items:
            pass
    assert numbers.closed.is_set()


def test_what_goes_wrong_in_it_is_told(loop: BackgroundLoop) -> None:
    async def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        loop.run(fails())
    assert loop.run(asyncio.sleep(0, "yes")) == "yes"


def test_a_closed_one_says_so(loop: BackgroundLoop) -> None:
    loop.close()
    with pytest.raises(UsageError, match="closed"):
        loop.run(asyncio.sleep(0))

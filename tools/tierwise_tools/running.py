"""Calling whatever an author wrote: plain, async or a generator, never longer than its time."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

from tierwise_tools.context import ToolContext


async def call_function(
    function: Callable[..., Any], values: dict[str, Any], *, context: ToolContext, takes: str | None, seconds: float
) -> Any:
    """Call a function with validated values.

    A plain function runs in a thread of its own, so that it holds up nobody, not even the end of the program. What a
    generator yields is progress; its result is what it returns, or else the last thing it yielded.

    Args:
        function: sync or async; a generator tells of its progress.
        values: by parameter name.
        context: filled in for the parameter ``takes``; its ``cancelled`` turns true when the call is over.
        takes: name of the context parameter, ``None`` if it has none.
        seconds: how long it may take.

    Raises:
        TimeoutError: if it takes longer. A thread then goes on unseen until it asks ``context.cancelled``.
        Exception: whatever the function raises.
    """
    over = threading.Event()
    watched = replace(context, cancelled=lambda: over.is_set() or context.cancelled())
    if takes is not None:
        values = {takes: watched, **values}
    try:
        async with asyncio.timeout(seconds):
            if inspect.isasyncgenfunction(function):
                return await _last(function(**values), watched)
            if inspect.iscoroutinefunction(function):
                return await function(**values)
            return await _in_thread(lambda: _drained(function(**values), watched))
    finally:
        over.set()


async def _last(steps: AsyncIterator[Any], context: ToolContext) -> Any:
    last: Any = None
    try:
        async for last in steps:
            if isinstance(last, str):
                context.progress(last)
    finally:
        close = getattr(steps, "aclose", None)
        if close is not None:
            await close()
    return last


def _drained(made: Any, context: ToolContext) -> Any:
    """What a function returned; a generator is run to its end, or until nobody waits any more."""
    if not inspect.isgenerator(made):
        return made
    return _run(made, context)


def _run(steps: Iterator[Any], context: ToolContext) -> Any:
    last: Any = None
    while not context.cancelled():
        try:
            last = next(steps)
        except StopIteration as end:
            return last if end.value is None else end.value
        if isinstance(last, str):
            context.progress(last)
    return last


async def _in_thread(work: Callable[[], Any]) -> Any:
    """Run ``work`` in a daemon thread.

    The pool of ``asyncio.to_thread`` fills up with calls that hang, and a program waits for its threads at its end.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def run() -> None:
        result: Any = None
        error: Exception | None = None
        try:
            result = work()
        except StopIteration as stop:  # cannot be raised into a future
            error = RuntimeError(f"StopIteration: {stop}")
        except BaseException as raised:
            error = raised if isinstance(raised, Exception) else RuntimeError(f"{type(raised).__name__}: {raised}")
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(settle, result, error)
            except RuntimeError:
                return  # the loop closed in between: nobody waits

    threading.Thread(target=run, name="tool", daemon=True).start()
    return await done

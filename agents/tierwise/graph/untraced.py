"""Keeps a run of the graph from tracers that the environment or a caller has switched on.

With ``LANGSMITH_TRACING=true`` LangChain's core sends the input and output of every step to LangSmith: the question,
its passages and the answer, of a locked turn as well. Whether a turn is locked may be known only in the middle of it,
so none is traced.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from langchain_core.tracers.context import tracing_v2_callback_var
from langsmith import tracing_context


async def untraced(parts: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    """The same parts, made without a tracer; what the caller does between them is left as it is."""
    async with aclosing(parts):
        while True:
            with _unheard():
                try:
                    part = await anext(parts)
                except StopAsyncIteration:
                    return
            yield part


@contextmanager
def _unheard() -> Iterator[None]:
    token = tracing_v2_callback_var.set(None)
    try:
        with tracing_context(enabled=False, parent=False):
            yield
    finally:
        tracing_v2_callback_var.reset(token)

"""Keeps a run of the graph from tracers that the environment or a caller has switched on.

With ``LANGSMITH_TRACING=true`` LangChain's core sends the input and output of every step to LangSmith: the question,
its passages and the answer, of a locked turn as well. Whether a turn is locked may be known only in the middle of it,
so none is traced.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.tracers.context import tracing_v2_callback_var
from langsmith import tracing_context


@contextmanager
def untraced() -> Iterator[None]:
    """No tracer hears of what is done inside, tasks that are begun there included."""
    token = tracing_v2_callback_var.set(None)
    try:
        with tracing_context(enabled=False, parent=False):
            yield
    finally:
        tracing_v2_callback_var.reset(token)

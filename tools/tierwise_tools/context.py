"""What a tool may reach of the copilot that runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def _no_search(query: str, k: int) -> Sequence[Any]:
    raise LookupError("no knowledge is connected")


def _to_nobody(text: str) -> None:
    """Progress that nobody watches."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Passed to a tool whose first parameter is annotated with this class; hidden from the model.

    Attributes:
        turn_id: the turn the call belongs to.
        thread: its thread.
        search: ``search(query, k)`` finds passages in the turn's collection; blocking.
        progress: ``progress(text)`` tells whoever watches how far the call is; from any thread.
        cancelled: true once nobody waits for the result any more: a function that runs in a thread cannot be ended from
            outside, and should end by itself.
        folder: where the call may leave files that are kept with the turn; ``None`` if there is no such place.
    """

    turn_id: str = ""
    thread: str = ""
    search: Callable[[str, int], Sequence[Any]] = _no_search
    progress: Callable[[str], None] = _to_nobody
    cancelled: Callable[[], bool] = _never
    folder: Path | None = None

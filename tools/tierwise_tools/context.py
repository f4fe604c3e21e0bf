"""What a tool may reach of the copilot that runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


def _no_search(query: str, k: int) -> Sequence[Any]:
    raise LookupError("no knowledge is connected")


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Passed to a tool whose first parameter is annotated with this class; hidden from the model.

    Attributes:
        turn_id: the turn the call belongs to.
        thread: its thread.
        search: ``search(query, k)`` finds passages in the turn's collection; blocking.
    """

    turn_id: str = ""
    thread: str = ""
    search: Callable[[str, int], Sequence[Any]] = _no_search

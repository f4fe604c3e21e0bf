"""Places in a running program where it can be killed: functions of it, wrapped in the process that is to die."""

from __future__ import annotations

import inspect
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

Side = Literal["before", "after"]


@dataclass(frozen=True)
class Crash:
    """Be killed before or after the ``nth`` time (from 1) that the program comes to ``point``."""

    point: str
    side: Side
    nth: int = 1


_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "home opened": ("tierwise.record.file.openfile", "connect"),
    "dead turns ended": ("tierwise.record.store", "Record", "repair"),
    "message stored": ("tierwise.record.store", "Record", "start"),
    "turn taken up": ("tierwise.record.store", "Record", "go_on"),
    "partial kept": ("tierwise.record.store", "Record", "keep_partial"),
    "answer stored": ("tierwise.record.store", "Record", "finish"),
    "tool begun": ("tierwise.record.calls", "Calls", "begin_call"),
    "tool's effect": ("benches.faults.turn_program", "write_line"),
    "tool done": ("tierwise.record.calls", "Calls", "end_call"),
    "approval asked for": ("tierwise.record.calls", "Calls", "ask_for"),
    "approval stored": ("tierwise.record.calls", "Calls", "decide"),
    "request shown": ("tierwise.record.sendings", "Sendings", "ask_to_send"),
    "sending decided": ("tierwise.record.sendings", "Sendings", "decide_sending"),
    "sending noted": ("tierwise.record.sendings", "Sendings", "note_sent"),
    "checkpoints opened": ("tierwise.graph.checkpoints", "open_checkpoints"),
    "checkpoint put": ("langgraph.checkpoint.sqlite.aio", "AsyncSqliteSaver", "aput"),
    "writes put": ("langgraph.checkpoint.sqlite.aio", "AsyncSqliteSaver", "aput_writes"),
    "checkpoints deleted": ("langgraph.checkpoint.sqlite.aio", "AsyncSqliteSaver", "adelete_thread"),
    "checkpoints renamed": ("tierwise.graph.saver", "TurnSaver", "take_up"),
    "money set aside": ("tierwise.record.payments", "Payments", "set_aside"),
    "money settled": ("tierwise.record.payments", "Payments", "settle"),
    "request sent": ("httpx2", "AsyncClient", "send"),
    "model asked": ("benches.faults.turn_program", "write_request"),
}
_OTHERS = ("record written", "hosted words", "answer told", "migration")
POINTS = (*_FUNCTIONS, *_OTHERS)
"""All places; ``before`` and ``after`` is around the function, or around what is passed on."""


class _Wraps:
    """Counts how often the program comes to each place, and kills it at one."""

    def __init__(self, crash: Crash | None) -> None:
        self.counts: Counter[str] = Counter()
        self._crash = crash

    def before(self, point: str) -> None:
        self.counts[point] += 1
        self._kill(point, "before")

    def after(self, point: str) -> None:
        self._kill(point, "after")

    def _kill(self, point: str, side: Side) -> None:
        if self._crash == Crash(point, side, self.counts[point]):
            os.kill(os.getpid(), signal.SIGKILL)

    def function(self, point: str, original: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(original):

            async def wrapped(*args: Any, **kwargs: Any) -> Any:
                self.before(point)
                result = await original(*args, **kwargs)
                self.after(point)
                return result

            return wrapped

        def plain(*args: Any, **kwargs: Any) -> Any:
            self.before(point)
            result = original(*args, **kwargs)
            self.after(point)
            return result

        return plain

    def put_around(self, point: str, module: str, *names: str) -> None:
        owner: Any = import_module(module)
        for name in names[:-1]:
            owner = getattr(owner, name)
        setattr(owner, names[-1], self.function(point, getattr(owner, names[-1])))

    def transactions(self) -> None:
        """Before a transaction of the record is committed, all of it done; and after."""
        from tierwise.record.database import Database

        original = Database._writing

        @contextmanager
        def wrapped(database: Database, **kwargs: Any) -> Iterator[Any]:
            with original(database, **kwargs) as db:
                yield db
                self.before("record written")
            self.after("record written")

        setattr(Database, original.__name__, wrapped)

    def words(self) -> None:
        """Around each chunk of the hosted tier."""
        from tierwise.models.hosted.model import OpenAIModel

        original: Any = OpenAIModel.stream

        async def wrapped(model: Any, request: Any) -> Any:
            async for chunk in original(model, request):
                self.before("hosted words")
                yield chunk
                self.after("hosted words")

        setattr(OpenAIModel, original.__name__, wrapped)

    def answers(self) -> None:
        """Around telling that the answer is there."""
        from benches.faults import turn_program

        original = turn_program._tell
        told = self.function("answer told", original)
        turn_program._tell = lambda event, say: (told if event.type == "answer.ready" else original)(event, say)

    def migration(self) -> None:
        """Around each statement that brings an old record up to date."""
        from tierwise.record.file import schema

        original = schema._statements

        def wrapped(script: str) -> Iterator[str]:
            for statement in original(script):
                self.before("migration")
                yield statement
                self.after("migration")

        schema._statements = wrapped


def _wrap(crash: Crash | None) -> _Wraps:
    from tierwise.graph import step

    step._KEEP_EVERY = 0.02  # the answers here are short
    wraps = _Wraps(crash)
    for point, place in _FUNCTIONS.items():
        if crash is None or crash.point == point:
            wraps.put_around(point, *place)
    others = {"record written": wraps.transactions, "hosted words": wraps.words, "answer told": wraps.answers}
    others["migration"] = wraps.migration
    for point, put in others.items():
        if crash is None or crash.point == point:
            put()
    return wraps


def install(crash: Crash) -> None:
    """Have this process killed there."""
    _wrap(crash)


def count_points() -> Counter[str]:
    """How often this process comes to each place from now on; the counter grows."""
    return _wrap(None).counts

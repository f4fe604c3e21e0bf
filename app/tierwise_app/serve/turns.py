"""The turns that this server runs: who watches one may come, go, and come again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Any, Unpack

from tierwise import Answer, AsyncCopilot, Event
from tierwise.errors import TierwiseError
from tierwise.events import AnswerReady, AttemptStarted, TextDelta, TurnFailed, TurnQueued
from tierwise.record import answer_of
from tierwise.runtime import AgainOptions, AskOptions
from tierwise_app.serve.keys import Keys
from tierwise_app.serve.line import Line, Waits
from tierwise_app.serve.logging import log_error
from tierwise_app.serve.problems import Problem

_KEPT = 64  # turns that are over whose events are still here for who comes back


class Watched:
    """A turn that runs here.

    Attributes:
        caller: whose it is.
        run: names this run of the turn: events are numbered within it.
        stays: it goes on though nobody watches.
        items: what has happened; waiting in the line comes before the events.
        answer: how it ended; of a turn that was stopped, with the text there was.
        error: why it could not begin, or could not be stored.
        over: nothing more will happen.
        waited: seconds that it stood in the line; ``None`` until it is worked on.
    """

    def __init__(self, caller: str, *, stays: bool, turn_id: str | None = None) -> None:
        self.caller, self.stays = caller, stays
        self._turn_id = turn_id
        self.run = ""
        self.items: list[Event | Waits] = []
        self.answer: Answer | None = None
        self.error: Exception | None = None
        self.over = False
        self.waited: float | None = None
        self._watchers = 0
        self._waiting: set[asyncio.Future[None]] = set()  # for anything, text included
        self._patient: set[asyncio.Future[None]] = set()  # for anything but text
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def turn_id(self) -> str | None:
        """Its id; ``None`` until the message is stored."""
        if self._turn_id is None:
            self._turn_id = next((item.turn_id for item in self.items if not isinstance(item, Waits)), None)
        return self._turn_id

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch it. When the last one leaves, it is stopped, unless it ``stays``."""
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers and not self.stays and self.answer is None:  # else it only tidies up
                self.stop()

    async def follow(self, after: int = 0, *, texts: bool = True) -> AsyncGenerator[Event | Waits, None]:
        """Everything that has happened and happens, without the first ``after`` items.

        Args:
            after: how many.
            texts: with text deltas. There are many, and who does not ask for them is not woken for each.

        Raises:
            Exception: ``error``, at the end of a turn that has one.
        """
        while await self._has_more(after, texts=texts):
            while after < len(self.items):
                after += 1
                item = self.items[after - 1]
                if texts or not isinstance(item, TextDelta):
                    yield item

    async def grow(self, after: int = 0) -> AsyncGenerator[int, None]:
        """How many items there are, once there are more than ``after``, and whenever there are more; as :meth:`follow`.

        Who falls behind gets what has happened meanwhile at once.
        """
        while await self._has_more(after):
            after = len(self.items)
            yield after

    async def begun(self) -> str:
        """Wait until its message is stored.

        Returns:
            The turn's id.

        Raises:
            Exception: ``error``, if it never begins.
        """
        async for item in self.follow(texts=False):
            if not isinstance(item, Waits):
                return item.turn_id
        raise Problem(499, "stopped", "The turn was stopped before it began.")

    async def done(self) -> Answer:
        """Wait for its end.

        Raises:
            Exception: ``error``, if it has one.
        """
        async for _ in self.follow(len(self.items), texts=False):
            pass
        if self.answer is None:
            raise Problem(499, "stopped", "The turn was stopped.")
        return self.answer

    def stop(self) -> None:
        """Stop it, prompt reading and tools included; what was written is kept. Returns at once."""
        if self._task is not None and not self._stopping:  # a second time would cut short what keeps the text
            self._stopping = True
            self._task.cancel()

    def _add(self, item: Event | Waits) -> None:
        self.items.append(item)
        if isinstance(item, AnswerReady | TurnFailed):
            self.answer = item.answer
        self._notify(text=isinstance(item, TextDelta))

    async def _has_more(self, after: int, *, texts: bool = True) -> bool:
        """Wait until there are more than ``after`` items; ``False`` if there never will be.

        Raises:
            Exception: as :meth:`follow`.
        """
        while len(self.items) <= after:
            if self.over:
                if self.error is not None:
                    raise self.error
                return False
            waiting = self._waiting if texts else self._patient
            woken = asyncio.get_running_loop().create_future()
            waiting.add(woken)
            try:
                await woken
            finally:
                waiting.discard(woken)
        return True

    def _notify(self, *, text: bool = False) -> None:
        for woken in self._waiting if text else (*self._waiting, *self._patient):
            if not woken.done():
                woken.set_result(None)


class Turns:
    """Begins turns, finds those that run here, and ends them.

    Args:
        copilot: answers.
        line: what a turn passes before it is worked on.
        keys: how many turns at a time a caller may have.
    """

    def __init__(self, copilot: AsyncCopilot, line: Line, keys: Keys) -> None:
        self.copilot, self.line, self._keys = copilot, line, keys
        self.draining = False
        self.ended: list[Callable[[Watched], None]] = []
        """Called with every turn that is over."""
        self._running: dict[str, Watched] = {}
        self._kept: OrderedDict[str, Watched] = OrderedDict()
        self._tasks: dict[asyncio.Task[None], Watched] = {}

    def ask(self, question: str, **options: Unpack[AskOptions]) -> Watched:
        """Begin a turn; ``options`` are those of :meth:`~tierwise.AsyncCopilot.stream`, with a ``caller``.

        Raises:
            Problem: if the question is too long, or the server is about to end.
        """
        most = self.copilot.settings.max_question_chars
        if len(question) > most:
            raise Problem(
                400,
                "question_too_long",
                f"The question has {len(question):,} characters; at most {most:,} are read.",
                fix="Shorten it, send the long part as a document, or raise max_question_chars.",
            )
        return self._begin(self.copilot.stream(question, **options), options)

    def again(self, turn_id: str, *, tier: str = "auto", **options: Unpack[AgainOptions]) -> Watched:
        """Ask a question again; see :meth:`~tierwise.AsyncCopilot.stream_again`; ``options`` with a ``caller``."""
        return self._begin(self.copilot.stream_again(turn_id, tier=tier, **options), options)

    def go_on(self, turn_id: str, caller: str, *, stays: bool = True) -> Watched:
        """Go on with a turn, once; see :meth:`~tierwise.AsyncCopilot.stream_on`. It is found from now on."""
        if (running := self._running.get(turn_id)) is not None:
            running.stays = running.stays or stays
            return running
        watched = self._begin(self.copilot.stream_on(turn_id), {"goes_on": stays}, caller, turn_id)
        self._running[turn_id] = watched
        return watched

    def find(self, turn_id: str) -> Watched | None:
        """A turn that runs here, or did a while ago."""
        return self._running.get(turn_id) or self._kept.get(turn_id)

    @property
    def running(self) -> int:
        """How many turns are begun and not over, those in the line included."""
        return len(self._tasks)

    async def drain(self, seconds: float) -> None:
        """Begin nothing more; let what runs come to its end, and stop it after so many seconds.

        What was to go on unasked goes on in the server that is started next.
        """
        self.draining = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        self.copilot.leave_turns()
        for watched in [*self._tasks.values()]:
            watched.stop()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(
        self, events: AsyncGenerator[Event, None], options: Any, caller: str = "", turn_id: str | None = None
    ) -> Watched:
        if self.draining:
            raise Problem(503, "shutting_down", "The server is about to end.", retry_after=5)
        whose = options.get("caller")
        caller = caller or (whose.id if whose else "local")
        if turn_id is None:  # one that goes on has been let in before
            self._check(caller)
        watched = Watched(caller, stays=options.get("goes_on", False), turn_id=turn_id)
        task = asyncio.get_running_loop().create_task(self._work(watched, events))
        watched._task = task
        self._tasks[task] = watched
        task.add_done_callback(self._tasks.pop)
        return watched

    def _check(self, caller: str) -> None:
        """Refuse a turn of a caller that has as many as it may."""
        key = self._keys.get(caller)
        if key is None or key.at_once is None:
            return
        if sum(other.caller == caller for other in self._tasks.values()) >= key.at_once:
            message = f"The key {key.name!r} may have {key.at_once} turns at a time."
            raise Problem(429, "too_many_at_once", message, retry_after=1)

    async def _work(self, watched: Watched, events: AsyncGenerator[Event, None]) -> None:
        try:
            async with self.line.place(watched.caller, watched._add) as watched.waited, aclosing(events):
                async for event in events:
                    if not watched.run:
                        watched.run = str(self.copilot.record.epoch(event.turn_id) or 0)
                        self._running[event.turn_id] = watched
                    if isinstance(event, AttemptStarted | TurnQueued):  # it waits for others now, not for this loop
                        self.line.through()
                    watched._add(event)
        except Exception as error:
            watched.error = error
        finally:
            self._end(watched)

    def _end(self, watched: Watched) -> None:
        if (turn_id := watched.turn_id) is not None and self._running.get(turn_id) is watched:
            del self._running[turn_id]
            if watched.run and watched.answer is None:
                with suppress(TierwiseError):
                    record = self.copilot.record.get(turn_id)
                    watched.answer = None if record.status == "running" else answer_of(record)
            if watched.run:  # else it never began: whatever was known of the turn before still holds
                self._kept[turn_id] = watched
                self._kept.move_to_end(turn_id)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        watched.over = True
        watched._notify()
        for listener in self.ended:
            try:
                listener(watched)
            except Exception as error:  # who counts must not keep who waits
                log_error(turn_id or "-", error)

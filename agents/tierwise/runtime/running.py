"""A turn that runs by itself: whoever watches it may come, go, and come again."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from tierwise.events import AnswerReady, Event, TurnFailed
from tierwise.record import answer_of
from tierwise.runtime.background import BackgroundLoop
from tierwise.turns import Answer

if TYPE_CHECKING:
    from tierwise.record import Record


class RunningTurn:
    """A turn in the background, from :meth:`Copilot.start` and its kin. Thread-safe.

    Attributes:
        thread: its thread.
        asked: the message.
    """

    def __init__(
        self, events: AsyncGenerator[Event, None], loop: BackgroundLoop, record: Record, *, thread: str, asked: str
    ) -> None:
        self.thread, self.asked = thread, asked
        self._record = record
        self._events: list[Event] = []
        self._answer: Answer | None = None
        self._error: Exception | None = None
        self._over = False
        self._changed = threading.Condition()
        self._work = loop.begin(self._drain(events))

    @property
    def turn_id(self) -> str | None:
        """Its id; ``None`` until the message is stored."""
        with self._changed:
            return self._events[0].turn_id if self._events else None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self._over

    @property
    def answer(self) -> Answer | None:
        """How it ended, once it is over: also stopped, with the text there was. ``None`` if it never began."""
        return self._answer

    @property
    def error(self) -> Exception | None:
        """Why it could not begin, or could not be stored."""
        return self._error

    def events(self, after: int = 0) -> list[Event]:
        """What has happened, without the first ``after`` events."""
        with self._changed:
            return self._events[after:]

    def wait(self, seconds: float | None = None, *, after: int | None = None) -> bool:
        """Wait for the end, or for more than ``after`` events.

        Args:
            seconds: how long at most; ``None`` is for ever.
            after: how many events are known already.

        Returns:
            Whether it came to that.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: self._over or (after is not None and len(self._events) > after), timeout=seconds
            )

    def stop(self) -> None:
        """Stop it, prompt reading and tools included; what was written is kept. Returns at once."""
        self._work.cancel()

    async def _drain(self, events: AsyncGenerator[Event, None]) -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    with self._changed:
                        self._events.append(event)
                        if isinstance(event, AnswerReady | TurnFailed):
                            self._answer = event.answer
                        self._changed.notify_all()
        except Exception as error:
            self._error = error
        finally:
            self._end()

    def _end(self) -> None:
        with self._changed:
            if self._answer is None and self._events:
                record = self._record.get(self._events[0].turn_id)
                self._answer = None if record.status == "running" else answer_of(record)
            self._over = True
            self._changed.notify_all()

"""Turns that wait for a person, or whose program ended in the middle: deciding on them, and going on."""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from tierwise.events import AnswerReady, Event, TurnFailed
from tierwise.graph.context import Services
from tierwise.runtime.approvals import decide
from tierwise.runtime.sending import decide_sending
from tierwise.runtime.turn import go_on
from tierwise.storage import explained, is_damage
from tierwise.turns import Answer


class WaitingTurns(ABC):
    """The part of a copilot that takes turns up again."""

    _services: Services

    @abstractmethod
    def _check_open(self) -> None: ...

    @abstractmethod
    async def _running_graph(self) -> Any: ...

    async def decide(
        self,
        turn_id: str = "last",
        call_id: str | None = None,
        *,
        allow: bool,
        always: bool = False,
        arguments: dict[str, Any] | None = None,
        reason: str = "",
    ) -> str:
        """Store a person's yes or no to tool calls that wait; :meth:`stream_on` then goes on with their turn.

        Args:
            turn_id: the turn, a unique beginning of its id, or ``last``.
            call_id: one call, or a unique beginning of its id; by default all that wait.
            allow: yes or no.
            always: these tools, as they are now, need not ask again; in turns that have read untrusted text they do.
            arguments: run the one call with these instead.
            reason: for the model, if the answer is no.

        Returns:
            The turn's id.

        Raises:
            UsageError: for a turn or call that is not there or does not wait, or arguments that do not fit.
        """
        self._check_open()
        return await decide(
            self._services,
            turn_id,
            call_id,
            allow=allow,
            always=always,
            arguments=arguments,
            reason=reason,
        )

    async def decide_sending(self, turn_id: str, outgoing_id: str, *, allow: bool, without: Sequence[str] = ()) -> str:
        """Store a person's yes or no to what a turn would send; :meth:`stream_on` then goes on with it.

        Before it leaves, the request is built anew without the items that were taken out. If it then holds anything
        that was not shown, the turn waits again. A no holds for the whole turn: the draft that is there becomes the
        answer, else a tier on the device answers, unless this tier was asked for by name.

        Args:
            turn_id: the turn, a unique beginning of its id, or ``last``.
            outgoing_id: id of the request that was shown (``Answer.outgoing``).
            allow: yes or no.
            without: ids of items to take out; they stay here for later requests of the thread, too.

        Returns:
            The turn's id.

        Raises:
            UsageError: for a turn that is not there or does not wait, a request that is not the one that was shown, or
                an item that is not in it or cannot be taken out.
        """
        self._check_open()
        return await asyncio.to_thread(
            decide_sending, self._services, turn_id, outgoing_id, allow=allow, without=without
        )

    async def approve(
        self,
        turn_id: str = "last",
        call_id: str | None = None,
        *,
        always: bool = False,
        arguments: dict[str, Any] | None = None,
    ) -> Answer:
        """Say yes (:meth:`decide`) and go on (:meth:`stream_on`, drained).

        The decision is stored first: it is kept whatever happens then. With several calls waiting, the turn goes on
        with those that are decided on and waits for the others.
        """
        return await self.go_on(await self.decide(turn_id, call_id, allow=True, always=always, arguments=arguments))

    async def deny(self, turn_id: str = "last", call_id: str | None = None, *, reason: str = "") -> Answer:
        """Say no and go on; the model is told the reason. Takes and raises what :meth:`decide` does."""
        return await self.go_on(await self.decide(turn_id, call_id, allow=False, reason=reason))

    async def go_on(self, turn_id: str = "last") -> Answer:
        """Go on with a turn that was decided on, or whose program ended in the middle."""
        return await drained(self.stream_on(turn_id))

    async def stream_on(self, turn_id: str = "last") -> AsyncGenerator[Event, None]:
        """As :meth:`go_on`, with everything that happens as typed events; closing the iterator stops the turn.

        What is over is not done again. A call that was begun and is not known to be over is never simply repeated if it
        may have changed something: the turn then waits for a person.

        Raises:
            UsageError: if there is no such turn, or nothing to go on with.
            StoreError: if the turn's state is gone.
        """
        self._check_open()
        begun = False
        while True:
            graph = await self._running_graph()
            try:
                async with aclosing(go_on(graph, self._services, turn_id)) as events:
                    async for event in events:
                        begun = True
                        yield event
                return
            except sqlite3.Error as error:
                if begun or graph.checkpointer.damaged or not is_damage(error):
                    raise explained(self._services.settings.home / "threads.sqlite", error) from error
                graph.checkpointer.damaged = True  # it is opened anew, and put aside


async def drained(events: AsyncGenerator[Event, None]) -> Answer:
    """The answer at the end of a turn's events."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, AnswerReady | TurnFailed):
                answer = event.answer
    return answer

"""``Copilot``: the synchronous face of :class:`AsyncCopilot`."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from tierwise.events import Event
from tierwise.runtime.async_copilot import AsyncCopilot
from tierwise.runtime.background import BackgroundLoop
from tierwise.runtime.options import AgainOptions, AskOptions, Decision, RouteOptions
from tierwise.runtime.route import Route
from tierwise.runtime.running import RunningTurn
from tierwise.runtime.turn import new_thread_id
from tierwise.turns import Answer, Outgoing, TypedAnswer
from tierwise.types import ShowBeforeSending

if TYPE_CHECKING:
    from tierwise.config import Settings, Tier
    from tierwise.knowledge import Knowledge
    from tierwise.models.base import ChatModel
    from tierwise.record import Record
    from tierwise.runtime.calibrate import Calibrator, Estimate, Outcome, Progress
    from tierwise.runtime.improve import Improvable
    from tierwise.runtime.question_file import LabelledQuestion
    from tierwise_tools import Toolset

T = TypeVar("T")


class BlockingCalibrator:
    """A :class:`~tierwise.runtime.Calibrator` for synchronous code, with its names."""

    def __init__(self, calibrator: Calibrator, loop: BackgroundLoop) -> None:
        self._calibrator, self._loop = calibrator, loop

    def estimate(self) -> Estimate:
        """Time, money and questions that leave the device."""
        return self._loop.run(self._calibrator.estimate())

    def run(self, progress: Callable[[Progress], None] = lambda _: None) -> Outcome:
        """Let every tier answer, label and fit; ``progress`` is called in the copilot's own thread."""
        return self._loop.run(self._calibrator.run(progress))

    def save(self, outcome: Outcome) -> Path:
        """Put the calibration in the place of the one before."""
        return self._calibrator.save(outcome)


class Copilot:
    """Answers questions on this machine and asks a bigger model only when it must.

    Takes the arguments of :class:`AsyncCopilot` and has its names; its work runs on one background event loop.

    Example::

        from tierwise import Copilot

        with Copilot() as copilot:
            copilot.knowledge.ingest(["docs"])
            answer = copilot.ask("How long is the warranty?")
            print(answer.text, answer.tier, answer.citations)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._copilot = AsyncCopilot(*args, **kwargs)
        self._loop = BackgroundLoop()
        # Also runs when the copilot is dropped, and at the end of a program that never closed it.
        self._shut = weakref.finalize(self, _shut, self._copilot, self._loop)

    @property
    def settings(self) -> Settings:
        """The configuration in force."""
        return self._copilot.settings

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers, cheapest first."""
        return self._copilot.tiers

    @property
    def record(self) -> Record:
        """Decision records and threads."""
        return self._copilot.record

    @property
    def knowledge(self) -> Knowledge:
        """Documents."""
        return self._copilot.knowledge

    @property
    def graph(self) -> Any:
        """The compiled LangGraph graph."""
        return self._copilot.graph

    def model(self, tier: str) -> ChatModel:
        """The model behind a tier."""
        return self._copilot.model(tier)

    @overload
    def ask(self, question: str, *, returns: None = None, **options: Unpack[AskOptions]) -> Answer: ...

    @overload
    def ask(self, question: str, *, returns: type[T], **options: Unpack[AskOptions]) -> TypedAnswer[T]: ...

    @overload
    def ask(self, question: str, *, returns: Any, **options: Unpack[AskOptions]) -> TypedAnswer[Any]: ...

    def ask(self, question: str, *, returns: Any = None, **options: Unpack[AskOptions]) -> Answer:
        """Ask and wait for the answer; see :meth:`AsyncCopilot.ask`."""
        answer: Answer = self._loop.run(self._copilot.ask(question, returns=returns, **options))
        return answer

    def stream(self, question: str, **options: Unpack[AskOptions]) -> Iterator[Event]:
        """Ask and iterate over what happens; closing the iterator stops the turn; see :meth:`AsyncCopilot.stream`."""
        return self._loop.iterate(self._copilot.stream(question, **options))

    def start(self, question: str, **options: Unpack[AskOptions]) -> RunningTurn:
        """Ask, and go on at once: the turn runs in the background, whoever watches; takes what :meth:`ask` does.

        What is wrong with the question is told by the turn's ``error``, and nothing is stored then.
        """
        thread = options.get("thread") or new_thread_id()
        options["thread"] = thread
        return RunningTurn(
            self._copilot.stream(question, **options), self._loop, self.record, thread=thread, asked=question
        )

    def start_again(self, turn_id: str, *, tier: str = "auto", **options: Unpack[AgainOptions]) -> RunningTurn:
        """As :meth:`again`, in the background; see :meth:`start`.

        Raises:
            UnknownName: if there is no such turn.
        """
        old = self.record.get(turn_id)
        asked = options.get("question") or old.asked
        events = self._copilot.stream_again(old.turn_id, tier=tier, **options)
        return RunningTurn(events, self._loop, self.record, thread=old.thread, asked=asked)

    def start_on(self, turn_id: str = "last") -> RunningTurn:
        """As :meth:`go_on`, in the background; see :meth:`start`.

        Raises:
            UnknownName: if there is no such turn.
        """
        old = self.record.get(turn_id)
        events = self._copilot.stream_on(old.turn_id)
        return RunningTurn(events, self._loop, self.record, thread=old.thread, asked=old.asked)

    def again(self, turn_id: str, *, tier: str = "auto", **options: Unpack[AgainOptions]) -> Answer:
        """Ask the question of an earlier turn again; see :meth:`AsyncCopilot.again`."""
        return self._loop.run(self._copilot.again(turn_id, tier=tier, **options))

    def stream_again(self, turn_id: str, *, tier: str = "auto", **options: Unpack[AgainOptions]) -> Iterator[Event]:
        """As :meth:`again`, and iterate over what happens; closing the iterator stops the turn."""
        return self._loop.iterate(self._copilot.stream_again(turn_id, tier=tier, **options))

    def decide(self, turn_id: str = "last", call_id: str | None = None, **decision: Unpack[Decision]) -> str:
        """Store a person's yes or no without going on; see :meth:`AsyncCopilot.decide`."""
        return self._loop.run(self._copilot.decide(turn_id, call_id, **decision))

    def decide_sending(self, turn_id: str, outgoing_id: str, *, allow: bool, without: Sequence[str] = ()) -> str:
        """Store a person's yes or no to what a turn would send; see :meth:`AsyncCopilot.decide_sending`."""
        return self._loop.run(self._copilot.decide_sending(turn_id, outgoing_id, allow=allow, without=without))

    def outgoing(self, turn_id: str = "last", *, tier: str) -> Outgoing:
        """What asking a turn's question again would send; see :meth:`AsyncCopilot.outgoing`."""
        return self._loop.run(self._copilot.outgoing(turn_id, tier=tier))

    def approve(
        self,
        turn_id: str = "last",
        call_id: str | None = None,
        *,
        always: bool = False,
        arguments: dict[str, Any] | None = None,
    ) -> Answer:
        """Say yes to tool calls that wait, and go on; see :meth:`AsyncCopilot.approve`."""
        return self._loop.run(self._copilot.approve(turn_id, call_id, always=always, arguments=arguments))

    def deny(self, turn_id: str = "last", call_id: str | None = None, *, reason: str = "") -> Answer:
        """Say no to tool calls that wait, and go on; see :meth:`AsyncCopilot.deny`."""
        return self._loop.run(self._copilot.deny(turn_id, call_id, reason=reason))

    def go_on(self, turn_id: str = "last") -> Answer:
        """Go on with a turn that waited, or whose program ended in the middle; see :meth:`AsyncCopilot.go_on`."""
        return self._loop.run(self._copilot.go_on(turn_id))

    def stream_on(self, turn_id: str = "last") -> Iterator[Event]:
        """As :meth:`go_on`, and iterate over what happens; closing the iterator stops the turn."""
        return self._loop.iterate(self._copilot.stream_on(turn_id))

    def improvable(self, turn_ids: Sequence[str] | None = None, *, last: int | None = None) -> list[Improvable]:
        """The answers that a larger tier could improve; see :meth:`AsyncCopilot.improvable`."""
        return self._loop.run(self._copilot.improvable(turn_ids, last=last))

    def improve(
        self,
        turn_ids: Sequence[str] | None = None,
        *,
        last: int | None = None,
        show_before_sending: ShowBeforeSending | None = None,
    ) -> Iterator[Answer]:
        """Ask their questions of the tier that was missed, one after the other; see :meth:`AsyncCopilot.improve`."""
        return self._loop.iterate(self._copilot.improve(turn_ids, last=last, show_before_sending=show_before_sending))

    def toolset(self) -> Toolset:
        """The tools that models may call; see :meth:`AsyncCopilot.toolset`."""
        return self._loop.run(self._copilot.toolset())

    def route(self, question: str, **options: Unpack[RouteOptions]) -> Route:
        """What would be chosen for a question, without drafting; see :meth:`AsyncCopilot.route`."""
        return self._loop.run(self._copilot.route(question, **options))

    def calibrator(self, questions: Sequence[LabelledQuestion], *, folder: Path | None = None) -> BlockingCalibrator:
        """What calibrates the choice of a tier on labelled questions; see :meth:`AsyncCopilot.calibrator`."""
        return BlockingCalibrator(self._copilot.calibrator(questions, folder=folder), self._loop)

    def close(self) -> None:
        """End the models' processes and close the stores; safe to call twice, and done at the program's end."""
        self._shut()

    def __enter__(self) -> Copilot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _shut(copilot: AsyncCopilot, loop: BackgroundLoop) -> None:
    if loop.is_own_thread():  # the garbage collector runs in any thread, and this one must not wait for itself
        threading.Thread(target=_shut, args=(copilot, loop), daemon=True).start()
        return
    loop.end_begun()
    loop.run(copilot.aclose())
    loop.close()

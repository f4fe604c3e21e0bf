"""``AsyncCopilot``: the one implementation; everything else drains its streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, cast, overload

from tierwise.config import Settings, Tier, load_settings
from tierwise.errors import InvalidOutput, StoreError, UnknownName, UsageError
from tierwise.events import Event
from tierwise.models.base import ChatModel, Embedder
from tierwise.models.schemas import check, prepare
from tierwise.runtime.again import prepare_again
from tierwise.runtime.assemble import assemble
from tierwise.runtime.improve import Improving
from tierwise.runtime.message import first_state
from tierwise.runtime.options import AgainOptions, AskOptions, RouteOptions
from tierwise.runtime.route import Route, find_route
from tierwise.runtime.sending import would_leave
from tierwise.runtime.turn import run_turn
from tierwise.runtime.waiting_turns import WaitingTurns, drained
from tierwise.turns import Answer, Outgoing, TypedAnswer
from tierwise_tools import Toolset

if TYPE_CHECKING:
    from tierwise.graph import Node
    from tierwise.graph.state import TurnState
    from tierwise.knowledge import Knowledge
    from tierwise.knowledge.base import Retriever
    from tierwise.record import Record
    from tierwise.routing.base import Router
    from tierwise.runtime.calibrate import Calibrator
    from tierwise.runtime.question_file import LabelledQuestion
    from tierwise.runtime.typed import Returns
    from tierwise.verify.base import Verifier
    from tierwise_tools import Tool, ToolSource

T = TypeVar("T")


class AsyncCopilot(WaitingTurns, Improving):
    """Answers questions on this machine and asks a bigger model only when it must.

    Args:
        tiers: cheapest first; by default those of the configuration, else the embedded model alone.
        settings: by default read from ``tierwise.toml`` and the environment.
        home: folder of the stores, overriding ``settings``.
        retriever: finds passages, in place of the built-in :class:`~tierwise.knowledge.Knowledge`.
        embedder: makes vectors, in place of the configured one or MiniLM; it must be on the device.
        router: assesses questions before drafting.
        verifier: checks drafts.
        tools: functions, :class:`~tierwise_tools.Tool` objects, toolsets and sources of tools, in place of those that
            the configuration enables.
        nodes: nodes of one's own in the graph, see :class:`~tierwise.graph.Node`.

    Raises:
        ConfigError: if the configuration cannot be used.
        StoreError: if the home folder cannot be used.
    """

    def __init__(
        self,
        tiers: Sequence[Tier] | None = None,
        *,
        settings: Settings | None = None,
        home: Path | str | None = None,
        retriever: Retriever | None = None,
        embedder: Embedder | None = None,
        router: Router | None = None,
        verifier: Verifier | None = None,
        tools: Iterable[Tool[..., Any] | Toolset | ToolSource | Callable[..., Any]] | None = None,
        nodes: Sequence[Node] = (),
    ) -> None:
        settings = settings or load_settings(home=home)
        if home is not None:
            settings = replace(settings, home=Path(home).expanduser().absolute())
        if tiers is not None:
            settings = replace(settings, tiers=tuple(tiers))
        self._services = assemble(
            settings, retriever=retriever, embedder=embedder, router=router, verifier=verifier, tools=tools
        )
        self._nodes = tuple(nodes)
        self._opening: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @property
    def settings(self) -> Settings:
        """The configuration in force."""
        return self._services.settings

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers, cheapest first."""
        return self._services.tiers

    @property
    def record(self) -> Record:
        """Decision records and threads; synchronous, safe to use from any thread."""
        return self._services.record

    @property
    def knowledge(self) -> Knowledge:
        """Documents; synchronous, safe to use from any thread. It is whatever was passed as ``retriever``, if any."""
        return cast("Knowledge", self._services.retriever)

    @property
    def graph(self) -> Any:
        """The compiled LangGraph graph, for drawing or for building upon; without a checkpoint store."""
        from tierwise.graph import build_graph

        return build_graph(extra=self._nodes)

    def model(self, tier: str) -> ChatModel:
        """The model behind a tier.

        Raises:
            UnknownName: if there is no such tier.
        """
        if tier not in self._services.models:
            raise UnknownName(f"There is no tier {tier!r}.", fix=f"Tiers: {', '.join(self._services.models)}.")
        return self._services.models[tier]

    @overload
    async def ask(self, question: str, *, returns: None = None, **options: Unpack[AskOptions]) -> Answer: ...

    @overload
    async def ask(self, question: str, *, returns: type[T], **options: Unpack[AskOptions]) -> TypedAnswer[T]: ...

    @overload
    async def ask(self, question: str, *, returns: Any, **options: Unpack[AskOptions]) -> TypedAnswer[Any]: ...

    async def ask(self, question: str, *, returns: Any = None, **options: Unpack[AskOptions]) -> Answer:
        """Ask and wait for the answer: :meth:`stream`, drained.

        What goes wrong inside the turn does not raise: ``answer.status`` and ``answer.error`` say it, and
        ``answer.raise_for_status()`` raises it.

        Args:
            question: the message.
            returns: a type: a pydantic model, dataclass, TypedDict, ``list[str]``, ``int`` ...; ``answer.value`` is
                then a value of it. A text that the type refuses is never an answer: the next tier is asked.
            options: ``thread``, ``tier``, ``dial``, ``lock``, ``collection``, ``offline``, ``schema``, ``adapter``,
                ``show_before_sending`` ...; see :class:`~tierwise.runtime.options.AskOptions`.

        Raises:
            UsageError: for an empty question, a name that does not exist, or a schema that cannot be kept.
            StoreError: if the message cannot be stored.
        """
        typed: Returns[Any] | None = None
        if returns is not None:
            if options.get("schema") is not None:
                raise UsageError("A question has either a type (returns) or a schema.", fix="Leave one of them out.")
            from tierwise.runtime.typed import Returns

            wanted: Returns[Any] = await asyncio.to_thread(Returns, returns)
            typed, options["schema"] = wanted, wanted.schema
        answer = await drained(self._events(question, options, typed.read if typed else None))
        if typed is None:
            return answer
        has_value = answer.status == "done" and not answer.calls
        try:
            return TypedAnswer.of(answer, (typed.read(answer.text),) if has_value else ())
        except InvalidOutput:
            if answer.finish != "length":
                raise
            return TypedAnswer.of(answer, ())  # the caller's own max_tokens has cut it

    async def stream(self, question: str, **options: Unpack[AskOptions]) -> AsyncGenerator[Event, None]:
        """Ask and get everything that happens as typed events; closing the iterator stops the turn.

        Takes and raises what :meth:`ask` does, but for ``returns``: pass ``schema``.
        """
        async with aclosing(self._events(question, options, None)) as events:
            async for event in events:
                yield event

    async def again(self, turn_id: str, *, tier: str = "auto", **options: Unpack[AgainOptions]) -> Answer:
        """Ask the question of an earlier turn again, in the same thread: :meth:`stream_again`, drained.

        Once the new answer is there, and by the tier that was asked, it takes the place of the old one, which is marked
        as overruled (``DecisionRecord.overruled``): models do not read it any more, people do.

        Args:
            turn_id: the turn, a unique beginning of its id, or ``last``.
            tier: ``auto``, ``quick``, ``deep`` or a tier's name, also the one that answered; a locked turn is never
                answered off the device.
            options: ``question``, ``dial``, ``lock``, ``offline``, ``schema``, ``adapter``; see
                :class:`~tierwise.runtime.options.AgainOptions`.

        Raises:
            UsageError: for a turn or tier that does not exist, a turn that is not over, or was overruled before.
            StoreError: if the message cannot be stored.
        """
        return await drained(self.stream_again(turn_id, tier=tier, **options))

    async def stream_again(
        self, turn_id: str, *, tier: str = "auto", **options: Unpack[AgainOptions]
    ) -> AsyncGenerator[Event, None]:
        """As :meth:`again`, with everything that happens as typed events; closing the iterator stops the turn."""
        again = await asyncio.to_thread(prepare_again, self.record, self.tiers, turn_id, tier, options)
        async with aclosing(self._events(again.question, again.options, None, again.overrules)) as events:
            async for event in events:
                yield event

    async def outgoing(self, turn_id: str = "last", *, tier: str) -> Outgoing:
        """What asking the question of an earlier turn again (:meth:`again`) would send; nothing is sent or stored.

        The passages are those that the turn found; tools whose sources have not been opened yet are not in it.

        Args:
            turn_id: the turn, a unique beginning of its id, or ``last``.
            tier: ``quick``, ``deep`` or a tier's name; for one on the device nothing leaves, and it costs nothing.

        Raises:
            UsageError: as :meth:`again`.
            Blocked: if the turn is locked, or tierwise is offline, and the tier is not on the device.
        """
        if tier == "auto":
            raise UsageError("What leaves depends on the tier.", fix="Name one.")
        again = await asyncio.to_thread(prepare_again, self.record, self.tiers, turn_id, tier, AgainOptions())
        state = self._state(again.question, **again.options)
        state["overrules"] = again.overrules
        old = await asyncio.to_thread(self.record.get, again.overrules["turn_id"])
        return await would_leave(self._services, old, state)

    async def toolset(self) -> Toolset:
        """The tools that models may call, their sources opened, with what had to be set aside."""
        self._check_open()
        await self._services.shelf.open(stays=self.settings.locked or self.settings.offline)
        return Toolset(tuple(self._services.shelf.tools.values()), self._services.shelf.problems)

    async def _events(
        self,
        question: str,
        options: AskOptions,
        accepts: Callable[[str], object] | None,
        overrules: dict[str, Any] | None = None,
    ) -> AsyncGenerator[Event, None]:
        state = self._state(question, **options)
        state["overrules"] = overrules
        if (schema := state["schema"]) is not None:
            state["schema"] = await asyncio.to_thread(prepare, schema)  # a large one takes a while
            if accepts is None:
                accepts = partial(check, schema=schema)  # the caller's own words, not what was made of them
        graph = await self._running_graph()
        async with aclosing(run_turn(graph, self._services, state, accepts=accepts)) as events:
            async for event in events:
                yield event

    async def route(self, question: str, **options: Unpack[RouteOptions]) -> Route:
        """What would be chosen for a question, without drafting and without leaving a record.

        Takes the options of :meth:`ask` but ``thread``.

        Raises:
            UsageError: for an empty question or a name that does not exist.
            Blocked: if no tier may answer.
        """
        return await find_route(self._services, self._state(question, **options))

    def calibrator(self, questions: Sequence[LabelledQuestion], *, folder: Path | None = None) -> Calibrator:
        """What calibrates the choice of a tier on labelled questions; see :class:`~tierwise.runtime.Calibrator`.

        Raises:
            InvalidInput: if there is only one tier, or no questions.
        """
        from tierwise.runtime.calibrate import Calibrator

        return Calibrator(self._services, questions, folder=folder)

    def leave_turns(self) -> None:
        """Say that the program is about to end: turns begun with ``goes_on`` that are stopped go on elsewhere."""
        self._services.leaving.set()

    async def aclose(self) -> None:
        """End the models' processes and close the stores; safe to call twice."""
        self._closed = True
        await self._close_graph()
        for model in self._services.models.values():
            await model.aclose()
        await self._services.shelf.aclose()
        for part in (self._services.retriever, self._services.embedder):
            close = getattr(part, "close", None)
            if close is not None:
                close()
        self._services.record.close()

    async def __aenter__(self) -> AsyncCopilot:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _state(self, question: str, **options: Any) -> TurnState:
        self._check_open()
        return first_state(self.settings, self.tiers, question, **options)

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("The copilot is closed.", fix="Make a new one.")

    async def _running_graph(self) -> Any:
        """The graph with its checkpoint store, which belongs to one event loop: another loop gets a new one.

        Raises:
            StoreError: if the store cannot be opened.
        """
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._opening is None or _is_stale(self._opening):
            await self._close_graph()
        if self._opening is None:  # turns that begin together share one store
            self._loop = loop
            self._opening = loop.create_task(self._open_graph())
        try:
            return await asyncio.shield(self._opening)
        except StoreError:
            self._opening = None
            raise

    async def _open_graph(self) -> Any:
        from tierwise.graph import build_graph
        from tierwise.graph.checkpoints import open_checkpoints

        saver = await open_checkpoints(self.settings.home, self.record)
        if self._nodes:  # nobody knows what such a node has cost
            saver.worth = None
        return build_graph(saver, self._nodes)

    async def _close_graph(self) -> None:
        opening, self._opening = self._opening, None
        if opening is None:
            return
        if self._loop is asyncio.get_running_loop():
            await (await opening).checkpointer.conn.close()
        elif opening.done() and not opening.cancelled() and opening.exception() is None:
            stopped = opening.result().checkpointer.conn.stop()  # its loop is gone: close() cannot be awaited
            if stopped is not None:
                await stopped


def _is_stale(opening: asyncio.Task[Any]) -> bool:
    """Whether the checkpoint store was damaged, or another process has put it aside."""
    if not opening.done() or opening.cancelled() or opening.exception() is not None:
        return False
    return bool(opening.result().checkpointer.stale)

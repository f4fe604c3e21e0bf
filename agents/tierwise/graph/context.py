"""What the nodes work with but the state must not hold: models, stores, and the way to the listener."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from tierwise.callers import Caller
from tierwise.config import Settings, Tier
from tierwise.errors import ModelError
from tierwise.events import Event
from tierwise.graph.health import Deadline, Health
from tierwise.graph.shelf import ToolShelf
from tierwise.graph.state import TurnState
from tierwise.models.base import ChatModel, Embedder
from tierwise.routing.budget import Cap, obstacles
from tierwise.routing.choose import TierState
from tierwise.routing.dial import Window
from tierwise.types import Usage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tierwise.knowledge.base import Retriever
    from tierwise.record import Record
    from tierwise.routing.base import Router
    from tierwise.verify.base import Verifier

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Services:
    """The parts a copilot is made of; the same for all its turns.

    Attributes:
        settings: the configuration in force.
        tiers: cheapest first.
        models: the model of each tier by the tier's name.
        record: decision records.
        retriever: finds passages; ``None`` answers without documents.
        embedder: for the question's vector and the support of claims; ``None`` does without.
        router: assesses a question.
        verifier: checks a draft.
        shelf: what models may call.
        calibration: id of the calibration in force, ``None`` without one.
        windows: by drafting tier, the gains that were expected lately, from which the dial's line is solved.
        calibration_problem: why the calibration that is there is not used.
        health: which tiers rest because they fail, and the retries that all turns share.
        leaving: set once the program is about to end: what is stopped then and is to go on unasked, goes on elsewhere.
    """

    settings: Settings
    tiers: tuple[Tier, ...]
    models: Mapping[str, ChatModel]
    record: Record
    retriever: Retriever | None
    embedder: Embedder | None
    router: Router
    verifier: Verifier
    shelf: ToolShelf
    calibration: str | None = None
    windows: Mapping[str, Window] = field(default_factory=dict)
    calibration_problem: str | None = None
    health: Health = field(default_factory=Health)
    leaving: threading.Event = field(default_factory=threading.Event)

    def window(self, tier: str) -> Window | None:
        """The gains that were expected lately of going up from a tier; ``None`` without calibration."""
        return self.windows.get(tier)

    def tier(self, name: str) -> Tier:
        """The tier of that name."""
        return next(t for t in self.tiers if t.name == name)

    def tier_states(self, down: Mapping[str, str] | None = None, caps: Sequence[Cap] = ()) -> tuple[TierState, ...]:
        """Every tier as the rules see it; one that rests because it fails is down.

        Args:
            down: tiers that already failed in this turn, with the reason.
            caps: of the budget, with what is spent.
        """
        states = []
        for tier in self.tiers:
            window, adapters, problem = 0, True, (down or {}).get(tier.name)
            rest = self.health.rest(tier.name)
            if problem is None and rest is not None:
                problem = f"it {rest.text()}"
            try:
                can = self.models[tier.name].capabilities
                window, adapters = can.context_window, can.adapters
            except ModelError as error:
                problem = problem or str(error)
            spent = obstacles(tier.name, caps) if tier.costs else ()
            state = TierState(tier.name, tier.stays_on_device, window, problem, adapters, spent)
            if spent:
                state = replace(state, raise_it=next(cap for cap in caps if cap.reached).raise_it)
            states.append(replace(state, rests=rest.seconds) if rest is not None else state)
        return tuple(states)


@dataclass
class Live:
    """The model step that began last; read when the turn ends before the state knows what came of it."""

    attempt: int
    tier: str
    model: str
    before: TurnState  # the turn as it was when the step began
    text: str = ""
    started: float = field(default_factory=time.perf_counter)
    sent: dict[str, Any] | None = None  # what left with the request, if anything did; see TurnState.sent
    prompt: dict[str, int] = field(default_factory=dict)  # see turns.Attempt
    told: TurnState = field(default_factory=TurnState)  # what became of passages and tools in its prompt
    usage: Usage = field(default_factory=Usage)  # of the attempt's steps that are over

    @property
    def number(self) -> int:
        """Which model step of the turn this is, from 1; the state has it as ``step`` once it knows the outcome."""
        return self.before.get("step", 0) + 1


@dataclass
class TurnContext:
    """One turn's context: the services, and what lives only as long as the process.

    Attributes:
        services: the copilot's parts.
        turn_id: the turn.
        vector: embedding of the question, shape ``(dimension,)``, once it is known.
        live: the last model step.
        started: ``time.perf_counter()`` at the beginning of the turn's work; set back when a turn goes on.
        seq: number of the last event.
        within: the turn whose tool asks, if one does.
        recorded: how the turn ended has been stored.
        caps: of the budget, with what had been spent when it was looked at last, this turn's own money included.
        accepts: raises :class:`~tierwise.errors.InvalidOutput` for a text that is not what was asked for, where more
            was asked than the state's schema says.
        listener: is told the events; without one they go through the graph's stream.
        caller: who asks through an API, with what may be spent for it.
    """

    services: Services
    turn_id: str
    vector: NDArray[np.float32] | None = None
    live: Live | None = None
    started: float = field(default_factory=time.perf_counter)
    seq: int = 0
    within: str | None = None
    recorded: bool = False
    caps: tuple[Cap, ...] = ()
    accepts: Callable[[str], object] | None = None
    listener: Callable[[Event], None] | None = None
    caller: Caller | None = None

    def event(self, kind: type[E], **fields: Any) -> E:
        """The next event of this turn."""
        self.seq += 1
        return kind(turn_id=self.turn_id, seq=self.seq, **fields)

    @property
    def deadline(self) -> Deadline:
        """How long it may still ask tiers."""
        return Deadline(self.services.settings.deadline, self.started)

    def elapsed_ms(self) -> float:
        """Milliseconds since the turn began."""
        return (time.perf_counter() - self.started) * 1000

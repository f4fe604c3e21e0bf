"""Trying tiers on questions as turns would, without leaving a trace in the record: what calibration learns from."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tierwise.config import Budget
from tierwise.events import AnswerReady, TurnFailed
from tierwise.graph import build_graph
from tierwise.graph.context import Services
from tierwise.graph.shelf import ToolShelf
from tierwise.graph.state import TurnState
from tierwise.record import Record
from tierwise.routing.calibration.fit import LOOKS
from tierwise.routing.rules import RuleRouter
from tierwise.runtime.turn import new_turn_id, run_turn
from tierwise.turns import DecisionRecord
from tierwise.types import Draft, Verdict, Wish
from tierwise.verify.base import Verifier
from tierwise.verify.evidence import plain_failures
from tierwise_tools import Toolset


@dataclass(frozen=True)
class Trial:
    """One tier's try at one question.

    Attributes:
        record: the turn's.
        features: of its draft, further looks included.
        failed: the draft fails plainly.
    """

    record: DecisionRecord
    features: dict[str, float]
    failed: bool


class Trials:
    """Runs single tiers through the real graph: same retrieval, same prompt, same measurements.

    Args:
        services: a copilot's parts; their models may be wrapped to keep answers. Tools are not called.
        record: takes the turns.
    """

    def __init__(self, services: Services, record: Record) -> None:
        verifier = _LookingAtEverything(services.verifier)
        self._services = replace(
            services,
            # Whoever has read the estimate and said yes has set the budget for it; answers that were kept cost nothing.
            settings=replace(services.settings, budget=Budget()),
            record=record,
            router=RuleRouter(),
            verifier=verifier,
            shelf=ToolShelf(Toolset()),
            calibration=None,
            windows={},
        )
        self._graph = build_graph()

    async def run(self, question: str, tier: str, *, looks: bool, offline: bool) -> Trial:
        """Let a tier answer.

        Args:
            question: the question.
            tier: the tier's name.
            looks: have every further look at the draft.
            offline: refuse tiers that are not on the device.
        """
        state: TurnState = {
            "turn_id": new_turn_id(),
            "thread": f"trial-{new_turn_id()}",
            "asked": question,
            "created": time.time(),
            "requested": tier,
            "dial": "balanced",
            "locked": False,
            "offline": offline,
            "collection": None,
            "schema": None,
            "adapter": None,
        }
        services = self._services if looks else replace(self._services, verifier=self._services.verifier.inner)  # type: ignore[attr-defined]
        services = replace(services, tiers=(services.tier(tier),))  # where it fails, no other answers in its place
        async for event in run_turn(self._graph, services, state):
            if isinstance(event, AnswerReady | TurnFailed):
                turn = services.record.get(event.answer.turn_id)
        prefix = f"{tier}."
        features = {k.removeprefix(prefix): v for k, v in turn.features.items() if k.startswith(prefix)}
        return Trial(turn, features, bool(features.pop("failed", 0.0)))


class _LookingAtEverything:
    """A verifier that accepts every draft once everything has been measured of it."""

    def __init__(self, inner: Verifier) -> None:
        self.inner = inner

    async def verify(self, draft: Draft, *, dial: Wish = "balanced") -> Verdict:
        verdict = await self.inner.verify(draft, dial=dial)
        features = {**verdict.features, "failed": float(bool(plain_failures(draft, verdict.features)))}
        look = next((look for look in LOOKS if look not in draft.looks_had), None)
        if look is None or features["failed"] or draft.evidence is None:
            return Verdict("accept", None, (), features)
        return Verdict("look", None, (), features, look=look)


@asynccontextmanager
async def trials(services: Services) -> AsyncIterator[Trials]:
    """Trials with a record of their own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tierwise-trial-") as folder:
        record = Record(Path(folder))
        try:
            yield Trials(services, record)
        finally:
            record.close()


def kept(models: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Each tier's model with its answers kept in a file of the folder, so that a run can be taken up again."""
    from tierwise.models.kept import KeptModel

    return {name: KeptModel(model, folder / f"{name}.jsonl") for name, model in models.items()}

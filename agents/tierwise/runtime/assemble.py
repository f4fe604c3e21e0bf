"""The parts of a copilot, made from its settings where the caller brought none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise.config import Settings, Tier
from tierwise.errors import ConfigError, ModelError
from tierwise.graph.context import Services
from tierwise.home import open_home
from tierwise.models import open_embedder, open_model
from tierwise.models.base import Capabilities, ChatModel, ChatRequest, Chunk, Embedder, require_on_device
from tierwise.record import Record
from tierwise.routing.rules import RuleRouter
from tierwise.runtime.calibrated import use_calibration
from tierwise.runtime.evidence_cards import evidence_for
from tierwise.runtime.toolbelt import make_shelf
from tierwise.verify.evidence import EvidenceVerifier
from tierwise.verify.remember import Remembering

if TYPE_CHECKING:
    from tierwise.knowledge.base import Retriever
    from tierwise.routing.base import Router
    from tierwise.verify.base import Verifier

EMBEDDED = Tier("quick", "llama:smollm2-135m", max_tokens=256)


def assemble(
    settings: Settings,
    *,
    retriever: Retriever | None,
    embedder: Embedder | None,
    router: Router | None,
    verifier: Verifier | None,
    tools: Iterable[Any] | None,
) -> Services:
    """Make the parts that were not brought along. Nothing heavy is loaded until it is used.

    Raises:
        ConfigError: if the tiers cannot be used together, or the embedder is not on the device.
        StoreError: if the home folder or the record cannot be opened.
    """
    tiers = settings.tiers or (EMBEDDED,)
    names = [t.name for t in tiers]
    if len(set(names)) != len(names):
        raise ConfigError(f"Two tiers have the same name: {', '.join(names)}.", fix="Give each its own name.")
    open_home(settings.home)
    embedder = embedder or open_embedder(settings.embedder)
    require_on_device(embedder)
    if retriever is None:
        from tierwise.knowledge import Knowledge

        narrow = tiers[0].model_name == EMBEDDED.model_name  # it loses itself in long passages
        retriever = Knowledge(
            settings.home,
            embedder,
            offline=settings.offline or settings.locked,
            connectors=settings.connectors,
            narrow=narrow,
        )
    embedder = Remembering(embedder)  # what is embedded to verify a draft is not embedded again to cite it
    record = Record(settings.home, redact=settings.redact)
    calibrated = use_calibration(settings.home, tiers, embedder.identity, record)
    return Services(
        settings=replace(settings, tiers=tuple(tiers)),
        tiers=tuple(tiers),
        models={t.name: _open(t, settings.home) for t in tiers},
        record=record,
        retriever=retriever,
        embedder=embedder,
        router=router or calibrated.router or RuleRouter(),
        verifier=verifier or EvidenceVerifier(embedder, evidence_for, calibrated.judge),
        shelf=make_shelf(settings, tools),
        calibration=calibrated.id,
        windows=calibrated.windows,
        calibration_problem=calibrated.problem,
    )


def _open(tier: Tier, home: Path) -> ChatModel:
    try:
        return open_model(tier, home=home)
    except ModelError as error:
        return _Unusable(tier.model_name, error)


class _Unusable:
    """Stands for a model that cannot be opened, so that the other tiers can still answer."""

    def __init__(self, name: str, error: ModelError) -> None:
        self.name = name
        self._error = error

    @property
    def capabilities(self) -> Capabilities:
        raise self._error

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        raise self._error
        yield  # makes this a generator

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        raise self._error

    async def aclose(self) -> None:
        """Nothing to free."""

"""What the page knows of tiers and models before it draws them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import streamlit as st

from tierwise.errors import ModelNotInstalled, TierwiseError
from tierwise.models import (
    Card,
    DeviceProfile,
    Estimate,
    InstalledModel,
    catalogue,
    estimate,
    find_installed,
    installed_models,
    open_model,
    profile,
    unfinished,
)
from tierwise_app.model_trial import named_model

if TYPE_CHECKING:
    from tierwise.config import Tier

_OPENAI = "api.openai.com"
_LOOK_AGAIN = 30  # seconds until the free memory is looked at again


@dataclass(frozen=True, slots=True)
class TierFacts:
    """One tier as its card shows it.

    Attributes:
        tier: its entry.
        local: it is a ``llama:`` model.
        host: where a hosted one is asked; empty for a local one.
        cost: what a local one would cost here; ``None`` for others, or if its file cannot be read.
        card: what the catalogue knows of a local one.
        problem: why it cannot answer as far as that is known without asking it.
    """

    tier: Tier
    local: bool
    host: str = ""
    cost: Estimate | None = None
    card: Card | None = None
    problem: str = ""

    @property
    def key_set(self) -> bool | None:
        """Whether the variable of its key has a value; ``None`` if none is named."""
        return bool(os.environ.get(self.tier.api_key_env)) if self.tier.api_key_env else None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model as its card shows it.

    Attributes:
        name: as in ``llama:NAME``.
        title: for people.
        card: what the catalogue knows.
        here: the file, if it is here.
        cost: what it costs here; ``None`` if its file cannot be read.
        unfinished: bytes of a download that was broken off.
    """

    name: str
    title: str
    card: Card | None = None
    here: InstalledModel | None = None
    cost: Estimate | None = None
    unfinished: int = 0

    @property
    def bytes(self) -> int:
        """Of the file, here or at its source."""
        return self.here.size if self.here else self.card.file_bytes if self.card else 0

    @property
    def fits(self) -> bool:
        """Whether there is memory for it now."""
        return self.cost is not None and self.cost.fits


@st.cache_data(ttl=_LOOK_AGAIN, show_spinner=False)
def machine(home: Path) -> DeviceProfile:
    """This machine; the first time ever its memory is measured, for a third of a second."""
    return profile(home)


def measure_again(home: Path) -> None:
    """Measure this machine's memory once more: what was measured beside other work makes models look slow."""
    profile(home, fresh=True)
    machine.clear()


def tier_facts(tier: Tier, home: Path) -> TierFacts:
    """What can be said of a tier without asking it."""
    if not tier.model_name.startswith("llama:"):
        return TierFacts(tier, local=False, host=host_of(tier.base_url), problem=_problem(tier, home))
    name, path, card = named_model(tier), Path(tier.model_name.partition(":")[2]), None
    try:
        if name is not None:
            found = find_installed(name, home=home)
            path, card = found.path, found.card
        if problem := _known_problem(tier, home, _stamp(path)):
            return TierFacts(tier, local=True, problem=problem)
        cost = estimate(_header(path, _stamp(path)), machine(home), context=tier.context_window)
    except ModelNotInstalled as error:
        return TierFacts(tier, local=True, problem=error.what)  # what to do about it is a button
    except TierwiseError as error:
        return TierFacts(tier, local=True, card=card, problem=str(error))
    return TierFacts(tier, local=True, cost=cost, card=card)


def models(home: Path) -> list[ModelFacts]:
    """The catalogue, the smallest file first."""
    here = {model.name: model for model in installed_models(home=home)}
    device = machine(home)
    return [
        ModelFacts(
            known.name,
            known.title,
            known,
            here.get(known.name),
            estimate(known.header(), device),
            unfinished(known.name, home=home),
        )
        for known in catalogue()
    ]


def own_models(home: Path) -> list[ModelFacts]:
    """Model files that the catalogue does not know."""
    own = [model for model in installed_models(home=home) if model.card is None]
    return [ModelFacts(model.name, model.name, here=model, cost=_cost(model.path, home)) for model in own]


def host_of(base_url: str | None) -> str:
    """Where a hosted tier is asked: host and port."""
    if base_url is None:
        return _OPENAI
    parts = urlsplit(base_url)
    return parts.netloc.rpartition("@")[2] or base_url


def _cost(path: Path, home: Path) -> Estimate | None:
    try:
        return estimate(_header(path, _stamp(path)), machine(home))
    except TierwiseError:
        return None


def _problem(tier: Tier, home: Path) -> str:
    try:
        _ = open_model(tier, home=home).capabilities
    except TierwiseError as error:
        return str(error)
    return ""


# Reading a header takes a quarter of a second where the vocabulary is large, and the page is drawn at every click.


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when a file does; zeros if it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


@st.cache_resource(max_entries=64, show_spinner=False)
def _header(path: Path, stamp: tuple[int, int]) -> Any:
    """The header of a file, as ``estimate`` takes it."""
    return InstalledModel(path.name, path, stamp[0]).header()


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs={"tierwise.config.settings.Tier": repr})
def _known_problem(tier: Tier, home: Path, stamp: tuple[int, int]) -> str:
    return _problem(tier, home)

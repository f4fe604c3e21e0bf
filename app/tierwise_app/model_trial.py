"""Trying a tier or a model for real, once it is known that it may be asked and its file is whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise.errors import Blocked, UnknownName
from tierwise_app.checks import offline_word
from tierwise_app.probe import Probe, probe

if TYPE_CHECKING:
    from tierwise.config import Settings, Tier


@dataclass(frozen=True, slots=True)
class Trial:
    """How a trial went.

    Attributes:
        found: what was measured.
        expected: tokens/s as estimated from the machine and the file's header; ``None`` where nothing is known.
    """

    found: Probe
    expected: float | None = None


def tier_or_model(known: Mapping[str, Tier], name: str, home: Path) -> Tier:
    """The tier of that name, else one made of the model of that name.

    Raises:
        UnknownName: if there is neither.
        ModelNotInstalled: if only the catalogue has it.
    """
    from tierwise.config import Tier
    from tierwise.models import locate

    if name in known:
        return known[name]
    model = name.removeprefix("llama:")
    try:
        locate(model, home=home)
    except UnknownName:
        raise UnknownName(
            f"There is no tier or model {name!r}.", fix=f"Tiers: {', '.join(known)}; models: tierwise models list."
        ) from None
    return Tier(model, f"llama:{model}")


def try_tier(tier: Tier, settings: Settings, *, wanted: Callable[[], bool] = lambda: True) -> Trial:
    """Load a tier, write eight tokens with it and have it call a tool. A hosted one costs a few tokens.

    Args:
        tier: which.
        settings: the configuration in force.
        wanted: once it is false the trial ends.

    Raises:
        TierwiseError: the reason why it cannot answer.
    """
    if (why := offline_word(settings)) and not tier.stays_on_device:
        raise Blocked(f"tierwise is {why}, and {tier.name} is not on this device: it is not asked.")
    _check_file(tier, settings.home)
    return Trial(probe(tier, settings.home, tools=True, wanted=wanted), _expected(tier, settings.home))


def _check_file(tier: Tier, home: Path) -> None:
    """Compare the whole file with its SHA-256: a trial is the moment to find a damaged disk."""
    from tierwise.models import find_installed

    if (name := named_model(tier)) is not None:
        find_installed(name, home=home).check()


def _expected(tier: Tier, home: Path) -> float | None:
    from tierwise.models import estimate, find_installed, profile

    name = named_model(tier)
    if name is None:
        return None
    return estimate(find_installed(name, home=home).header(), profile(home), context=tier.context_window).tokens_per_s


def named_model(tier: Tier) -> str | None:
    """The name of a tier's local model; ``None`` if it is hosted, or a path."""
    kind, _, name = tier.model_name.partition(":")
    by_name = kind == "llama" and not (name.endswith(".gguf") or "/" in name or "\\" in name)
    return name if by_name else None

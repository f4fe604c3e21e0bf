"""What calibration has learned about the user's own questions: heads, how much each look tells, and the gains."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tierwise.errors import ConfigError, StoreError
from tierwise.fitting.logistic import Head
from tierwise.home import open_home, private
from tierwise.jsonable import from_json, to_json
from tierwise.types import Look

VERSION = 1
FILE = "calibration.json"


@dataclass(frozen=True)
class Stage:
    """What can be said at one point of a turn.

    Attributes:
        heads: by tier, the chance that it is right: the drafting tier and those above it.
        spread: how far what is known here moves the gain from what was known before it (standard deviation); 0 if it
            tells nothing that can be relied on.
        auroc: cross-validated, of the drafting tier's head; ``None`` if all labels are alike.
        brier: the same.
    """

    heads: dict[str, Head]
    spread: float
    auroc: float | None
    brier: float


@dataclass(frozen=True)
class DraftStages:
    """Everything about the drafts of one tier.

    Attributes:
        higher: the tiers above it, cheapest first.
        effort: cost of a call of each of them, in calls of the largest.
        draft: after drafting.
        looks: after further looks, each with those before it; in the order in which they are had.
        asked: before drafting, from the question alone; ``None`` if it has not proven itself on these questions.
        begun: after the first :attr:`begun_tokens` tokens; ``None`` if they tell nothing.
        begun_tokens: how many.
        begun_left: mean share of a draft that is not yet written by then.
        beyond_asked: how far everything that a draft and the looks at it tell moves the gain from what the question
            alone told (standard deviation).
        gains: cross-validated gains of the questions it was fitted on, all looks had.
    """

    higher: tuple[str, ...]
    effort: dict[str, float]
    draft: Stage
    looks: dict[Look, Stage]
    asked: Stage | None
    begun: Stage | None
    begun_tokens: int
    begun_left: float
    beyond_asked: float
    gains: tuple[float, ...]


@dataclass(frozen=True)
class Calibration:
    """A calibration for one set of tiers, made by ``tierwise router calibrate``.

    Attributes:
        id: short and unique.
        created: seconds since 1970.
        questions: how many it was fitted on.
        source: where they came from.
        models: model of each tier, by the tier's name: for others it says nothing.
        encoder: identity of the embedder.
        prompt: hash of the system text, which the drafts depend on.
        drafts: by drafting tier.
        figures: the report's figures, for ``tierwise router show``.
    """

    id: str
    created: float
    questions: int
    source: str
    models: dict[str, str]
    encoder: str
    prompt: str
    drafts: dict[str, DraftStages]
    figures: dict[str, Any] = field(default_factory=dict)
    version: int = VERSION

    def mismatch(self, models: Mapping[str, str], encoder: str, prompt: str) -> str | None:
        """Why it says nothing about a configuration, in a few words; ``None`` if it does."""
        if dict(models) != self.models:
            was = ", ".join(f"{tier}={model}" for tier, model in self.models.items())
            return f"it was made for {was}"
        if encoder != self.encoder:
            return f"it was made with the embedder {self.encoder}"
        if prompt != self.prompt:
            return "it was made with another system text"
        return None


def load_calibration(home: Path) -> Calibration | None:
    """The calibration in the home folder; ``None`` if there is none.

    Raises:
        StoreError: if the file cannot be read.
        ConfigError: if it is damaged, or of another version.
    """
    path = home / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", fix="Correct its permissions.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is damaged.", fix="Make it anew: tierwise router calibrate.") from error
    if not isinstance(data, dict) or data.get("version") != VERSION:
        raise ConfigError(
            f"{path} was made by another version of tierwise.", fix="Make it anew: tierwise router calibrate."
        )
    try:
        return from_json(Calibration, data)
    except ValueError as error:
        raise ConfigError(f"{path} is damaged.", fix="Make it anew: tierwise router calibrate.") from error


def save_calibration(home: Path, calibration: Calibration) -> Path:
    """Put a calibration in the place of the one before, wholly or not at all.

    Raises:
        StoreError: if it cannot be written.
    """
    path = open_home(home) / FILE
    part = private(path.with_suffix(".part"))
    try:
        part.write_text(json.dumps(_finite(to_json(calibration)), indent=1), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}.", fix="Check the free space.") from error
    return path


def _finite(value: Any) -> Any:
    """JSON has no NaN; a figure that is not known is null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list) else value

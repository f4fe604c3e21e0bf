"""The evidence card of a model: how its drafts' features add up to a chance of being right, and where the line is."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from tierwise.errors import ConfigError
from tierwise.signals import ALL
from tierwise.types import Dial, Wish


@dataclass(frozen=True)
class MadeFrom:
    """Where a card's figures come from: which questions, how many, when, by which command."""

    questions: str
    n: int
    date: str
    command: str


@dataclass(frozen=True)
class EvidenceCard:
    """A logistic model over a draft's features: ``p_good = 1 / (1 + exp(-(intercept + sum(weight * z))))``.

    ``z`` is ``(value - mean) / scale``. A feature that a draft does not have adds nothing: it is neither good nor bad.

    Attributes:
        model: whose drafts it describes.
        made_from: its origin.
        features: names, in the order of the four tuples below.
        means: of the features over the drafts that have them.
        scales: their standard deviations, above 0.
        weights: per standard deviation, in logits.
        intercept: in logits.
        accept_at: lowest ``p_good`` of an accepted draft, per dial.
        auroc: cross-validated area under the ROC curve; 0.5 is chance, 1 is perfect.
        brier: cross-validated mean squared error of ``p_good``; lower is better.
        base_rate: share of right drafts in the questions; always guessing it has a Brier score of ``b * (1 - b)``.
        calibrated: false for the cautious card of unknown models.
    """

    model: str
    made_from: MadeFrom
    features: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    accept_at: Mapping[Dial, float]
    auroc: float
    brier: float
    base_rate: float
    calibrated: bool = True

    def __post_init__(self) -> None:
        lengths = {len(self.features), len(self.means), len(self.scales), len(self.weights)}
        values = (*self.means, *self.scales, *self.weights, self.intercept, *self.accept_at.values())
        economy, balanced, quality = (self.accept_at[dial] for dial in ("economy", "balanced", "quality"))
        if len(lengths) != 1 or not all(map(math.isfinite, values)) or min(self.scales, default=1.0) <= 0:
            raise ValueError("features, means, scales and weights must match, and scales must be above 0")
        if not 0 <= economy <= balanced <= quality <= 1:
            raise ValueError("accept_at must rise from economy to quality, within [0, 1]")

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> EvidenceCard:
        """Read the ``[evidence]`` table of a catalogue card.

        Raises:
            ConfigError: if a field is missing or does not fit.
        """
        try:
            made = table["made_from"]
            accept = table["accept_at"]
            return cls(
                model=str(table["model"]),
                made_from=MadeFrom(str(made["questions"]), int(made["n"]), str(made["date"]), str(made["command"])),
                features=tuple(map(str, table["features"])),
                means=tuple(map(float, table["means"])),
                scales=tuple(map(float, table["scales"])),
                weights=tuple(map(float, table["weights"])),
                intercept=float(table["intercept"]),
                accept_at={dial: float(accept[dial]) for dial in ("economy", "balanced", "quality")},
                auroc=float(table["auroc"]),
                brier=float(table["brier"]),
                base_rate=float(table["base_rate"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"The [evidence] table of a model card cannot be used: {error}.",
                fix="Make it again with scripts/make_evidence_card.py, or remove it.",
            ) from error

    def to_dict(self) -> dict[str, Any]:
        """The table that :meth:`from_dict` reads."""
        made = self.made_from
        return {
            "model": self.model,
            "made_from": {"questions": made.questions, "n": made.n, "date": made.date, "command": made.command},
            "features": list(self.features),
            "means": list(self.means),
            "scales": list(self.scales),
            "weights": list(self.weights),
            "intercept": self.intercept,
            "accept_at": dict(self.accept_at),
            "auroc": self.auroc,
            "brier": self.brier,
            "base_rate": self.base_rate,
        }

    def p_good(self, measured: Mapping[str, float]) -> float | None:
        """The chance that the draft is right; ``None`` if it has no token evidence, on which every card stands."""
        logit = self.logit(measured)
        return None if logit is None else 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))

    def logit(self, measured: Mapping[str, float]) -> float | None:
        """``p_good`` on the scale on which features add up."""
        if "logprob_mean" not in measured:
            return None
        total = self.intercept
        for name, mean, scale, weight in zip(self.features, self.means, self.scales, self.weights, strict=True):
            if name in measured:
                total += weight * (measured[name] - mean) / scale
        return total

    def line(self, wish: Wish) -> float:
        """Lowest ``p_good`` of an accepted draft. A share of calls needs calibration; here it means ``balanced``."""
        return self.accept_at[wish if isinstance(wish, str) else "balanced"]

    def turning_points(self, measured: Mapping[str, float], accept_at: float) -> list[tuple[str, float, float]]:
        """Features each of which alone would turn the outcome, the smallest change first.

        Returns:
            ``(name, value, threshold)``: were the feature at the threshold and all others as they are, ``p_good`` would
            be ``accept_at``. Only thresholds within 2.5 standard deviations of the mean: others could hardly be met.
        """
        logit = self.logit(measured)
        if logit is None or not 0 < accept_at < 1:
            return []
        missing = math.log(accept_at / (1 - accept_at)) - logit
        found = []
        for name, mean, scale, weight in zip(self.features, self.means, self.scales, self.weights, strict=True):
            if name not in measured or weight == 0:
                continue
            change = missing / weight
            threshold = measured[name] + change * scale
            low, high = (ALL[name].low, ALL[name].high) if name in ALL else (-math.inf, math.inf)
            if abs(threshold - mean) <= 2.5 * scale and low < threshold < high:
                found.append((abs(change), name, measured[name], threshold))
        return [(name, value, threshold) for _, name, value, threshold in sorted(found)]


def _cautious() -> EvidenceCard:
    text = resources.files("tierwise.verify").joinpath("cautious.toml").read_text(encoding="utf-8")
    return replace(EvidenceCard.from_dict(tomllib.loads(text)), calibrated=False)


CAUTIOUS = _cautious()
"""For models without a card: the figures of the embedded model, every line moved half way to certainty."""

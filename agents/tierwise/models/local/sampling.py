"""Choosing the next token, and what the distribution it was chosen from says about the model's certainty."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOP_P = 0.95
_SEEDS = 1 << 64  # any whole number is a seed, those below zero as well


class Sampler:
    """Greedy at temperature 0, else nucleus sampling (Holtzman et al. 2020) with ``top_p`` 0.95.

    Args:
        temperature: 0 takes the most likely token.
        seed: same seed, same logits, same tokens; ``None`` takes fresh randomness.
    """

    def __init__(self, temperature: float, seed: int | None) -> None:
        self._temperature = temperature
        self._random = np.random.default_rng(None if seed is None else seed % _SEEDS) if temperature > 0 else None

    def pick(self, logits: NDArray[np.float32]) -> int:
        """Index of the chosen token; ``logits`` has shape ``(vocabulary,)`` and is not changed."""
        if self._random is None:
            return int(logits.argmax())
        scaled = (logits - logits.max()).astype(np.float64) / self._temperature
        # Tokens 20 nats below the best cannot enter a 0.95 nucleus of any vocabulary that exists.
        candidates = np.flatnonzero(scaled > -20.0)
        weights = np.exp(scaled[candidates])
        order = np.argsort(-weights, kind="stable")
        cumulative = np.cumsum(weights[order] / weights.sum())
        nucleus = order[: int(np.searchsorted(cumulative, TOP_P)) + 1]
        probabilities = weights[nucleus] / weights[nucleus].sum()
        return int(candidates[nucleus[self._random.choice(len(nucleus), p=probabilities)]])


def measure(logits: NDArray[np.float32], chosen: int) -> tuple[float, float, float]:
    """Evidence of one step, before temperature.

    Args:
        logits: shape ``(vocabulary,)``.
        chosen: index of the token that was taken.

    Returns:
        Log-probability of ``chosen`` (natural log), margin ``p1 - p2`` in [0, 1], entropy in nats.

    Raises:
        FloatingPointError: if the logits are not numbers, as a damaged model's are.
    """
    best = int(logits.argmax())
    shifted = logits - logits[best]
    weights = np.exp(shifted)
    total = float(weights.sum())
    if not math.isfinite(total):
        raise FloatingPointError("the logits are not finite")
    log_total = math.log(total)
    # 0 * -inf is not a number: masked tokens have no weight, so they take no part.
    spread = float(np.dot(weights, np.maximum(shifted, np.float32(-1e30))))
    weights[best] = 0.0
    second = float(weights.max()) if weights.size > 1 else 0.0
    return float(shifted[chosen]) - log_total, (1.0 - second) / total, max(0.0, log_total - spread / total)

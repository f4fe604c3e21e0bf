"""The true causes of a decision: which measurement, alone, would have turned it, and from which value on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tierwise.fitting.logistic import Head, sigmoid
from tierwise.signals import ALL

_FAR = 2.5  # standard deviations from the mean: beyond it a threshold could hardly be met
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class TurningPoint:
    """A measurement, its value, and the value at which the decision turns; ``distance`` in standard deviations."""

    name: str
    value: float
    threshold: float
    distance: float


def turning_points(
    own: Head, rivals: Sequence[tuple[Head, float]], measured: Mapping[str, float], line: float
) -> list[TurningPoint]:
    """Measurements each of which alone would carry the worth of going up across the line, the smallest change first.

    Args:
        own: chance of the draft.
        rivals: chance of each tier that may take over, and the gain it needs; the worth of going up is the largest of
            chance minus ``own`` minus need. A measurement that only makes another of them the best turns nothing.
        measured: what was measured.
        line: where the decision turns.
    """
    found: dict[str, TurningPoint] = {}
    mine = _Line(own, measured)
    theirs = [(_Line(head, measured), need) for head, need in rivals]
    for head in (own, *(head for head, _ in rivals)):
        for name, mean, scale, weight in zip(head.names, head.means, head.scales, head.weights, strict=True):
            if weight == 0 or name not in measured or name in found or name not in ALL:
                continue
            value, signal = measured[name], ALL[name]
            worth = _worth_along(mine, theirs, name, value)
            for end in (max(signal.low, mean - _FAR * scale), min(signal.high, mean + _FAR * scale)):
                if (worth(end) > line) == (worth(value) > line):
                    continue
                threshold = _crossing(worth, line, value, end)
                distance = abs(threshold - value) / scale
                if name not in found or distance < found[name].distance:
                    found[name] = TurningPoint(name, value, threshold, distance)
    return sorted(found.values(), key=lambda point: point.distance)


class _Line:
    """A head's chance along one measurement, all others as they are."""

    def __init__(self, head: Head, measured: Mapping[str, float]) -> None:
        self._base = head.logit(measured)
        self._slopes = {n: w / scale for n, w, scale in zip(head.names, head.weights, head.scales, strict=True)}

    def p(self, name: str, move: float) -> float:
        """The chance with this measurement moved so far."""
        return sigmoid(self._base + self._slopes.get(name, 0.0) * move)


def _worth_along(
    own: _Line, rivals: Sequence[tuple[_Line, float]], name: str, value: float
) -> Callable[[float], float]:
    """What going up is worth as a function of one measurement."""

    def worth(x: float) -> float:
        return max(rival.p(name, x - value) - need for rival, need in rivals) - own.p(name, x - value)

    return worth


def _crossing(worth: Callable[[float], float], line: float, value: float, end: float) -> float:
    """The place between two values of different outcome where it changes, on the side of the other outcome."""
    here, there, outcome = value, end, worth(value) > line
    for _ in range(_HALVINGS):
        middle = (here + there) / 2
        if (worth(middle) > line) == outcome:
            here = middle
        else:
            there = middle
    return there

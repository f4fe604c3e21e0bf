"""From the user's wish to a line: how much better a larger tier must be expected to do before it is asked.

A gain is the chance that the larger tier is right minus the chance that the draft is. The line is solved from the gains
of questions like the user's own, so that the wish is kept in terms a person can check: a share of questions, or a part
of what always asking would gain.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Lock

import numpy as np

from tierwise.types import Dial, Wish

RECOVERED: dict[Dial, float] = {"economy": 0.5, "balanced": 0.8, "quality": 0.95}
"""Part of the reachable gain that each word of the dial recovers, with as few calls as that takes."""

NEVER, ALWAYS = 1.0, -1.0
WINDOW = 200


def line_for(wish: Wish, gains: Sequence[float]) -> float:
    """The line that keeps a wish on questions with these expected gains; a call is made above it.

    Args:
        wish: a word of the dial, or the share of questions that may go up.
        gains: expected gain of each question, in [-1, 1]; at least one.

    Returns:
        A number in [-1, 1]. Between two gains it lies half way, so that nothing hangs on the last digit.
    """
    ordered = np.sort(np.asarray(gains, float))[::-1]
    if isinstance(wish, str):
        useful = np.maximum(ordered, 0.0)
        total = useful.sum()
        if total <= 0:
            return NEVER
        calls = int(np.searchsorted(np.cumsum(useful), RECOVERED[wish] * total - 1e-12)) + 1
        return max(0.0, _below(ordered, calls))
    return _below(ordered, round(wish * len(ordered)))


def share_above(line: float, gains: Sequence[float]) -> float:
    """Share of the questions that a line sends up."""
    return float(np.mean(np.asarray(gains, float) > line))


def need(line: float, effort: float) -> float:
    """The gain from which on a tier is worth its call; a line that sends nothing up holds for cheaper tiers, too.

    Args:
        line: the dial's.
        effort: cost of the tier's call in calls of the largest.
    """
    return line if line >= NEVER else line * effort


def _below(ordered: np.ndarray[tuple[int], np.dtype[np.float64]], calls: int) -> float:
    """The line just below the first ``calls`` gains. Equal gains stay together, on the side that is nearer."""
    if calls <= 0:
        return NEVER
    if calls >= len(ordered):
        return ALWAYS
    if ordered[calls - 1] > ordered[calls]:
        return float(ordered[calls - 1] + ordered[calls]) / 2
    tied = np.flatnonzero(ordered == ordered[calls])
    first, after = int(tied[0]), int(tied[-1]) + 1
    return _below(ordered, first if calls - first < after - calls else after)


class Window:
    """The gains that were expected of the latest questions; until there are enough, those of calibration fill it.

    Thread-safe. What is asked changes, and with it the share that a fixed line sends up; so lines are solved anew.

    Args:
        before: gains from calibration, at least one.
        size: how many gains a line is solved from.
    """

    def __init__(self, before: Sequence[float], size: int = WINDOW) -> None:
        self._before = tuple(before)
        self._latest: deque[float] = deque(maxlen=size)
        self._size = size
        self._lines: dict[Wish, float] = {}
        self._lock = Lock()

    def note(self, gain: float) -> None:
        """Take in the gain that was expected of a question."""
        with self._lock:
            self._latest.append(gain)
            self._lines.clear()

    def line(self, wish: Wish) -> float:
        """The line that keeps the wish now."""
        with self._lock:
            if wish not in self._lines:
                self._lines[wish] = line_for(wish, self._gains())
            return self._lines[wish]

    def _gains(self) -> list[float]:
        missing = self._size - len(self._latest)
        if missing <= 0:
            return list(self._latest)
        # Evenly from the lowest to the highest, so that the filling has the distribution of all of them.
        places = np.linspace(0, len(self._before) - 1, max(missing, 1)).round().astype(int)
        ordered = sorted(self._before)
        return [*self._latest, *(ordered[place] for place in places)]

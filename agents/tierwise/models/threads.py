"""How many threads a model decodes with: found out while it runs, because the rest of the machine decides it.

The threads of one step wait for each other at every operation. With a core each they are fast; beside another busy
program they spin while one of them is not scheduled, and a single thread is many times faster than two.
"""

from __future__ import annotations

from collections import deque
from statistics import median

_FIRST = 6  # steps until the first trial, and after a change
_TRIAL = 3  # steps of a trial; a first step that is far slower ends it
_HOPELESS = 1.5
_BUDGET = 0.02  # share of the time that failed trials may cost; it sets how many steps lie between them
_LONGEST = 1024
_WINDOW = 8
_BETTER = 0.95
_DRIFT = 1.3


class ThreadChoice:
    """Tries the next lower or higher count now and then, and at once when steps become slower; keeps the best.

    Args:
        most: the count to begin with and the largest to use.

    Attributes:
        count: threads for the next step.
    """

    def __init__(self, most: int) -> None:
        counts = [most]
        while counts[-1] > 1:
            counts.append(counts[-1] // 2)
        self._counts = counts
        self._best = 0
        self._trial: int | None = None
        self._lower_next = True
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._left = _FIRST
        self._usual: float | None = None
        self._steady = 0.0
        self.count = most

    def note(self, seconds: float) -> None:
        """Tell how long a step with ``count`` threads took; may change ``count``."""
        if len(self._counts) == 1:
            return
        self._recent.append(seconds)
        self._left -= 1
        if self._trial is None:
            if self._left <= 0 or self._drifted():
                self._begin_trial()
        elif self._left <= 0 or seconds > _HOPELESS * self._steady:
            self._end_trial(self._trial)

    def _drifted(self) -> bool:
        full = len(self._recent) == _WINDOW
        return full and self._usual is not None and median(self._recent) > _DRIFT * self._usual

    def _begin_trial(self) -> None:
        self._steady = median(self._recent)
        lower, higher = self._best + 1, self._best - 1
        wanted = lower if self._lower_next else higher
        if not 0 <= wanted < len(self._counts):
            wanted = higher if self._lower_next else lower
        self._lower_next = wanted != lower
        self._trial = wanted
        self._left = _TRIAL
        self._switch(wanted)

    def _end_trial(self, trial: int) -> None:
        cost = median(self._recent)
        if cost < _BETTER * self._steady:
            self._best, self._usual, self._left = trial, cost, _FIRST
        else:
            wasted = max(0.0, sum(self._recent) - len(self._recent) * self._steady)
            self._usual = self._steady
            self._left = (
                int(min(_LONGEST, max(_FIRST, wasted / (_BUDGET * self._steady)))) if self._steady else _LONGEST
            )
        self._trial = None
        self._switch(self._best)

    def _switch(self, index: int) -> None:
        self._recent.clear()
        self.count = self._counts[index]

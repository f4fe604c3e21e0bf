"""How many threads a model decodes with: found out while it runs, because the rest of the machine decides it.

The threads of one step wait for each other at every operation. With a core each they are fast; beside another busy
program they spin while one of them is not scheduled, and a single thread is many times faster than two.
"""

from __future__ import annotations

from collections import deque
from statistics import median

_STARVED = 0.85  # of the CPU time its threads could have had; a program beside them takes a third of two cores
_FEW_ROWS = 8  # up to here a step writes answers; each number of rows is a kind of its own
_MANY_ROWS = 64  # from here on a step reads a prompt, and its seconds a row compare with another's
_HOPELESS = 1.5
_BUDGET = 0.02  # share of the time that failed trials may cost; it sets how many steps lie between them
_LONGEST = 1024
_WINDOW = 8
_BETTER = 0.95
_DRIFT = 1.3


class StepThreads:
    """Threads for each kind of step: they are learned apart, because a step with more rows waits less.

    Args:
        most: the largest count.
        adapt: false keeps to ``most``.
    """

    def __init__(self, most: int, *, adapt: bool) -> None:
        self._most, self._adapt = most, adapt
        self._choices: dict[int, ThreadChoice] = {}

    def count(self, rows: int) -> int:
        """Threads for a step with that many rows."""
        return self._choice(rows).count if self._adapt else self._most

    def note(self, rows: int, seconds: float, cpu_seconds: float) -> None:
        """Tell how long it took, and how much CPU time all threads got in that time."""
        if not self._adapt or _FEW_ROWS < rows < _MANY_ROWS:
            return
        choice = self._choice(rows)
        # Steps that read are few and long: a trial that could be foreseen to fail is not worth one of them.
        starved = rows <= _FEW_ROWS or cpu_seconds < _STARVED * seconds * choice.count
        choice.note(seconds / rows, starved=starved)

    def _choice(self, rows: int) -> ThreadChoice:
        kind = min(rows, _FEW_ROWS + 1)
        if kind not in self._choices:
            reads = rows > _FEW_ROWS
            self._choices[kind] = ThreadChoice(self._most, first=1, trial=1) if reads else ThreadChoice(self._most)
        return self._choices[kind]


class ThreadChoice:
    """Tries the next lower or higher count now and then, and at once when steps become slower; keeps the best.

    Args:
        most: the count to begin with and the largest to use.
        first: steps until the first trial, and after a change.
        trial: steps of a trial; a first step that is far slower ends it.

    Attributes:
        count: threads for the next step.
    """

    def __init__(self, most: int, *, first: int = 6, trial: int = 3) -> None:
        self._first, self._trials = first, trial
        counts = [most]
        while counts[-1] > 1:
            counts.append(counts[-1] // 2)
        self._counts = counts
        self._best = 0
        self._trial: int | None = None
        self._lower_next = True
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._left = first
        self._usual: float | None = None
        self._steady = 0.0
        self.count = most

    def note(self, seconds: float, *, starved: bool = True) -> None:
        """Tell how long a step with ``count`` threads took; may change ``count``.

        Args:
            seconds: of the step, or of each of its rows.
            starved: fewer threads may be faster; false tries only more.
        """
        if len(self._counts) == 1:
            return
        self._recent.append(seconds)
        self._left -= 1
        if self._trial is None:
            if self._left <= 0 or self._drifted():
                self._begin_trial(starved)
        elif self._left <= 0 or seconds > _HOPELESS * self._steady:
            self._end_trial(self._trial)

    def _drifted(self) -> bool:
        full = len(self._recent) == _WINDOW
        return full and self._usual is not None and median(self._recent) > _DRIFT * self._usual

    def _begin_trial(self, starved: bool) -> None:
        self._steady = median(self._recent)
        lower, higher = self._best + 1, self._best - 1
        wanted = lower if self._lower_next and starved else higher
        if not 0 <= wanted < len(self._counts):
            wanted = higher if self._lower_next else lower
        if not 0 <= wanted < len(self._counts) or (wanted == lower and not starved):
            return
        self._lower_next = wanted != lower
        self._trial = wanted
        self._left = self._trials
        self._switch(wanted)

    def _end_trial(self, trial: int) -> None:
        cost = median(self._recent)
        if cost < _BETTER * self._steady:
            self._best, self._usual, self._left = trial, cost, self._first
        else:
            wasted = max(0.0, sum(self._recent) - len(self._recent) * self._steady)
            self._usual = self._steady
            self._left = (
                int(min(_LONGEST, max(self._first, wasted / (_BUDGET * self._steady)))) if self._steady else _LONGEST
            )
        self._trial = None
        self._switch(self._best)

    def _switch(self, index: int) -> None:
        self._recent.clear()
        self.count = self._counts[index]

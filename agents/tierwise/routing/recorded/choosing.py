"""Which setting of a head predicts rows best that it has not seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tierwise.fitting.groups import group_folds
from tierwise.routing.recorded.encode import Encoded
from tierwise.routing.recorded.gain_head import Setting, direct_gains, fit

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
PENALTIES = (4.0, 8.0, 16.0, 32.0, 64.0)
LOUDNESS = ((0.15, 0.15, 1.0), (0.3, 0.3, 1.0), (0.5, 1.0, 1.0), (1.0, 1.0, 0.5))
_FOLDS = 5
# More rows than this do not change which setting is best, and choosing must not take longer than fitting.
_ENOUGH = 5000
_SMALL = 1500


def choose(
    rows: Encoded,
    gain: Floats,
    groups: Ints,
    tables: Ints,
    step: Callable[[], None] = lambda: None,
) -> Setting:
    """The setting whose cross-validated gains go best with the real ones.

    Args:
        rows: encoded, ``n`` of them.
        gain: of the strong model, shape ``(n,)``.
        groups: rows that must stay together.
        tables: which table each row is from.
        step: called :func:`steps` times.
    """
    if len(rows) > _ENOUGH:
        some = np.sort(np.random.default_rng(3).permutation(len(rows))[:_ENOUGH])
        rows, gain, tables = rows.take(some), gain[some], tables[some]
        groups = np.unique(groups[some], return_inverse=True)[1].astype(np.intp)
    total = np.zeros((len(LOUDNESS), len(PENALTIES)))
    for seed in range(_repeats(len(rows))):
        for i, loudness in enumerate(LOUDNESS):
            said = np.zeros((len(PENALTIES), len(rows)))
            for train, test in group_folds(groups, _FOLDS, seed):
                setting = Setting(*loudness, PENALTIES[-1])
                said[:, test] = direct_gains(rows.take(train), gain[train], setting, PENALTIES, rows.take(test))
            total[i] += [agreement(one, gain, tables) for one in said]
            step()
    best, penalty = divmod(int(total.argmax()), len(PENALTIES))
    return Setting(*LOUDNESS[best], PENALTIES[penalty])


def steps(n: int) -> int:
    """How often :func:`choose` calls ``step`` for ``n`` rows."""
    return _repeats(min(n, _ENOUGH)) * len(LOUDNESS)


def crossed(rows: Encoded, weak: Floats, strong: Floats, groups: Ints, setting: Setting, seed: int) -> Floats:
    """Outputs for each row of a head that has not seen it or anything alike, shape ``(n, 3)``."""
    made = np.zeros((len(rows), 3))
    for train, test in group_folds(groups, _FOLDS, seed):
        made[test] = fit(rows.take(train), weak[train], strong[train], setting).outputs(rows.take(test))
    return made


def agreement(said: Floats, gain: Floats, tables: Ints) -> float:
    """Correlation within tables, weighed by their rows, and over all of them, half each; the same for one table."""
    inside = np.bincount(tables) @ [_correlation(said[tables == t], gain[tables == t]) for t in range(tables.max() + 1)]
    return float(inside / len(said) + _correlation(said, gain)) / 2


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean() if len(a) else a, b - b.mean() if len(b) else b
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-12 else 0.0


def _repeats(n: int) -> int:
    return 3 if n < _SMALL else 1

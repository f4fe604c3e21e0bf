"""How well scores spend calls of the strong model on a table, with bootstrap intervals, alone and beside a baseline.

Figures as in RouteLLM (Ong et al. 2024, arXiv 2406.18665); intervals by the paired bootstrap (Efron and Tibshirani
1993): both scores are measured on the same resampled rows, so that what is hard for both does not blur the
difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tierwise.errors import InvalidInput
from tierwise.fitting.metrics import Curve, auroc, curve, interval, resamples
from tierwise.routing.recorded.encode import Encoder, Progress
from tierwise.routing.recorded.gain_model import GainModel
from tierwise.routing.recorded.tables import Table

Floats = NDArray[np.float64]
DRAWS = 1000
# Of the strong model's quality, for the share of calls that keeps it.
KEPT = 0.95
# A model is used on a user's rows only if it tells right from wrong at least this well, and surely better than chance.
PROVEN_AUROC = 0.6
PROVEN_ROWS = 50
_FIGURES = ("apgr", "cpt50", "cpt80", "auroc", "share_for_95")
_SMALLEST_GAP = 1e-9


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and the interval that holds 95 % of its bootstrap values; ``nan`` where it does not exist."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """What scores are worth on a table.

    Attributes:
        rows: how many.
        weak: mean quality of the weak model.
        strong: mean quality of the strong one.
        oracle: APGR of scores that know the gains.
        figures: ``apgr`` (0.5 is chance); ``cpt50`` and ``cpt80``, shares of calls that recover 50 and 80 % of the gap;
            ``auroc`` against "strong strictly better"; ``share_for_95``, share of calls for 95 % of the strong quality.
        baseline: the same of the baseline's scores.
        difference: ours minus the baseline's, paired.
        curves: by name: ``scores``, ``oracle`` and perhaps ``baseline``.
    """

    rows: int
    weak: float
    strong: float
    oracle: float
    figures: Mapping[str, Figure]
    curves: Mapping[str, Curve]
    baseline: Mapping[str, Figure] | None = None
    difference: Mapping[str, Figure] | None = None

    @property
    def proven(self) -> bool:
        """Whether these scores may decide about questions like these; see :func:`is_proven`."""
        return is_proven(self.rows, self.figures["auroc"])


def is_proven(rows: int, auroc: Figure) -> bool:
    """The check that a prediction has to pass on a user's own labelled rows; until then it stays off.

    Args:
        rows: how many there are; at least :data:`PROVEN_ROWS` are needed.
        auroc: of the expected gain against "strong strictly better": at least :data:`PROVEN_AUROC`, and its interval
            above one half.
    """
    return bool(rows >= PROVEN_ROWS and auroc.value >= PROVEN_AUROC and auroc.low > 0.5)


def evaluate(
    table: Table,
    scores: Mapping[str, float],
    baseline: Mapping[str, float] | None = None,
    *,
    draws: int = DRAWS,
    step: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Measure scores on a table.

    Args:
        table: questions with results.
        scores: by id; the higher, the sooner the strong model is called.
        baseline: other scores to compare with.
        draws: bootstrap samples.
        step: called after each of them.

    Raises:
        InvalidInput: if scores and rows do not belong together, or there is no gap to recover.
    """
    ours = _aligned(table, scores, "scores")
    theirs = None if baseline is None else _aligned(table, baseline, "baseline's scores")
    gap = float(table.gain.mean())
    if gap <= _SMALLEST_GAP:
        raise InvalidInput(
            f"The strong model is not better than the weak one on {table.name} (mean gain {gap:.3f}).",
            fix="There is no gap to recover; use the weak model.",
        )
    weights = resamples(len(table), draws)
    drawn: list[NDArray[np.float64]] = []
    for row in weights:
        both = [_measure(one, table, row) for one in (ours, theirs) if one is not None]
        drawn.append(np.array(both))
        step()
    values = np.stack(drawn)
    points = [np.array(_measure(one, table, None)) for one in (ours, theirs) if one is not None]
    curves = {"scores": curve(ours, table.weak, table.strong), "oracle": curve(table.gain, table.weak, table.strong)}
    if theirs is not None:
        curves["baseline"] = curve(theirs, table.weak, table.strong)
    return Evaluation(
        len(table),
        float(table.weak.mean()),
        float(table.strong.mean()),
        curves["oracle"].apgr,
        _figures(points[0], values[:, 0]),
        curves,
        _figures(points[1], values[:, 1]) if theirs is not None else None,
        _figures(points[0] - points[1], values[:, 0] - values[:, 1]) if theirs is not None else None,
    )


def _measure(scores: Floats, table: Table, weights: Floats | None) -> list[float]:
    found = curve(scores, table.weak, table.strong, weights)
    better = (table.strong > table.weak).astype(float)
    own = (
        auroc(scores, better)
        if weights is None
        else auroc(np.repeat(scores, n := weights.astype(int)), np.repeat(better, n))
    )
    if found.strong - found.weak <= _SMALLEST_GAP:  # this sample has no gap
        return [float("nan")] * 3 + [own, found.share_for_quality(KEPT * found.strong)]
    kept = found.share_for_quality(KEPT * found.strong)
    return [found.apgr, found.share_for(0.5), found.share_for(0.8), own, kept]


def _figures(points: Floats, drawn: Floats) -> dict[str, Figure]:
    made = {}
    for i, name in enumerate(_FIGURES):
        real = drawn[:, i][np.isfinite(drawn[:, i])]
        made[name] = Figure(float(points[i]), *(interval(real) if real.size else (float("nan"),) * 2))
    return made


def _aligned(table: Table, scores: Mapping[str, float], what: str) -> Floats:
    """Scores in the order of the table's rows."""
    missing = [id_ for id_ in table.ids if id_ not in scores]
    if missing:
        raise InvalidInput(
            f"{len(missing)} of {len(table)} rows of {table.name} have no score, such as {missing[0]!r}.",
            fix=f"Score the same table; these are the wrong {what} or only a part of them.",
        )
    own = set(table.ids)
    foreign = [id_ for id_ in scores if id_ not in own]
    if foreign:
        raise InvalidInput(
            f"{len(foreign)} of the {what} belong to no row of {table.name}, such as {foreign[0]!r}.",
            fix="Give the scores of this very table.",
        )
    return np.array([scores[id_] for id_ in table.ids])


# -- does it work here? ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a model may decide about a user's questions.

    Attributes:
        rows: labelled rows that were looked at.
        known: share of them that the model knows.
        auroc: of the expected gain against "strong strictly better", with its bootstrap interval.
        proven: the interval's lower end is above one half, and the figure at least :data:`PROVEN_AUROC`.
    """

    rows: int
    known: float
    auroc: Figure
    proven: bool


def prove(
    model: GainModel, table: Table, encoder: Encoder, progress: Progress | None = None, *, draws: int = DRAWS
) -> Proof:
    """Check a model against labelled rows that it was not trained on: it stays off unless it proves itself.

    Args:
        model: to check.
        table: with answers, if the model is to judge answers.
        encoder: the embedder the model was trained with.
        progress: told ``(what, done, total)``.
        draws: bootstrap samples.

    Raises:
        InvalidInput: if the model cannot read these rows.
    """
    found = model.score(table, encoder, progress)
    better = (table.gain > 0).astype(float)
    value = auroc(found.gain, better)
    drawn = []
    for weights in resamples(len(table), draws):
        n = weights.astype(int)
        drawn.append(auroc(np.repeat(found.gain, n), np.repeat(better, n)))
    real = np.array(drawn)[np.isfinite(drawn)]
    low, high = interval(real) if real.size else (float("nan"), float("nan"))
    figure = Figure(value, low, high)
    return Proof(len(table), float(found.known.mean()), figure, is_proven(len(table), figure))

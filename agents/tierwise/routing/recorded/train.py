"""From tables of recorded results to a :class:`GainModel`, with honest figures of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierwise.errors import InvalidInput
from tierwise.fitting.groups import near_duplicates
from tierwise.fitting.metrics import auroc, curve
from tierwise.routing.recorded.choosing import choose, crossed, steps
from tierwise.routing.recorded.domain import Domain
from tierwise.routing.recorded.encode import Encoded, Encoder, Progress, embed, encode, encode_answered
from tierwise.routing.recorded.gain_head import Setting, calibration, fit, gain_of
from tierwise.routing.recorded.gain_model import GainModel, Part
from tierwise.routing.recorded.tables import Table, join

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
MIN_ROWS = 50
MIN_EACH = 5
_FINAL_SEED = 77


def train(
    tables: Sequence[Table],
    encoder: Encoder,
    responses: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> GainModel:
    """Learn what the strong model gains on a question, and, where there are answers, what an answer tells of it.

    Settings are chosen by cross-validation within these rows; questions that say nearly the same stay together.

    Args:
        tables: one or more; their ids must differ.
        encoder: gives the vectors, and is needed again at run time.
        responses: the weak model's answers by id, for some tables or all.
        progress: told ``(what, done, total)``.

    Raises:
        InvalidInput: if there is too little to learn from.
    """
    _check(tables)
    if responses is not None:
        tables = _answered(tables, responses)
    prompts = [prompt for table in tables for prompt in table.prompts]
    vectors = embed(encoder, prompts, "questions", progress)
    rows = _Rows(tables, near_duplicates(prompts, vectors))
    encoded = encode(prompts, vectors)
    question, figures = _part(encoded, encoded, rows, "choosing for questions", progress)
    found: dict[str, Any] = {"question": figures}
    answered = None
    if responses is not None:
        has = np.concatenate([table.answered for table in tables])
        index = np.flatnonzero(has)
        some = rows.take(index)
        _check_labels(some.strong - some.weak, "the rows that have an answer")
        texts = [r for table in tables for r in table.responses if r is not None]
        answers = embed(encoder, texts, "answers", progress)
        wide = encode_answered([prompts[i] for i in index], vectors[index], texts, answers)
        answered, found["answered"] = _part(wide, encoded.take(index), some, "choosing for answers", progress)
    return GainModel(encoder.identity, question, answered, found)


class _Rows:
    """Results, groups and tables of the rows that are trained on."""

    def __init__(self, tables: Sequence[Table], groups: Ints) -> None:
        self.names = [table.name for table in tables]
        self.weak = np.concatenate([table.weak for table in tables])
        self.strong = np.concatenate([table.strong for table in tables])
        self.table = np.repeat(np.arange(len(tables)), [len(table) for table in tables]).astype(np.intp)
        self.groups = groups

    def take(self, index: Ints) -> _Rows:
        made = object.__new__(_Rows)
        made.names, made.weak, made.strong = self.names, self.weak[index], self.strong[index]
        made.table = self.table[index]
        made.groups = np.unique(self.groups[index], return_inverse=True)[1].astype(np.intp)
        return made


def _part(
    encoded: Encoded, questions: Encoded, rows: _Rows, what: str, progress: Progress | None
) -> tuple[Part, dict[str, Any]]:
    total, done = steps(len(encoded)) + 2, 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(what, done, total)

    gain = rows.strong - rows.weak
    setting = choose(encoded, gain, rows.groups, rows.table, step)
    # Other folds than those of the choice, so that its luck does not count.
    outputs = crossed(encoded, rows.weak, rows.strong, rows.groups, setting, _FINAL_SEED)
    step()
    head = fit(encoded, rows.weak, rows.strong, setting).calibrated(outputs, rows.weak, rows.strong)
    step()
    slopes, shifts = calibration(outputs, rows.weak, rows.strong)
    figures = _figures(gain_of(outputs * slopes + shifts), rows, setting)
    return Part(head, Domain.fit(questions, rows.groups), float(gain.mean())), figures


def _figures(said: Floats, rows: _Rows, setting: Setting) -> dict[str, Any]:
    """Cross-validated figures, per table and for all rows together."""

    def of(index: NDArray[np.bool_]) -> dict[str, Any]:
        weak, strong = rows.weak[index], rows.strong[index]
        apgr = curve(said[index], weak, strong).apgr if abs(float((strong - weak).mean())) > 1e-9 else float("nan")
        figures = {"apgr": apgr, "auroc": auroc(said[index], (strong > weak).astype(float))}
        rounded = {name: round(value, 4) if np.isfinite(value) else None for name, value in figures.items()}
        return {"rows": int(index.sum()), **rounded, "mean_gain": round(float((strong - weak).mean()), 4)}

    tables = {name: of(rows.table == i) for i, name in enumerate(rows.names) if (rows.table == i).any()}
    loud = {name: getattr(setting, name) for name in Setting.__slots__}
    return {**of(np.ones(len(said), bool)), "tables": tables, "setting": loud}


# -- refusals ----------------------------------------------------------------------------------------------------------


def _check(tables: Sequence[Table]) -> None:
    if not tables:
        raise InvalidInput("No table is given.", fix="Give at least one with --data.")
    seen: dict[str, str] = {}
    for table in tables:
        for id_ in table.ids:
            if id_ in seen:
                raise InvalidInput(
                    f"The id {id_!r} is in {seen[id_]} and in {table.name}.",
                    fix="Give each row once, with an id of its own.",
                )
            seen[id_] = table.name
    _check_labels(np.concatenate([table.gain for table in tables]), " and ".join(table.name for table in tables))


def _check_labels(gain: Floats, where: str) -> None:
    if len(gain) < MIN_ROWS:
        raise InvalidInput(
            f"There is too little to learn from: {len(gain)} rows in {where}.",
            fix=f"Give at least {MIN_ROWS} rows with results; about 300 buy most of what can be had.",
        )
    better = int((gain > 0).sum())
    if not better:
        raise InvalidInput(
            f"There is nothing to learn: the strong model is never better than the weak one in {where}.",
            fix="Use the weak model for everything, or check the columns weak_correct and strong_correct.",
        )
    if better == len(gain):
        raise InvalidInput(
            f"There is nothing to learn: the strong model is better in every row of {where}.",
            fix="Use the strong model for everything, or check the columns weak_correct and strong_correct.",
        )
    if min(better, len(gain) - better) < MIN_EACH:
        count, which = (better, "is better") if better < MIN_EACH else (len(gain) - better, "is not better")
        raise InvalidInput(
            f"There is too little to learn from: the strong model {which} in only {count} rows of {where}.",
            fix=f"Give at least {MIN_EACH} rows of each kind.",
        )


def _answered(tables: Sequence[Table], responses: Mapping[str, str]) -> list[Table]:
    if not any(id_ in responses for table in tables for id_ in table.ids):
        join(tables[0], responses, "the responses")
    return [replace(table, responses=table.with_responses(responses).responses) for table in tables]

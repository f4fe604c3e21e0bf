"""``tierwise router eval``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise_app.cli.router.steps import stages
from tierwise_app.cli.session import Json
from tierwise_app.console import err, out, print_json

if TYPE_CHECKING:
    from tierwise.routing import Evaluation, Figure

_WORDS = {
    "apgr": "APGR (0.5 is chance, higher is better)",
    "cpt50": "share of calls for 50 % of the gap",
    "cpt80": "share of calls for 80 % of the gap",
    "auroc": "AUROC, strong strictly better",
    "share_for_95": "share of calls for 95 % of the strong quality",
}


def evaluate(
    data: Annotated[
        Path,
        typer.Option("--data", metavar="TABLE.csv.gz", help="Columns id, prompt, weak_correct, strong_correct."),
    ],
    scores: Annotated[Path, typer.Option("--scores", metavar="SCORES.csv", help="Columns id, score.")],
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="SCORES.csv", help="Other scores to compare with.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="PICTURE.png", help="Draw the curve.")] = None,
    as_json: Json = False,
) -> None:
    """Measure how well scores spend calls of the strong model, with 95 % bootstrap intervals."""
    from tierwise.routing import evaluate_scores, read_scores, read_table
    from tierwise_app.cli.router.plot import draw, require_matplotlib

    if plot:
        require_matplotlib()
    table = read_table(data)
    with stages() as show:
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            show("resampling", done, _DRAWS)

        found = evaluate_scores(
            table, read_scores(scores), read_scores(baseline) if baseline else None, draws=_DRAWS, step=step
        )
    if plot:
        draw(found, table.name, plot)
    if as_json:
        print_json(_json(found, plot))
        return
    _print(found)
    if plot:
        err().print(f"drawn: {plot}")


_DRAWS = 1000


def _print(found: Evaluation) -> None:
    from rich.table import Table as Grid

    grid = Grid("", "scores", *(("baseline", "difference") if found.baseline else ()))
    for name, words in _WORDS.items():
        columns = [found.figures, *(one for one in (found.baseline, found.difference) if one)]
        grid.add_row(words, *(_shown(column[name], signed=column is found.difference) for column in columns))
    out().print(grid)
    out().print(
        f"{found.rows:,} rows; quality: weak {found.weak:.3f}, strong {found.strong:.3f}; "
        f"APGR of an oracle: {found.oracle:.3f}. In brackets: the middle 95 % of {_DRAWS:,} bootstrap draws."
    )
    verdict = "proven" if found.proven else "not proven, so it would stay off"
    out().print(
        f"As a prediction for questions like these: {verdict} (AUROC at least 0.60, and its interval above 0.50)."
    )


def _shown(figure: Figure, *, signed: bool) -> str:
    if math.isnan(figure.value):
        return "-"
    sign = "+" if signed else ""
    return f"{figure.value:{sign}.3f} [{figure.low:{sign}.3f}, {figure.high:{sign}.3f}]"


def _json(found: Evaluation, plot: Path | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "rows": found.rows,
        "weak": found.weak,
        "strong": found.strong,
        "oracle_apgr": found.oracle,
        "proven": found.proven,
    }
    shown |= {name: _value(figure.value) for name, figure in found.figures.items()}
    shown["intervals"] = _intervals(found.figures)
    if found.baseline and found.difference:
        shown["baseline"] = {name: _value(figure.value) for name, figure in found.baseline.items()}
        shown["baseline"]["intervals"] = _intervals(found.baseline)
        shown["difference"] = {name: _value(figure.value) for name, figure in found.difference.items()}
        shown["difference"]["intervals"] = _intervals(found.difference)
    if plot:
        shown["plot"] = str(plot)
    return shown


def _intervals(figures: Mapping[str, Figure]) -> dict[str, list[float | None]]:
    return {name: [_value(figure.low), _value(figure.high)] for name, figure in figures.items()}


def _value(number: float) -> float | None:
    return None if math.isnan(number) else round(number, 6)

"""``tierwise router train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierwise_app.cli.router.steps import stages
from tierwise_app.cli.session import Json
from tierwise_app.console import out, print_json, warn
from tierwise_app.text import plural, size

if TYPE_CHECKING:
    from tierwise.routing import GainModel


def train(
    data: Annotated[
        list[Path],
        typer.Option(
            "--data",
            metavar="TABLE.csv.gz",
            help="Columns id, prompt, weak_correct, strong_correct. Several may follow, or repeat it.",
        ),
    ],
    target: Annotated[Path, typer.Option("--out", metavar="MODEL", help="Where the model goes.")],
    responses: Annotated[
        list[Path] | None,
        typer.Option(
            "--responses",
            metavar="RESPONSES.csv.gz",
            help="Columns id, weak_response: what the weak model answered. Several may follow, or repeat it.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Learn from tables of recorded results what the strong model gains on a question.

    Nothing leaves the machine. Settings are chosen by cross-validation, whose figures the model keeps.
    """
    from tierwise.models import MiniLM
    from tierwise.routing import read_responses, read_table, train_gain_model

    tables = [read_table(path) for path in data]
    answers = read_responses(responses) if responses else None
    with stages() as show:
        model = train_gain_model(tables, MiniLM(), answers, show)
    written = model.save(target)
    without = sum(id_ not in answers for table in tables for id_ in table.ids) if answers is not None else 0
    if answers is not None and without:
        warn(f"{plural(without, 'row')} without an answer: only their questions were learned from.")
    if as_json:
        facts = {"rows": sum(map(len, tables)), "without_answer": without, "bytes": written, "encoder": model.encoder}
        print_json({"out": str(target), **facts, "cross_validation": dict(model.figures)})
        return
    _print(model)
    out().print(f"{target}: {size(written)}")


def _print(model: GainModel) -> None:
    from rich.table import Table as Grid

    grid = Grid("cross-validated on", "rows", "reads", "APGR", "AUROC", "mean gain")
    for reads, key in (("question", "question"), ("question and answer", "answered")):
        figures = model.figures.get(key)
        if not figures:
            continue
        parts = dict(figures["tables"]) if len(figures["tables"]) > 1 else {}
        for name, row in {**parts, "all rows": figures}.items():
            shown = ["-" if row[one] is None else f"{row[one]:.3f}" for one in ("apgr", "auroc", "mean_gain")]
            grid.add_row(name, f"{row['rows']:,}", reads, *shown)
    out().print(grid)
    out().print("APGR and AUROC: 0.5 is chance.")

"""``tierwise router score``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tierwise_app.cli.router.steps import stages
from tierwise_app.cli.session import Json
from tierwise_app.console import err, print_json, warn
from tierwise_app.text import plural

_WARN_FROM = 0.2


def score(
    model_path: Annotated[Path, typer.Option("--model", metavar="MODEL", help="Made by: tierwise router train.")],
    data: Annotated[
        Path, typer.Option("--data", metavar="TABLE.csv.gz", help="Columns id, prompt; others are ignored.")
    ],
    target: Annotated[Path, typer.Option("--out", metavar="SCORES.csv", help="Where id,score goes.")],
    responses: Annotated[
        list[Path] | None,
        typer.Option(
            "--responses", metavar="RESPONSES.csv.gz", help="Columns id, weak_response: judge the answers, too."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the expected gain of the strong model for each row, or the mean gain for a kind the model does not know."""
    from tierwise.models import MiniLM
    from tierwise.routing import GainModel, join_responses, read_prompts, read_responses, write_scores

    model = GainModel.load(model_path)
    rows = read_prompts(data)
    if responses:
        rows = join_responses(rows, read_responses(responses), ", ".join(map(str, responses)))
    with stages() as show:
        found = model.score(rows, MiniLM(), show)
    write_scores(target, rows.ids, found.gain)
    unknown = int((~found.known).sum())
    without = int((~rows.answered).sum()) if responses else 0
    if without:
        warn(f"{plural(without, 'row')} without an answer: judged by the question alone.")
    if unknown >= _WARN_FROM * len(rows):
        warn(f"{unknown} of {len(rows)} rows are of a kind the model was not trained on; they got the mean gain.")
    if as_json:
        counts = {"rows": len(rows), "unknown": unknown, "without_answer": without}
        print_json({"out": str(target), **counts, "mean_score": round(float(found.gain.mean()), 6)})
    else:
        err().print(f"{plural(len(rows), 'row')} scored, {unknown} of an unknown kind: {target}")

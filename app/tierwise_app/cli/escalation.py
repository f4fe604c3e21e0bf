"""``tierwise bench escalation``: a local and a larger tier on your questions, end to end."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.config import Tier
from tierwise.errors import InvalidInput, UsageError
from tierwise.jsonable import to_json
from tierwise.textfile import read_text
from tierwise_app.cli.router.steps import stages
from tierwise_app.cli.session import Json
from tierwise_app.console import err, out, print_json

if TYPE_CHECKING:
    from tierwise.runtime import LabelledQuestion, LivePair

_RIGHT = ("right", "strong_correct", "correct")


def escalation(
    local: Annotated[str, typer.Option("--local", metavar="MODEL", help="llama:NAME, or the path of a GGUF file.")],
    deep: Annotated[
        str,
        typer.Option("--deep", metavar="BASE_URL|RECORDED.csv", help="A server, or recorded results: id, right."),
    ],
    questions: Annotated[Path, typer.Option("--questions", metavar="Q.jsonl", help="Questions with gold.")],
    deep_model: Annotated[str, typer.Option("--deep-model", metavar="NAME", help="The server's model.")] = "deep",
    key_env: Annotated[
        str | None, typer.Option("--deep-key-env", metavar="VARIABLE", help="Variable that holds the server's key.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="FOLDER", help="Keep answers here, and go on from them.")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option("--rows", metavar="OUT.jsonl", help="Write what was measured of each question.")
    ] = None,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Longest draft.")] = 384,
    seed: Annotated[int, typer.Option("--seed", help="Of the split into halves.")] = 1,
    as_json: Json = False,
) -> None:
    """Calibrate on half of the questions and measure on the other half, through the real graph.

    Prints how well the drafts' evidence tells right from wrong, how good the chances are, and for every setting of the
    dial which share went up and how many answers were right, beside never, always and at random.
    """
    from tierwise.runtime import measure_pair, read_questions

    asked = read_questions(questions)
    tier, asked = _deep_tier(deep, deep_model, key_env, asked)
    here = Tier("quick", local if local.startswith("llama:") else f"llama:{local}", max_tokens=max_tokens)
    with tempfile.TemporaryDirectory(prefix="tierwise-bench-") as home, stages() as show:
        folder = keep or Path(home) / "kept"
        found = asyncio.run(measure_pair(here, tier, asked, Path(home), keep=folder, seed=seed, progress=show))
    if rows:
        _write_rows(found, rows)
    figures = _figures(found)
    if as_json:
        print_json(figures)
    else:
        _print(figures)


def _deep_tier(
    word: str, model: str, key_env: str | None, asked: list[LabelledQuestion]
) -> tuple[Tier, list[LabelledQuestion]]:
    if word.startswith(("http://", "https://")):
        return Tier("deep", f"openai:{model}", base_url=word, api_key_env=key_env), asked
    from tierwise.testing import RecordedModel

    right = _recorded(Path(word))
    missing = [q.id for q in asked if q.id not in right]
    if missing:
        raise InvalidInput(
            f"{word} has no result for {len(missing)} of the questions, {missing[0]} for one.",
            fix="Give recorded results for every question, by the same ids.",
        )
    known = [replace(q, right={**q.right, "deep": right[q.id]}) for q in asked]
    texts = {q.question: (q.gold or "right") if right[q.id] >= 0.5 else "(recorded as wrong)" for q in asked}
    return Tier("deep", RecordedModel(f"recorded:{Path(word).name}", texts)), known


def _recorded(path: Path) -> dict[str, float]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    column = next((name for name in _RIGHT if name in (reader.fieldnames or ())), None)
    if column is None or "id" not in (reader.fieldnames or ()):
        raise InvalidInput(f"{path} needs the columns id and right.", fix="Add them.")
    found = {}
    for line, row in enumerate(reader, 2):
        try:
            value = float(row[column])
        except (TypeError, ValueError):
            value = -1.0
        if not 0 <= value <= 1:
            raise InvalidInput(f"{path}, line {line}: {column} is {row[column]!r}.", fix="Write a number from 0 to 1.")
        found[row["id"]] = value
    return found


def _figures(found: LivePair) -> dict[str, Any]:
    from tierwise.runtime import pair_figures

    return {"fitted": found.fitted, "tested": len(found.tested), **pair_figures(found)}


def _write_rows(found: LivePair, path: Path) -> None:
    try:
        with path.open("w", encoding="utf-8") as file:
            for row in found.tested:
                file.write(json.dumps(to_json(row)) + "\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", fix="Choose another place.") from error
    err().print(f"written: {path}")


def _print(figures: dict[str, Any]) -> None:
    from rich.table import Table

    say = out().print
    say(f"{figures['fitted']} questions to learn from, {figures['tested']} others measured")
    for kind, of in figures["kinds"].items():
        say()
        say(
            f"{kind}: {of['n']} questions; right: local {of['weak']:.1%}, deep {of['strong']:.1%}, oracle"
            f" {of['oracle']:.1%}",
            style="bold",
        )
        table = Table("after", "AUROC", "Brier", "base rate", "ECE (expected)", "above the line at half the calls")
        for stage, at in of["stages"].items():
            low = at["above_half_low"]
            table.add_row(
                stage,
                f"{at['auroc']:.3f} [{at['auroc_interval'][0]:.3f}, {at['auroc_interval'][1]:.3f}]",
                f"{at['brier']:.3f}",
                f"{at['base']:.3f}",
                f"{at['error']:.3f} ({at['error_expected']:.3f})",
                f"{100 * at['above_half']:+.0f} points (at least {100 * low:+.0f})",
            )
        say(table)
        table = Table("setting", "sent up", "right", "at random", "self-checks", "second samples", "ahead", "doubted")
        for at in of["served"]:
            wish = at["wish"] if isinstance(at["wish"], str) else f"share {at['wish']:.0%}"
            chance = of["weak"] + at["share"] * (of["strong"] - of["weak"])
            more = (at["looks"]["self_check"], at["looks"]["second_sample"], at["ahead"], at["doubted"])
            cells = (f"{value:.0%}" for value in more)
            table.add_row(wish, f"{at['share']:.0%}", f"{at['quality']:.1%}", f"{chance:.1%}", *cells)
        say(table)

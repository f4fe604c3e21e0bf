"""``tierwise router calibrate``: learn on the user's own questions when the larger tier is worth its call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.errors import InvalidInput, UsageError
from tierwise.jsonable import to_json
from tierwise_app.calibration_report import print_report
from tierwise_app.cli.router.steps import stages
from tierwise_app.cli.session import Json, session
from tierwise_app.console import confirm, err, print_json
from tierwise_app.text import duration, money, plural, since

if TYPE_CHECKING:
    from tierwise import Copilot
    from tierwise.runtime import Estimate, LabelledQuestion, Outcome, Progress


def calibrate(
    ctx: typer.Context,
    questions: Annotated[
        Path | None,
        typer.Argument(
            help='JSON Lines or CSV: {"question": "…", "gold": "…"}; without gold the largest tier is right.'
        ),
    ] = None,
    from_turns: Annotated[
        bool, typer.Option("--from-turns", help="Use your own recorded turns; locked ones never.")
    ] = False,
    period: Annotated[
        str | None, typer.Option("--since", metavar="AGE", help="With --from-turns: only those since 30d, 12h …")
    ] = None,
    most: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most N questions.")] = None,
    estimate_only: Annotated[bool, typer.Option("--estimate", help="Only say what it would take.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask; questions may go to your hosted tiers.")
    ] = False,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="PICTURE.png", help="Draw the curve.")] = None,
    page: Annotated[
        Path | None, typer.Option("--html", metavar="PAGE.html", help="Write the report as a page.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Try your tiers on questions, learn from their answers, and print what that is worth.

    Says first what it will take in time and money and what leaves this device. It can be stopped and taken up again:
    answers that are there are not asked for again. About 300 questions are a good number.
    """
    if (questions is None) == (not from_turns):
        raise UsageError("Give a file of questions, or --from-turns.")
    if period is not None and not from_turns:
        raise UsageError("--since goes with --from-turns.")
    from tierwise.runtime import LEAST_QUESTIONS

    if plot or page:
        from tierwise_app.cli.router.plot import require_matplotlib

        require_matplotlib()
    with session(ctx).copilot() as copilot:
        asked = _questions(copilot, questions, since(period) if period else None)[:most]
        calibrator = copilot.calibrator(asked)
        if len(asked) < LEAST_QUESTIONS:
            raise InvalidInput(
                f"There are {len(asked)} questions; at least {LEAST_QUESTIONS} are needed.",
                fix="Add questions; about 300 are a good number.",
            )
        if not as_json:
            err().print(f"{plural(len(asked), 'question')}; trying the first ones …")
        took = calibrator.estimate()
        if estimate_only and as_json:
            print_json(to_json(took))
            return
        _print_estimate(took)
        if estimate_only:
            return
        if not yes:
            confirm("Go on?")
        with stages() as show:

            def tell(step: Progress) -> None:
                show(f"{step.tier} answers", step.done, step.total)

            outcome = calibrator.run(tell)
        path = calibrator.save(outcome)
    if plot or page:
        _draw(outcome, plot, page)
    if as_json:
        print_json(_json(outcome, path))
        return
    print_report(outcome.calibration)
    if outcome.skipped:
        why = next(iter(outcome.skipped.values()))
        err().print(f"left out: {plural(len(outcome.skipped), 'question')}; the first because: {why}", style="yellow")
    err().print(f"In force from now on: {path}")


def show(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the calibration in force, and what it is worth."""
    from tierwise.routing import load_calibration

    settings = session(ctx).settings()
    found = load_calibration(settings.home)
    if found is None:
        raise UsageError("There is no calibration yet.", fix="Make one: tierwise router calibrate QUESTIONS.jsonl")
    if as_json:
        print_json({"id": found.id, "created": found.created, "questions": found.questions, "models": found.models,
                    "source": found.source, "figures": found.figures})  # fmt: skip
        return
    print_report(found)


def _questions(copilot: Copilot, path: Path | None, start: float | None) -> list[LabelledQuestion]:
    from tierwise.runtime import read_questions, turn_questions

    if path is not None:
        return read_questions(path)
    found = turn_questions(copilot.record.records(start), copilot.tiers)
    if not found:
        raise UsageError("No recorded turn can be used.", fix="Give a file of questions instead.")
    return found


def _print_estimate(took: Estimate) -> None:
    say = err().print
    for tier, n in took.answers.items():
        say(f"  {tier}: {plural(n, 'answer')}" + (" (recorded already)" if not n else ""))
    cost = "unknown: a tier has no price" if took.usd is None else money(took.usd)
    say(f"  about {duration(took.seconds * 1000)}; cost about {cost}")
    if took.questions_out:
        say(f"  {plural(took.questions_out, 'question')} with their passages go to {', '.join(took.hosts)}")
    else:
        say("  nothing leaves this device")


def _draw(outcome: Outcome, plot: Path | None, page: Path | None) -> None:
    from tierwise_app.calibration_page import draw_curve, write_page

    tier, figures = next(iter(outcome.calibration.figures.items()))
    if plot:
        draw_curve(figures, tier, plot)
        err().print(f"drawn: {plot}")
    if page:
        write_page(outcome.calibration, page)
        err().print(f"written: {page}")


def _json(outcome: Outcome, path: Path) -> dict[str, Any]:
    found = outcome.calibration
    return {
        "id": found.id,
        "path": str(path),
        "questions": found.questions,
        "skipped": dict(outcome.skipped),
        "figures": found.figures,
    }

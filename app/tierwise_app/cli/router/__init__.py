"""``tierwise router``: learn from results when the larger model is worth its call, and measure what was decided."""

from __future__ import annotations

import typer

from tierwise_app.cli.router import calibrate, evaluate, replay, score, train
from tierwise_app.cli.router.several import SeveralValues

app = typer.Typer(help="Learn when a larger model helps, and measure what was decided.", no_args_is_help=True)
app.command("calibrate")(calibrate.calibrate)
app.command("show")(calibrate.show)
app.command("train", cls=SeveralValues)(train.train)
app.command("score", cls=SeveralValues)(score.score)
app.command("eval")(evaluate.evaluate)
app.command("replay")(replay.replay)

"""``tierwise demo``: the main job in a minute, without a key."""

from __future__ import annotations

import typer

from tierwise.jsonable import to_json
from tierwise_app.cli.session import Json, session
from tierwise_app.console import print_json


def demo(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the main job on the embedded model, offline and without a key: read, ask, escalate, say why."""
    from tierwise_app.demo import run_demo

    answers = run_demo(session(ctx).settings(), quiet=as_json)
    if as_json:
        print_json(to_json(answers))
    raise typer.Exit(0 if all(answer.status == "done" for answer in answers) else 1)

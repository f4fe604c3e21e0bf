"""``tierwise why``: the decision record of a turn."""

from __future__ import annotations

from typing import Annotated

import typer

from tierwise.errors import UsageError
from tierwise.jsonable import to_json
from tierwise_app.cli.session import Json, session
from tierwise_app.console import out, print_json
from tierwise_app.text import one_line


def why(
    ctx: typer.Context,
    turn: Annotated[str, typer.Argument(help="A turn's id or the beginning of it.")] = "last",
    up: Annotated[bool, typer.Option("--up", help="Judge the answer: it is good.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Judge the answer: it is not good.")] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Say why, beside --up or --down.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show why a turn went as it went: tiers tried, evidence, passages, what left the device, cost and time."""
    from tierwise_app.render import print_record

    if up and down:
        raise UsageError("An answer is judged either --up or --down.")
    if reason is not None and not (up or down):
        raise UsageError("--reason goes with --up or --down.")
    with session(ctx).record() as record:
        if up or down:
            thumb = "up" if up else "down"
            found = record.set_feedback(turn, f"{thumb}: {reason}" if reason and reason.strip() else thumb)
        else:
            found = record.get(turn)
    if as_json:
        print_json(to_json(found))
    elif up or down:
        out().print(f"noted for turn {found.turn_id}: {one_line(found.feedback or '')}")
    else:
        print_record(out(), found)

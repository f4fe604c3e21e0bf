"""``tierwise why``: the decision record of a turn."""

from __future__ import annotations

from typing import Annotated

import typer

from tierwise.jsonable import to_json
from tierwise_app.cli.session import Json, session
from tierwise_app.console import out, print_json


def why(
    ctx: typer.Context,
    turn: Annotated[str, typer.Argument(help="A turn's id or the beginning of it.")] = "last",
    as_json: Json = False,
) -> None:
    """Show why a turn went as it went: tiers tried, evidence, passages, what left the device, cost and time."""
    from tierwise_app.render import print_record

    with session(ctx).record() as record:
        found = record.get(turn)
    if as_json:
        print_json(to_json(found))
    else:
        print_record(out(), found)

"""``tierwise threads redact``: take out of what was stored what would not be stored today."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from tierwise.types import Redaction
from tierwise_app.cli.session import Json, session
from tierwise_app.console import confirm, out, print_json
from tierwise_app.text import plural


def redact(
    ctx: typer.Context,
    thread: Annotated[str | None, typer.Argument(metavar="[THREAD]", help="Only this thread; by default all.")] = None,
    personal: Annotated[
        bool, typer.Option("--personal", help="Also personal data: addresses, numbers, places.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Take secrets out of stored turns that are over, for good, and make the backups anew."""
    from tierwise.record import Record

    settings = session(ctx).settings()
    kind: Redaction = "personal" if personal or settings.redact == "personal" else "secrets"
    with closing(Record(settings.home, redact=kind)) as record:
        found = len(record.turns_with_secrets(thread))
        if not yes:
            confirm(f"Take secrets out of {plural(found, 'turn')}, for good?")
        changed = record.take_secrets_out(thread)
    if as_json:
        print_json({"thread": thread, "changed": changed})
    else:
        out().print(f"secrets taken out of {plural(changed, 'turn')}")

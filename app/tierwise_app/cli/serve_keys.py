"""``tierwise serve keys``: who may ask the server."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import fields
from datetime import datetime, time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.jsonable import to_json
from tierwise_app.cli.session import Json, Session, session
from tierwise_app.console import err, out, print_json
from tierwise_app.render import print_table
from tierwise_app.text import clean, money, one_line, when

if TYPE_CHECKING:
    from tierwise_app.serve.keys import Key, Keys

app = typer.Typer(help="Keys of the server: who may ask, and how much.", no_args_is_help=True)


@app.command("add")
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it: who or what will use it.")],
    rpm: Annotated[int | None, typer.Option("--rpm", min=1, help="Requests a minute at most.")] = None,
    at_once: Annotated[int | None, typer.Option("--at-once", min=1, help="Turns at a time at most.")] = None,
    usd_day: Annotated[
        float | None, typer.Option("--usd-day", min=0, help="What its turns of a day may cost, in USD.")
    ] = None,
    sees: Annotated[str, typer.Option("--sees", metavar="own|all", help="Threads and turns it can read.")] = "own",
    documents: Annotated[
        str, typer.Option("--documents", metavar="none|read|write", help="What it may do with documents.")
    ] = "read",
    as_json: Json = False,
) -> None:
    """Make a key. It is shown once, and kept as a hash only."""
    keys = _keys(session(ctx))
    key, secret = keys.add(name, rpm=rpm, at_once=at_once, usd_day=usd_day, sees=sees, documents=documents)
    if as_json:
        print_json({"key": secret, **_shown(key)})
        return
    err().print(f"{clean(name)} ({key.id}) asks with this key. It is not shown again:", style="dim")
    out().print(secret)


@app.command("list")
def list_keys(ctx: typer.Context, as_json: Json = False) -> None:
    """List the keys with what they may do and what they spent today; never the keys themselves."""
    current = session(ctx)
    keys = _keys(current).all()
    today = datetime.combine(datetime.now().astimezone(), time()).timestamp()
    with current.record() if keys else nullcontext() as record:
        spent = {key.id: record.spent_by(key.id, today) for key in keys} if record is not None else {}
    if as_json:
        print_json([{**_shown(key), "spent_today": spent[key.id]} for key in keys])
    elif keys:
        heads = ("id", "name", "made", "rpm", "at once", "USD a day", "sees", "documents", "spent today")
        print_table(out(), heads, [_row(key, spent[key.id]) for key in keys])
    else:
        out().print("no keys: on this machine nobody needs one, and elsewhere nobody is served", style="dim")


@app.command("remove")
def remove(
    ctx: typer.Context,
    word: Annotated[str, typer.Argument(metavar="NAME", help="The key's name or id.")],
    as_json: Json = False,
) -> None:
    """Take a key out. It stops working at once; its turns and threads stay."""
    keys = _keys(session(ctx))
    gone = keys.remove(word)
    left = len(keys.all())
    if as_json:
        print_json({**_shown(gone), "left": left})
        return
    out().print(f"{clean(gone.name)} ({gone.id}) is no key any more")
    if not left:
        err().print("That was the last: a server that is started now asks nobody for one.", style="dim")


def _keys(current: Session) -> Keys:
    from tierwise_app.serve.keys import Keys

    return Keys(current.settings().home)


def _shown(key: Key) -> dict[str, Any]:
    return {f.name: to_json(getattr(key, f.name)) for f in fields(key) if f.name != "sha256"}


def _row(key: Key, spent: float) -> tuple[str, ...]:
    limits = ("-" if value is None else f"{value:g}" for value in (key.rpm, key.at_once, key.usd_day))
    return (key.id, one_line(key.name), when(key.created), *limits, key.sees, key.documents, money(spent))

"""``tierwise setup``: first-run choices, written to ``tierwise.toml``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tierwise.errors import InvalidInput, UsageError
from tierwise.home import default_home
from tierwise.jsonable import to_json
from tierwise_app.choices import Wishes, ask, check_flags, from_file
from tierwise_app.cli.doctor import examine
from tierwise_app.cli.session import Json, Session, session
from tierwise_app.config_file import ConfigFile, check_entry, config_path
from tierwise_app.console import err, print_json
from tierwise_app.wishes import Dial


def setup(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: flags and defaults decide.")] = False,
    local: Annotated[
        str | None,
        typer.Option("--local", metavar="MODEL", help="embedded, a name of models list, a .gguf file, or none."),
    ] = None,
    deep_model: Annotated[
        str | None, typer.Option("--deep-model", metavar="MODEL", help="Hosted model, or none.")
    ] = None,
    deep_url: Annotated[
        str | None, typer.Option("--deep-url", metavar="URL", help="Its server, if not the OpenAI API.")
    ] = None,
    deep_key_env: Annotated[
        str | None, typer.Option("--deep-key-env", metavar="NAME", help="Environment variable that holds its key.")
    ] = None,
    deep_price_input: Annotated[
        float | None, typer.Option("--deep-price-input", min=0, help="USD per million tokens read.")
    ] = None,
    deep_price_output: Annotated[
        float | None, typer.Option("--deep-price-output", min=0, help="USD per million tokens written.")
    ] = None,
    dial: Dial = None,
    force: Annotated[bool, typer.Option("--force", help="Change a configuration that is already there.")] = False,
    as_json: Json = False,
) -> None:
    """Choose a local and a hosted model, write tierwise.toml, then run the doctor's checks.

    What is not said stays as it is; --deep-model none takes the hosted tier out.
    """
    current = session(ctx)
    home = default_home()  # not from the configuration: setup is also how one mends a broken one
    price = _price(deep_price_input, deep_price_output)
    given = Wishes(local, deep_model, deep_url, deep_key_env, price, dial)
    if not yes and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on.", fix="Add --yes and say what you want with flags.")
    file = ConfigFile(config_path(current.config, home))
    before = from_file(file)
    check_flags(given, before)
    _edit(file, given.over(before) if yes else ask(given, before, home), home)
    if file.before and file.diff and not force:
        err().print(file.diff)
        raise InvalidInput(f"{file.path} is already there and would change as above.", fix="Add --force to change it.")
    if file.diff:
        file.write()
        err().print(f"written: {file.path}")
    else:
        err().print(f"nothing to change in {file.path}")
    checks = examine(Session(file.path, current.debug), online=False, show=not as_json)
    failed = any(check.status == "fail" for check in checks)
    if as_json:
        print_json({"path": str(file.path), "changed": bool(file.diff), "ok": not failed, "checks": to_json(checks)})
    raise typer.Exit(1 if failed else 0)


def _edit(file: ConfigFile, wishes: Wishes, home: Path) -> None:
    entries, dial = wishes.tiers(), wishes.checked_dial()
    for entry in entries:
        check_entry(entry, home)
    if dial != file.document.get("dial", "balanced"):
        file.set_value("dial", dial)
    for name in {"quick", "deep"} - {entry["name"] for entry in entries}:
        file.drop_tier(name)
    for entry in entries:
        file.put_tier(entry)


def _price(price_input: float | None, price_output: float | None) -> dict[str, float] | None:
    if price_input is None and price_output is None:
        return None
    return {"input": price_input or 0.0, "output": price_output or 0.0}

"""``tierwise doctor``: is everything in order, and if not, what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from tierwise.jsonable import to_json
from tierwise.redact import redact
from tierwise_app.cli.session import Json, Session, session
from tierwise_app.console import out, print_json

if TYPE_CHECKING:
    from tierwise_app.checks import Check

_STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    ctx: typer.Context,
    online: Annotated[bool, typer.Option("--online", help="Also contact hosted tiers (a few tokens each).")] = False,
    as_json: Json = False,
) -> None:
    """Check the installation, the models and the stores; every problem comes with one fix. Exit code 1 on fail."""
    checks = examine(session(ctx), online=online, show=not as_json)
    failed = any(check.status == "fail" for check in checks)
    if as_json:
        print_json({"ok": not failed, "checks": to_json(checks)})
    raise typer.Exit(1 if failed else 0)


def examine(current: Session, *, online: bool, show: bool) -> list[Check]:
    """Run the checks, printing each as soon as it is known."""
    from tierwise_app.checks import run_checks

    checks = []
    for found in run_checks(current.settings, online=online):
        check = replace(found, text=redact(found.text), fix=redact(found.fix) if found.fix else None)
        checks.append(check)
        if show:
            print_check(check)
    if show:
        counts = {status: sum(c.status == status for c in checks) for status in _STYLES}
        out().print(", ".join(f"{n} {status}" for status, n in counts.items() if n), style="bold")
    return checks


def print_check(check: Check) -> None:
    """One line, and the fix on the next."""
    console = out()
    console.print(f"{check.status:<4}", style=_STYLES[check.status], end=" ")
    console.print(f"{check.name}: {check.text}")
    if check.fix:
        console.print(f"     -> {check.fix}")

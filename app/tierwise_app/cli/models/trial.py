"""``tierwise models test``: tiers and models tried for real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.errors import TierwiseError
from tierwise.jsonable import to_json
from tierwise_app.checks import tiers_in_use
from tierwise_app.cli.session import Json, session
from tierwise_app.console import out, print_json, report
from tierwise_app.text import clean, duration, one_line

if TYPE_CHECKING:
    from tierwise_app.probe import Probe


def test(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[TIER|MODEL...]", help="All tiers by default.")] = None,
    as_json: Json = False,
) -> None:
    """Load tiers or models, write eight tokens with each and call a tool; a hosted one costs a few tokens."""
    from tierwise_app.model_trial import tier_or_model, try_tier

    settings = session(ctx).settings()
    known = {tier.name: tier for tier in tiers_in_use(settings)}
    wanted = [tier_or_model(known, name, settings.home) for name in names or known]
    results: list[dict[str, Any]] = []
    worst = 0
    for tier in wanted:
        try:
            trial = try_tier(tier, settings)
        except TierwiseError as error:
            worst = worst or error.exit_code
            results.append({"tier": tier.name, "ok": False, "error": {"code": error.code, "message": str(error)}})
            report(error, as_json=False)
            continue
        results.append({"ok": True, **to_json(trial.found), "expected_tokens_per_s": trial.expected})
        if not as_json:
            out().print(_line(trial.found, trial.expected))
    if as_json:
        print_json(results)
    raise typer.Exit(worst)


def _line(found: Probe, expected: float | None) -> str:
    speed = f", {found.tokens_per_s:.0f} tokens/s" if found.tokens_per_s else ""
    if speed and expected:
        speed += f" (estimated {expected:.0f})"
    load = f"loaded in {duration(found.load_ms)}, " if found.load_ms >= 1 else ""
    served = "" if found.served == found.model else f" (served: {clean(found.served)})"
    first = f"first token after {duration(found.first_token_ms)}{speed}"
    tools = {True: ", calls tools", False: ", did not call the tool it was given", None: ""}[found.called_tool]
    return f"{found.tier}: {found.model}{served}: {load}{first}{tools}: “{one_line(found.text)}”"

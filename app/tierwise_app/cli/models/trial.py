"""``tierwise models test``: tiers and models tried for real."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.errors import Blocked, TierwiseError, UnknownName
from tierwise.jsonable import to_json
from tierwise_app.checks import offline_word, tiers_in_use
from tierwise_app.cli.session import Json, session
from tierwise_app.console import out, print_json, report
from tierwise_app.text import clean, duration, one_line

if TYPE_CHECKING:
    from tierwise.config import Settings, Tier
    from tierwise_app.probe import Probe


def test(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[TIER|MODEL...]", help="All tiers by default.")] = None,
    as_json: Json = False,
) -> None:
    """Load tiers or models, write eight tokens with each and call a tool; a hosted one costs a few tokens."""
    from tierwise_app.probe import probe

    settings = session(ctx).settings()
    known = {tier.name: tier for tier in tiers_in_use(settings)}
    wanted = [_tier(known, name, settings.home) for name in names or known]
    results: list[dict[str, Any]] = []
    worst = 0
    for tier in wanted:
        try:
            _may_ask(tier, settings)
            _check_file(tier, settings.home)
            found = probe(tier, settings.home, tools=True)
            expected = _expected(tier, settings.home)
        except TierwiseError as error:
            worst = worst or error.exit_code
            results.append({"tier": tier.name, "ok": False, "error": {"code": error.code, "message": str(error)}})
            report(error, as_json=False)
            continue
        results.append({"ok": True, **to_json(found), "expected_tokens_per_s": expected})
        if not as_json:
            out().print(_line(found, expected))
    if as_json:
        print_json(results)
    raise typer.Exit(worst)


def _tier(known: Mapping[str, Tier], name: str, home: Path) -> Tier:
    """The tier of that name, else one made of the model of that name."""
    from tierwise.config import Tier
    from tierwise.models import locate

    if name in known:
        return known[name]
    model = name.removeprefix("llama:")
    try:
        locate(model, home=home)
    except UnknownName:
        raise UnknownName(
            f"There is no tier or model {name!r}.", fix=f"Tiers: {', '.join(known)}; models: tierwise models list."
        ) from None
    return Tier(model, f"llama:{model}")


def _may_ask(tier: Tier, settings: Settings) -> None:
    if (why := offline_word(settings)) and not tier.stays_on_device:
        raise Blocked(f"tierwise is {why}, and {tier.name} is not on this device: it is not asked.")


def _check_file(tier: Tier, home: Path) -> None:
    """Compare the whole file with its SHA-256: a trial is the moment to find a damaged disk."""
    from tierwise.models import find_installed

    if (name := _name(tier)) is not None:
        find_installed(name, home=home).check()


def _expected(tier: Tier, home: Path) -> float | None:
    """Tokens/s as estimated from the machine and the file's header."""
    from tierwise.models import estimate, find_installed, profile

    name = _name(tier)
    if name is None:
        return None
    return estimate(find_installed(name, home=home).header(), profile(home), context=tier.context_window).tokens_per_s


def _name(tier: Tier) -> str | None:
    kind, _, name = tier.model_name.partition(":")
    by_name = kind == "llama" and not (name.endswith(".gguf") or "/" in name or "\\" in name)
    return name if by_name else None


def _line(found: Probe, expected: float | None) -> str:
    speed = f", {found.tokens_per_s:.0f} tokens/s" if found.tokens_per_s else ""
    if speed and expected:
        speed += f" (estimated {expected:.0f})"
    load = f"loaded in {duration(found.load_ms)}, " if found.load_ms >= 1 else ""
    served = "" if found.served == found.model else f" (served: {clean(found.served)})"
    first = f"first token after {duration(found.first_token_ms)}{speed}"
    tools = {True: ", calls tools", False: ", did not call the tool it was given", None: ""}[found.called_tool]
    return f"{found.tier}: {found.model}{served}: {load}{first}{tools}: “{one_line(found.text)}”"

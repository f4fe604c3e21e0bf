"""``tierwise models``: the tiers in use, the catalogue, and trying them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.errors import InvalidInput, TierwiseError
from tierwise.jsonable import to_json
from tierwise_app.checks import tiers_in_use
from tierwise_app.cli.session import Json, session
from tierwise_app.config_file import ConfigFile, check_entry, config_path, tier_named, variable_name
from tierwise_app.console import err, out, print_json, report
from tierwise_app.render import print_table
from tierwise_app.text import clean, duration, one_line, size

if TYPE_CHECKING:
    from tierwise.config import Tier
    from tierwise_app.probe import Probe

app = typer.Typer(help="List, add and try models.", no_args_is_help=True)


@app.command("list")
def list_models(ctx: typer.Context, as_json: Json = False) -> None:
    """List the tiers in use and the models that tierwise knows by name."""
    from tierwise.models import catalogue, installed

    settings = session(ctx).settings()
    tiers = [_describe(tier) for tier in tiers_in_use(settings)]
    cards = []
    for card in catalogue():
        data = to_json(card) | {"installed": installed(card, home=settings.home) is not None}
        del data["evidence"]
        cards.append(data)
    if as_json:
        print_json({"tiers": tiers, "catalogue": cards})
        return
    out().print("tiers in use, cheapest first", style="bold")
    rows = [(t["name"], t["model"], "this device" if t["on_device"] else t["base_url"] or "OpenAI API") for t in tiers]
    print_table(out(), ("tier", "model", "where"), rows)
    out().print("\ncatalogue", style="bold")
    known = [
        (f"llama:{c['name']}", c["parameters"], f"{c['context']:,}", size(c["memory"]), c["licence"], _place(c))
        for c in cards
    ]
    print_table(out(), ("model", "size", "context", "memory", "licence", "file"), known)


@app.command("add")
def add(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(help="A path to a .gguf file, llama:NAME or openai:MODEL.")],
    tier: Annotated[str | None, typer.Option("--tier", metavar="NAME", help="Name of the tier.")] = None,
    base_url: Annotated[str | None, typer.Option("--base-url", help="Address of an OpenAI-compatible server.")] = None,
    api_key_env: Annotated[
        str | None, typer.Option("--api-key-env", metavar="NAME", help="Environment variable that holds the key.")
    ] = None,
    price_input: Annotated[
        float | None, typer.Option("--price-input", min=0, help="USD per million tokens read.")
    ] = None,
    price_output: Annotated[
        float | None, typer.Option("--price-output", min=0, help="USD per million tokens written.")
    ] = None,
    context: Annotated[int | None, typer.Option("--context", min=1, help="Window in tokens.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Change a tier of that name.")] = False,
    as_json: Json = False,
) -> None:
    """Add a tier to tierwise.toml; a local file's header is checked first."""
    settings = session(ctx).settings()
    file = ConfigFile(config_path(session(ctx).config or settings.path, settings.home))
    names = file.names()
    entry: dict[str, Any] = {"name": tier or _free_name(names, model), "model": _model_word(model)}
    if entry["name"] in names and not force:
        raise InvalidInput(f"There is already a tier {entry['name']!r}.", fix="Choose another --tier or add --force.")
    entry["base_url"] = base_url
    entry["api_key_env"] = variable_name(api_key_env) if api_key_env else None
    if price_input is not None or price_output is not None:
        entry["price"] = {"input": price_input or 0.0, "output": price_output or 0.0}
    entry["context_window"] = context
    check_entry(entry, settings.home)
    if not names and not entry["model"].startswith("llama:"):
        file.put_tier({"name": "quick", "model": "llama:smollm2-135m"})
        err().print("The embedded model stays the first tier, quick.")
    file.put_tier(entry)
    file.write()
    if as_json:
        print_json({"path": str(file.path), "tier": {k: v for k, v in entry.items() if v is not None}})
    else:
        out().print(f"tier {entry['name']} is in {file.path}; try it with: tierwise models test {entry['name']}")


@app.command("test")
def test(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[TIER...]", help="All tiers by default.")] = None,
    as_json: Json = False,
) -> None:
    """Load tiers and write eight tokens with each; a hosted tier is contacted and costs a few tokens."""
    from tierwise_app.probe import probe

    settings = session(ctx).settings()
    known = {tier.name: tier for tier in tiers_in_use(settings)}
    wanted = [tier_named(known, name) for name in names or known]
    results: list[dict[str, Any]] = []
    worst = 0
    for tier in wanted:
        try:
            found = probe(tier, settings.home)
        except TierwiseError as error:
            worst = worst or error.exit_code
            results.append({"tier": tier.name, "ok": False, "error": {"code": error.code, "message": str(error)}})
            report(error, as_json=False)
            continue
        results.append({"ok": True, **to_json(found)})
        if not as_json:
            out().print(_probe_line(found))
    if as_json:
        print_json(results)
    raise typer.Exit(worst)


def _model_word(word: str) -> str:
    if word.startswith("openai:") and word != "openai:":
        return word
    name = word.removeprefix("llama:")
    if name.endswith(".gguf") or "/" in name or "\\" in name:
        return f"llama:{Path(name).expanduser().absolute()}"
    if name in (word, ""):
        raise InvalidInput(f"{word!r} has no kind.", fix="Write llama:NAME, openai:MODEL or the path of a .gguf file.")
    return word


def _free_name(names: list[str], model: str) -> str:
    local = not model.startswith("openai:")
    for name in ("quick",) if local else ("deep",):
        if name not in names:
            return name
    stem = re.sub(r"[^a-z0-9.-]+", "-", Path(model.partition(":")[2] or model).stem.lower()).strip("-.") or "tier"
    return next(n for n in (stem, *(f"{stem}-{i}" for i in range(2, 1000))) if n not in names)


def _describe(tier: Tier) -> dict[str, Any]:
    return {
        "name": tier.name,
        "model": tier.model_name,
        "base_url": tier.base_url,
        "api_key_env": tier.api_key_env,
        "key_set": bool(tier.api_key_env and os.environ.get(tier.api_key_env)),
        "on_device": tier.stays_on_device,
        "context_window": tier.context_window,
        "price": to_json(tier.price),
        "stand_in": tier.stand_in,
    }


def _place(card: dict[str, Any]) -> str:
    return "installed" if card["installed"] else f"{card['source']} {card['file']}"


def _probe_line(found: Probe) -> str:
    speed = f", {found.tokens_per_s:.0f} tokens/s" if found.tokens_per_s else ""
    load = f"loaded in {duration(found.load_ms)}, " if found.load_ms >= 1 else ""
    served = "" if found.served == found.model else f" (served: {clean(found.served)})"
    first = f"first token after {duration(found.first_token_ms)}{speed}"
    return f"{found.tier}: {found.model}{served}: {load}{first}: “{one_line(found.text)}”"

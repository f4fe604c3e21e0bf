"""``tierwise models list``: the tiers in use, the catalogue, and models of one's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tierwise.jsonable import to_json
from tierwise_app.checks import tiers_in_use
from tierwise_app.cli.session import Json, session
from tierwise_app.console import out, print_json
from tierwise_app.render import print_table
from tierwise_app.text import size

if TYPE_CHECKING:
    from tierwise.config import Tier
    from tierwise.models import Card, DeviceProfile, InstalledModel

_VOUCHED = {"catalogue": "verified", "first download": "pinned", "nobody": "unverified"}


def list_models(ctx: typer.Context, as_json: Json = False) -> None:
    """List the tiers in use, the models that tierwise knows by name, and your own."""
    from tierwise.models import catalogue, installed_models, profile

    settings = session(ctx).settings()
    machine = profile(settings.home, measure=False)
    here = {model.name: model for model in installed_models(home=settings.home)}
    tiers = [_tier(tier) for tier in tiers_in_use(settings)]
    cards = [_card(known, here.get(known.name), machine, settings.home) for known in catalogue()]
    own = [_own(model) for model in here.values() if model.card is None]
    if as_json:
        print_json({"tiers": tiers, "catalogue": cards, "own": own})
        return
    out().print("tiers in use, cheapest first", style="bold")
    rows = [(t["name"], t["model"], "this device" if t["on_device"] else t["base_url"] or "OpenAI API") for t in tiers]
    print_table(out(), ("tier", "model", "where"), rows)
    out().print("\ncatalogue", style="bold")
    print_table(
        out(),
        ("model", "size", "context", "file", "memory", "tools", "licence", "here"),
        [
            (
                c["name"],
                c["parameters"],
                f"{c['context']:,}",
                size(c["file_bytes"]),
                size(c["memory"]),
                c["tools"],
                c["licence"].removeprefix("LicenseRef-"),
                _state(c),
            )
            for c in cards
        ],
        spare=("tools", "context", "size"),
    )
    if own:
        out().print("\nyour own", style="bold")
        files = [(o["name"], size(o["file_bytes"]), _VOUCHED[o["vouched"]], o["path"]) for o in own]
        print_table(out(), ("model", "file", "", "where"), files)


def _tier(tier: Tier) -> dict[str, Any]:
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


def _card(known: Card, model: InstalledModel | None, machine: DeviceProfile, home: Path) -> dict[str, Any]:
    from tierwise.models import estimate, unfinished

    data: dict[str, Any] = to_json(known)
    del data["evidence"]
    return data | {
        "file_bytes": model.size if model else known.file_bytes,
        "memory": known.memory,
        "fits": estimate(known.header(), machine).fits,
        "verified": known.verified,
        "installed": model is not None,
        "vouched": model.vouched if model else None,
        "path": str(model.path) if model else None,
        "unfinished": unfinished(known.name, home=home),
    }


def _own(model: InstalledModel) -> dict[str, Any]:
    where = Path(os.path.realpath(model.path))
    return {"name": model.name, "file_bytes": model.size, "vouched": model.vouched, "path": str(where)}


def _state(card: dict[str, Any]) -> str:
    if card["installed"]:
        return f"installed, {_VOUCHED[card['vouched']]}"
    if card["unfinished"]:
        return f"{size(card['unfinished'])} downloaded"
    fits = "fits" if card["fits"] else "too large"
    return fits if card["verified"] else f"{fits}, unverified"

"""``tierwise models use``: which model a tier has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tierwise.errors import InvalidInput, UnknownName, UsageError
from tierwise_app.cli.session import Json, session
from tierwise_app.config_file import ConfigFile, check_entry, config_path, variable_name
from tierwise_app.console import err, out, print_json

# What was said about the old model, and what was said about reaching it.
_OF_THE_MODEL = ("price", "adapter", "stand_in", "reasoning")
_OF_THE_WAY = ("base_url", "api_key_env", "on_device", "api", "context_window")


def use(
    ctx: typer.Context,
    choice: Annotated[
        str,
        typer.Argument(metavar="TIER=MODEL", help="MODEL is a name of models list, a .gguf file or openai:MODEL."),
    ],
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
    as_json: Json = False,
) -> None:
    """Give a tier a model in tierwise.toml, or make the tier; threads that are open go on with it."""
    settings = session(ctx).settings()
    file = ConfigFile(config_path(session(ctx).config or settings.path, settings.home))
    tier, equals, word = choice.partition("=")
    if not (tier and equals and word):
        raise InvalidInput(f"{choice!r} is not a choice.", fix="Write TIER=MODEL, for example quick=phi-3-mini-4k.")
    entry: dict[str, Any] = {"name": tier, "model": _model(word, settings.home)}
    if entry["model"].startswith("llama:") and (base_url or api_key_env):
        raise UsageError(
            f"{word} runs on this device: it has no address and no key.",
            fix="Leave out --base-url and --api-key-env, or write openai:MODEL.",
        )
    entry["base_url"] = base_url
    entry["api_key_env"] = variable_name(api_key_env) if api_key_env else None
    entry["price"] = _price(price_input, price_output)
    entry["context_window"] = context
    entry = {key: value for key, value in entry.items() if value is not None}
    before = file.tier(tier)
    gone = _outdated(before, entry)
    check_entry({key: value for key, value in before.items() if key not in gone} | entry, settings.home)
    if not file.names() and not entry["model"].startswith("llama:"):
        file.put_tier({"name": "quick", "model": "llama:smollm2-135m"})
        err().print("The embedded model stays the first tier, quick.")
    file.put_tier(dict.fromkeys(gone) | entry)
    file.write()
    if gone:
        err().print(f"taken out, since it was about {before['model']}: {', '.join(gone)}")
    if as_json:
        print_json({"path": str(file.path), "tier": file.tier(tier)})
    else:
        out().print(f"tier {tier} is {entry['model']} in {file.path}; try it with: tierwise models test {tier}")


def _outdated(before: dict[str, Any], entry: dict[str, Any]) -> list[str]:
    """Keys of the old entry that say nothing about the new model."""
    if not before or before["model"] == entry["model"]:
        return []
    same_kind = str(before["model"]).partition(":")[0] == entry["model"].partition(":")[0]
    keys = _OF_THE_MODEL if same_kind else (*_OF_THE_MODEL, *_OF_THE_WAY)
    if same_kind and not entry["model"].startswith("llama:"):
        keys = (*keys, "context_window")  # of a local model it is a wish about memory, of a hosted one a fact
    return [key for key in keys if key in before and key not in entry]


def _model(word: str, home: Path) -> str:
    """The model as the configuration writes it."""
    from tierwise.models import locate

    if word.startswith("openai:") and word != "openai:":
        return word
    name = word.removeprefix("llama:")
    if name.endswith(".gguf") or "/" in name or "\\" in name:
        return f"llama:{Path(name).expanduser().absolute()}"
    try:
        locate(name, home=home)
    except UnknownName:
        raise UnknownName(
            f"There is no model {word!r}.",
            fix="Write a name of tierwise models list, the path of a .gguf file, or openai:MODEL for a hosted one.",
        ) from None
    return f"llama:{name}"


def _price(price_input: float | None, price_output: float | None) -> dict[str, float] | None:
    if price_input is None and price_output is None:
        return None
    return {"input": price_input or 0.0, "output": price_output or 0.0}

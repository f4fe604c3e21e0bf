"""``tierwise models use``: which model a tier has."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tierwise.errors import InvalidInput, UsageError
from tierwise_app.cli.session import Json, session
from tierwise_app.config_file import ConfigFile, config_path, variable_name
from tierwise_app.console import err, out, print_json
from tierwise_app.tier_changes import model_word, price_entry, put_tier


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
    entry: dict[str, Any] = {"name": tier, "model": model_word(word, settings.home)}
    if entry["model"].startswith("llama:") and (base_url or api_key_env):
        raise UsageError(
            f"{word} runs on this device: it has no address and no key.",
            fix="Leave out --base-url and --api-key-env, or write openai:MODEL.",
        )
    entry["base_url"] = base_url
    entry["api_key_env"] = variable_name(api_key_env) if api_key_env else None
    entry["price"] = price_entry(price_input, price_output)
    entry["context_window"] = context
    entry = {key: value for key, value in entry.items() if value is not None}
    before = file.tier(tier)
    change = put_tier(file, entry, settings.home)
    if change.embedded_stays:
        err().print("The embedded model stays the first tier, quick.")
    file.write()
    if change.gone:
        err().print(f"taken out, since it was about {before['model']}: {', '.join(change.gone)}")
    if as_json:
        print_json({"path": str(file.path), "tier": file.tier(tier)})
    else:
        out().print(f"tier {tier} is {entry['model']} in {file.path}; try it with: tierwise models test {tier}")

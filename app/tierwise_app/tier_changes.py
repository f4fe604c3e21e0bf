"""Changes of the tiers in ``tierwise.toml``, as the command line and the app make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tierwise.errors import InvalidInput, UnknownName
from tierwise_app.config_file import ConfigFile, check_entry

EMBEDDED = {"name": "quick", "model": "llama:smollm2-135m"}
"""The tier that there is where none is written down."""
# What was said about the old model, and what was said about reaching it.
_OF_THE_MODEL = ("price", "adapter", "stand_in", "reasoning")
_OF_THE_WAY = ("base_url", "api_key_env", "on_device", "api", "context_window")


@dataclass(frozen=True, slots=True)
class TierChange:
    """What became of an entry beside what was asked for.

    Attributes:
        gone: keys that were taken out, since they were about the model before.
        embedded_stays: the embedded model was written down as the first tier, which it was without a word so far.
    """

    gone: tuple[str, ...] = ()
    embedded_stays: bool = False


def put_tier(file: ConfigFile, entry: Mapping[str, Any], home: Path) -> TierChange:
    """Add a tier or change the one of that name; the file is not written yet.

    Args:
        file: the configuration.
        entry: its keys with ``name`` and ``model``; ``None`` takes a key out, keys that are not named stay.
        home: the home folder, for local models.

    Raises:
        TierwiseError: if the tier cannot be so.
    """
    before = file.tier(entry["name"])
    gone = _outdated(before, entry)
    check_entry({key: value for key, value in before.items() if key not in gone} | dict(entry), home)
    embedded_stays = not file.names() and entry["name"] != EMBEDDED["name"]
    if embedded_stays:
        file.put_tier(EMBEDDED)
    file.put_tier(dict.fromkeys(gone) | dict(entry))
    return TierChange(tuple(gone), embedded_stays)


def model_word(word: str, home: Path) -> str:
    """The model as the configuration writes it, from a name, a path or ``openai:MODEL``.

    Raises:
        InvalidInput: for nothing, or ``openai:`` alone.
        UnknownName: if there is no such model here.
        ModelNotInstalled: if the catalogue has it, but this machine has not.
    """
    from tierwise.models import locate

    if word.startswith("openai:") and word != "openai:":
        return word
    name = word.removeprefix("llama:")
    if name in ("", "openai:"):
        raise InvalidInput("No model is named.", fix="Write its name.")
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


def price_entry(read: float | None, written: float | None) -> dict[str, float] | None:
    """A price in USD per million tokens as the configuration has it; ``None`` where nothing is known."""
    if read is None and written is None:
        return None
    return {"input": read or 0.0, "output": written or 0.0}


def _outdated(before: Mapping[str, Any], entry: Mapping[str, Any]) -> list[str]:
    """Keys of the old entry that say nothing about the new model."""
    if not before or before["model"] == entry["model"]:
        return []
    same_kind = str(before["model"]).partition(":")[0] == entry["model"].partition(":")[0]
    keys = _OF_THE_MODEL if same_kind else (*_OF_THE_MODEL, *_OF_THE_WAY)
    if same_kind and not entry["model"].startswith("llama:"):
        keys = (*keys, "context_window")  # of a local model it is a wish about memory, of a hosted one a fact
    return [key for key in keys if key in before and key not in entry]

"""What must be known before a model file comes or goes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tierwise.errors import Blocked, InvalidInput
from tierwise_app.checks import offline_word, tiers_in_use

if TYPE_CHECKING:
    from tierwise.config import Settings


def may_download(settings: Settings, *, offline: bool = False) -> None:
    """See that this device may open a connection.

    Raises:
        Blocked: if it is locked or offline.
    """
    if why := "offline" if offline else offline_word(settings):
        raise Blocked(f"tierwise is {why}: nothing is downloaded.", fix="Bring the file by: tierwise models add PATH")


def tiers_using(name: str, settings: Settings) -> list[str]:
    """Names of the tiers whose model is the file called ``name``."""
    itself = {f"llama:{name}", f"llama:{settings.home / 'models' / name}.gguf"}
    return [tier.name for tier in tiers_in_use(settings) if tier.model_name in itself]


def is_url(source: str) -> bool:
    """Whether it is meant as an address, and not as a path."""
    return "://" in source


def name_after(source: str) -> str:
    """A name after the file: ``Phi 3 (mini).Q4_K_M.gguf`` becomes ``phi-3-mini.q4_k_m``.

    Raises:
        InvalidInput: if none follows from it.
    """
    try:
        path = unquote(urlsplit(source).path) if is_url(source) else source
    except ValueError as error:
        raise InvalidInput(f"{source!r} is not an address.", fix="Write https://HOST/PATH/FILE.gguf.") from error
    stem = Path(path).name.lower().removesuffix(".gguf")
    name = re.sub(r"-*\.-*", ".", re.sub(r"[^a-z0-9._]+", "-", stem)).strip("-._")[:64]
    if not name:
        raise InvalidInput(f"No name follows from {source!r}.", fix="Give one with --name.")
    return name

"""The catalogue: a card for each local model that tierwise knows by name."""

from __future__ import annotations

import importlib.util
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from tierwise.errors import ModelNotInstalled, UnknownName
from tierwise.home import default_home


@dataclass(frozen=True, slots=True)
class Card:
    """What is known about a model.

    Attributes:
        name: as in ``llama:NAME``.
        title: for people.
        summary: what it is good for, one or two sentences.
        source: where the file comes from, as text; nothing is fetched from it by itself.
        file: name of the file there.
        licence: SPDX name.
        parameters: for example ``3.8B``.
        context: longest window it was trained for, in tokens.
        memory: bytes it needs in use with the default window, about.
        tools: how well it calls tools.
        size: bytes of the file; ``None`` where not known for certain.
        sha256: of the file; ``None`` means that nothing vouches for a download.
        package: Python package that carries the file, if one does.
        evidence: thresholds and calibration of its token probabilities, as their script wrote them.
    """

    name: str
    title: str
    summary: str
    source: str
    file: str
    licence: str
    parameters: str
    context: int
    memory: int
    tools: Literal["none", "weak", "good"] = "none"
    size: int | None = None
    sha256: str | None = None
    package: str | None = None
    evidence: dict[str, Any] | None = None


@cache
def _cards() -> dict[str, Card]:
    known = {f.name for f in fields(Card)}
    cards = {}
    for entry in sorted(resources.files("tierwise.models").joinpath("cards").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            data = tomllib.loads(entry.read_text(encoding="utf-8"))
            cards[data["name"]] = Card(**{k: v for k, v in data.items() if k in known})
    return cards


def catalogue() -> list[Card]:
    """All cards, the smallest model first."""
    return sorted(_cards().values(), key=lambda c: (c.memory, c.name))


def card(name: str) -> Card:
    """The card of a model.

    Args:
        name: with or without ``llama:``.

    Raises:
        UnknownName: if there is none.
    """
    try:
        return _cards()[name.removeprefix("llama:")]
    except KeyError:
        raise UnknownName(f"The catalogue has no model {name!r}.", fix=f"It has: {', '.join(_cards())}.") from None


def models_folder(home: Path | None = None) -> Path:
    """Where downloaded models lie: ``models`` in the home folder."""
    return (home or default_home()) / "models"


def locate(name: str, *, home: Path | None = None) -> Path:
    """The file of ``llama:NAME``: from its package if it has one, else ``NAME.gguf`` in the models folder.

    A file of that name in the models folder needs no card. The package is found without being imported.

    Raises:
        UnknownName: if there is neither a card nor a file.
        ModelNotInstalled: if there is a card, but no file.
    """
    known = _cards().get(name)
    if known and known.package and (found := _in_package(known.package, known.file)):
        return found
    path = models_folder(home) / f"{name}.gguf"
    if path.is_file():
        return path
    if known is None:
        raise UnknownName(
            f"There is no model {name!r}: the catalogue does not have it, and {path} does not exist.",
            fix=f"Use llama:/path/to/file.gguf or one of: {', '.join(_cards())}.",
        )
    if known.package:
        raise ModelNotInstalled(f"{known.title} is not installed.", fix='Run: pip install "tierwise[embedded]"')
    raise ModelNotInstalled(
        f"{known.title} is not installed.", fix=f"Get {known.file} from {known.source} and save it as {path}"
    )


def installed(known: Card, *, home: Path | None = None) -> Path | None:
    """The card's file, or ``None`` if it is not on this machine."""
    try:
        return locate(known.name, home=home)
    except ModelNotInstalled:
        return None


def _in_package(package: str, file: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / file
        if path.is_file():
            return path
    return None

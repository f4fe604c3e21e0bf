"""The catalogue: a card for each local model that tierwise knows by name. Cards are data, in ``cards/NAME.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from tierwise.errors import UnknownName
from tierwise.models.gguf import GgufHeader
from tierwise.models.memory import USUAL_WINDOW, memory_need


@dataclass(frozen=True, slots=True)
class Shape:
    """The figures of a transformer that its memory follows from.

    Attributes:
        layers: number of blocks.
        heads: attention heads.
        kv_heads: heads of keys and values; fewer than ``heads`` where groups share them.
        head_dim: length of one key or value.
        width: length of the embedding.
        feed_forward: inner length of the feed-forward part.
        vocabulary: number of tokens.
    """

    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    width: int
    feed_forward: int
    vocabulary: int


@dataclass(frozen=True, slots=True)
class Card:
    """What is known about a model.

    Attributes:
        name: as in ``llama:NAME``.
        title: for people.
        summary: what it is good for, one or two sentences.
        source: where the file comes from, as text.
        file: name of the file there.
        licence: SPDX name; ``LicenseRef-...`` where SPDX does not list it.
        parameters: for example ``3.8B``.
        architecture: as GGUF files name it.
        template: family of its chat format.
        context: longest window it was trained for, in tokens.
        languages: ISO 639-1 codes of the main languages its makers name.
        shape: figures that memory follows from.
        tools: how well it calls tools.
        url: what ``tierwise models pull`` fetches; ``None`` if a package carries the file.
        size: bytes of the file; ``None`` where not known for certain.
        size_about: the same, rounded, where only that is known.
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
    architecture: str
    template: str
    context: int
    languages: tuple[str, ...]
    shape: Shape
    tools: Literal["none", "weak", "good"] = "none"
    url: str | None = None
    size: int | None = None
    size_about: int | None = None
    sha256: str | None = None
    package: str | None = None
    evidence: dict[str, Any] | None = None

    @property
    def verified(self) -> bool:
        """Whether the catalogue knows the file's SHA-256, so that a download can be told from any other file."""
        return self.sha256 is not None

    @property
    def file_bytes(self) -> int:
        """Bytes of the file, rounded where they are not known for certain."""
        return self.size or self.size_about or 0

    @property
    def memory(self) -> int:
        """Estimated bytes in use, with the window that a tier gets by default; see :func:`~.memory.memory_need`."""
        return memory_need(self.header(), min(self.context, USUAL_WINDOW)).total

    def header(self) -> GgufHeader:
        """The header that the file should have, as far as estimates need it: for asking before there is a file."""
        shape = self.shape
        figures = {
            "context_length": self.context,
            "block_count": shape.layers,
            "embedding_length": shape.width,
            "feed_forward_length": shape.feed_forward,
            "attention.head_count": shape.heads,
            "attention.head_count_kv": shape.kv_heads,
            "attention.key_length": shape.head_dim,
            "attention.value_length": shape.head_dim,
        }
        return GgufHeader(
            path=Path(self.file),
            architecture=self.architecture,
            context_length=self.context,
            weight_bytes=self.file_bytes,
            metadata={f"{self.architecture}.{key}": value for key, value in figures.items()},
            lengths={"tokenizer.ggml.tokens": shape.vocabulary},
        )


@cache
def _cards() -> dict[str, Card]:
    known = {f.name for f in fields(Card)}
    cards = {}
    for entry in sorted(resources.files("tierwise.models.store").joinpath("cards").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            data = {k: v for k, v in tomllib.loads(entry.read_text(encoding="utf-8")).items() if k in known}
            data |= {"shape": Shape(**data["shape"]), "languages": tuple(data["languages"])}
            cards[data["name"]] = Card(**data)
    return cards


def catalogue() -> list[Card]:
    """All cards, the smallest file first."""
    return sorted(_cards().values(), key=lambda c: (c.file_bytes, c.name))


def find_card(name: str) -> Card | None:
    """The card of a model, or ``None`` if the catalogue does not have it."""
    return _cards().get(name)


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

"""What ``/v1/knowledge`` takes and gives, as the OpenAPI document tells it and as requests are held to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tierwise import Passage
from tierwise.knowledge import Collection, Filter, Kind, Source

_STARS = 2  # of a glob: what more of them match takes for ever to find out


def _plain(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL character")
    return text


def _place(word: str) -> str:
    if word.count("*") > _STARS:
        raise ValueError(f"has more than {_STARS} stars")
    return _plain(word)


CollectionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
_Word = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain)]
_Place = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_place)]
_Time = Annotated[float, Field(allow_inf_nan=False, ge=-1e11, le=1e11)]


class Only(BaseModel):
    """What a search is limited to; a document must meet all conditions that are given."""

    model_config = ConfigDict(extra="forbid")

    collections: list[CollectionName] = Field([], max_length=50, description="One of these holds it.")
    sources: list[_Place] = Field(
        [],
        max_length=10,
        description="One of these names it: its path or address, a folder or the beginning of an address with all that"
        f" is below, or a glob of at most {_STARS} stars.",
    )
    kinds: list[Kind] = Field([], max_length=20, description="It is of one of these kinds.")
    since: _Time | None = Field(None, description="Its date is not before this, in seconds since 1970.")
    before: _Time | None = Field(None, description="Its date is before this, in seconds since 1970.")
    labels: list[_Word] = Field([], max_length=50, description="It has at least one of these labels.")
    access: list[_Word] | None = Field(
        None, max_length=50, description="It is open to everyone, or to one of these readers; null does not ask."
    )

    @property
    def filter(self) -> Filter:
        """The same for the SDK."""
        return Filter(
            collections=tuple(self.collections),
            sources=tuple(self.sources),
            kinds=tuple(self.kinds),
            since=self.since,
            before=self.before,
            labels=frozenset(self.labels),
            access=None if self.access is None else frozenset(self.access),
        )


class Search(BaseModel):
    """A search in the documents."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"query": "How long may a claim take?", "k": 3, "collection": "contracts"}]},
    )

    query: Annotated[str, Field(min_length=1, max_length=8_000), AfterValidator(_plain)] = Field(
        description="A question, or words."
    )
    k: int = Field(5, ge=1, le=50, strict=True, description="How many passages at most.")
    collection: CollectionName | None = Field(None, description="Search only this one.")
    only: Only | None = Field(None, description="What else the search is limited to.")


class Collections(BaseModel):
    """All collections."""

    object: Literal["list"]
    data: list[Collection]


@dataclass(frozen=True, slots=True)
class Listed(Source):
    """A document as the list shows it. ``id`` names it in its collection; otherwise as in the SDK."""

    id: str = ""


class NotRead(BaseModel):
    """A document that could not be read when it was last tried."""

    id: str
    path: str
    collection: str
    error: str = Field(description="Why, as a sentence.")
    fix: str | None = Field(description="What to do.")
    failed: float = Field(description="When, in seconds since 1970.")


class Sources(BaseModel):
    """A page of documents."""

    object: Literal["list"]
    data: list[Listed]
    failed: list[NotRead] = Field(description="With the first page: what could not be read.")
    has_more: bool = Field(description="There are more: ask again with `after` set to the last id.")


class Removed(BaseModel):
    """How many documents were removed."""

    object: Literal["sources.removed"]
    removed: int


class Found(BaseModel):
    """Passages, best first."""

    object: Literal["list"]
    data: list[Passage]
    by_words_only: bool = Field(description="Vectors could not be used, or not their index: found by words, or slowly.")


FormOfDocuments: dict[str, Any] = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"},
            "description": "One document or several, each as a field `file` of its own.",
        },
        "collection": {
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            "default": "default",
            "description": "Where to; made if it is new.",
        },
        "lock": {
            "type": "string",
            "enum": ["true", "false"],
            "default": "false",
            "description": "Lock the collection: turns that read from it stay on the device. Nothing here unlocks.",
        },
    },
    "additionalProperties": False,
}

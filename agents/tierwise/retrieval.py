"""How the documents were searched for a turn, as its record tells it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage that the search of a turn gave.

    Attributes:
        id: of the passage.
        source: absolute path (or address) of its document.
        page: from 1 for paged formats.
        score: cosine to what was searched for.
        kept: it was in the last prompt, as far as there was one.
        why: why it was not.
    """

    id: str
    source: str
    page: int | None
    score: float
    kept: bool
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How the documents were searched for a turn.

    Attributes:
        query: what was searched for.
        k: how many passages at most.
        ms: milliseconds of the search itself.
        floor: what the best passage has to be worth for any to be kept: its cosine, plus a bonus for the query's words;
            ``None`` if the search has no such line, or a document was named.
        found: best first.
    """

    query: str
    k: int
    ms: float
    floor: float | None = None
    found: tuple[FoundPassage, ...] = ()

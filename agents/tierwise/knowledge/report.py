"""What the knowledge tells about itself: sources, collections, and how an ingest went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

SourceStatus = Literal["added", "changed", "removed", "unchanged", "failed"]


@dataclass(frozen=True, slots=True)
class Source:
    """One document in one collection.

    Attributes:
        path: absolute path with symbolic links resolved, address, or ``CONNECTOR:ID``.
        title: the document's own title, if it has one.
        pages: number of pages, ``None`` for formats without pages.
        bytes: size of the content when it was read.
        ingested: when it was read last, seconds since the epoch.
        warnings: what its reader had to say (another encoding than UTF-8, pages without text ...).
        kind: which reader read it.
        date: when it was written as it says itself, seconds since the epoch.
        modified: when it was changed last as its place says, seconds since the epoch.
        origin: id of the origin it came from: a folder, an address, a connector.
        labels: words a search can be limited to.
        access: who may read it; empty means everyone.
    """

    path: str
    collection: str
    title: str | None
    pages: int | None
    passages: int
    bytes: int
    ingested: float
    warnings: tuple[str, ...] = ()
    kind: str = "text"
    date: float | None = None
    modified: float | None = None
    origin: str = ""
    labels: frozenset[str] = frozenset()
    access: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that could not be read when it was last tried.

    Attributes:
        error: why, as a sentence.
        fix: what to do.
        original: the reading library's own error, in a line.
        failed: when, seconds since the epoch.
    """

    path: str
    collection: str
    error: str
    fix: str | None
    original: str | None
    failed: float


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of sources. ``locked``: a turn that reads a passage of it stays on the device."""

    name: str
    locked: bool
    sources: int
    passages: int


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What an ingest did with one source.

    Attributes:
        path: as in :class:`Source`.
        status: what was done.
        pages: as in :class:`Source`.
        passages: how many it has.
        warnings: what its reader had to say.
        embedded: how many texts had to be embedded for it; the others had their vectors already.
        kind: which reader read it; ``None`` if none did.
        error: why it failed, as a sentence.
        fix: what to do about that.
        original: the reading library's own error, in a line.
    """

    path: str
    status: SourceStatus
    pages: int | None = None
    passages: int = 0
    warnings: tuple[str, ...] = ()
    embedded: int = 0
    kind: str | None = None
    error: str | None = None
    fix: str | None = None
    original: str | None = None


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did, in counts of sources and one by one (``ingest --json`` prints exactly this).

    Attributes:
        embedded: texts that were embedded, those an earlier run had left waiting among them.
        stopped: it was told to stop before it was through; the next one goes on from there.
    """

    added: int
    changed: int
    removed: int
    unchanged: int
    failed: int
    seconds: float
    sources: tuple[SourceReport, ...] = ()
    embedded: int = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far an ingest is.

    Attributes:
        done: sources finished.
        total: sources to look at, 0 while that is not known. A rebuild counts steps instead: a text to embed, a text to
            put into the index.
        path: the source in work.
        passages: texts embedded so far.
        rate: texts embedded per second so far; 0.0 until the first.
        seconds_left: at the pace so far; ``None`` while there is too little to go by.
    """

    done: int
    total: int
    path: str
    passages: int
    rate: float
    seconds_left: float | None = None


Progress = Callable[[IngestProgress], None]


def told_by_words(reason: object) -> str:
    """That a search had no vectors, as a sentence; ``reason`` is a clause."""
    return (
        "Documents are searched by words only, not by meaning, because their vectors cannot be used"
        f" ({reason}). Run `tierwise sources rebuild`."
    )


def told_without_index(reason: object) -> str:
    """That a search looked at every vector, as a sentence; ``reason`` is a clause."""
    return (
        "Documents are searched without the index of their vectors, which is slower, because it cannot be used"
        f" ({reason}). Run `tierwise sources rebuild`."
    )

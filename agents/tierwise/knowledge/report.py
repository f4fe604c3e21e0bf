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
        path: absolute path, symbolic links resolved.
        title: the document's own title, if it has one.
        pages: number of pages, ``None`` for formats without pages.
        bytes: size of the file when it was read.
        ingested: when it was read last, seconds since the epoch.
        warnings: what its reader had to say (another encoding than UTF-8, pages without text ...).
    """

    path: str
    collection: str
    title: str | None
    pages: int | None
    passages: int
    bytes: int
    ingested: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of sources. ``locked``: a turn that reads a passage of it stays on the device."""

    name: str
    locked: bool
    sources: int
    passages: int


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What an ingest did with one file. A ``failed`` one says why, and what to do, in ``warnings``."""

    path: str
    status: SourceStatus
    pages: int | None = None
    passages: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did, in counts of files and file by file (``ingest --json`` prints exactly this)."""

    added: int
    changed: int
    removed: int
    unchanged: int
    failed: int
    seconds: float
    sources: tuple[SourceReport, ...] = ()


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far an ingest is.

    Attributes:
        done: files finished, their passages embedded.
        total: files to look at; 0 while a rebuild counts passages instead.
        path: the file in work.
        passages: passages embedded so far.
        rate: passages embedded per second so far; 0.0 until the first.
    """

    done: int
    total: int
    path: str
    passages: int
    rate: float


Progress = Callable[[IngestProgress], None]

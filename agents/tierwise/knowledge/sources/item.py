"""What an ingest is told by where documents come from: things to bring in, things that are gone, troubles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Item:
    """One document to bring in, or to leave alone if it did not change.

    Attributes:
        source: its one name: an absolute path, an address, or ``CONNECTOR:ID``.
        name: a file name, whose ending tells what it is.
        stamp: another one whenever the content may have changed; an item whose stamp is the stored one is not loaded.
            ``None``: cannot be told without loading it.
        load: gives the content; raises ``InvalidInput`` with a reason and a remedy.
        title: its title where it is known without reading it.
        modified: when it was changed last, seconds since the epoch.
        labels: words a search can be limited to.
        access: who may read it; empty means everyone. A search for readers finds what one of their words opens.
    """

    source: str
    name: str
    stamp: str | None
    load: Callable[[], bytes]
    title: str | None = None
    modified: float | None = None
    labels: frozenset[str] = frozenset()
    access: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Gone:
    """A source that is not there any more."""

    source: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that could not be looked at: it is reported as failed, and what is stored of it stays."""

    source: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far an incremental crawl has come; stored once everything before it has been."""

    value: str


Change = Item | Gone | Trouble | Cursor


class Origin(Protocol):
    """Where documents come from, for one ingest."""

    @property
    def id(self) -> str:
        """The same in every ingest: an absolute path, an address, or ``CONNECTOR:ARGUMENT``; the cursor's name."""
        ...

    def changes(self, known: Mapping[str, str | None], cursor: str | None) -> Iterator[Change]:
        """Everything there is, or everything that changed since ``cursor``.

        Args:
            known: stamps by source of what is stored in the collection, so that what is gone can be told.
            cursor: the last one that was stored for this origin.
        """
        ...

    def count(self) -> int | None:
        """How many items ``changes`` will give; ``None`` if that is not known ahead."""
        ...

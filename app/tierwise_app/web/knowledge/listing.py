"""The documents of a list: what was read and what failed, filtered and in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from tierwise.knowledge import Failure, Source
from tierwise_app.text import place

Status = Literal["all", "read", "warned", "failed"]
Order = Literal["newest", "name"]
STATUSES: tuple[Status, ...] = ("all", "read", "warned", "failed")
ORDERS: tuple[Order, ...] = ("newest", "name")


@dataclass(frozen=True, slots=True)
class Entry:
    """A document of a collection.

    Attributes:
        collection: its name.
        path: as in ``Source``.
        source: what was read from it, if anything was.
        failure: why it could not be read when it was last tried, if it could not.
    """

    collection: str
    path: str
    source: Source | None
    failure: Failure | None

    @property
    def status(self) -> Status:
        """How it went when it was last tried."""
        if self.failure is not None:
            return "failed"
        return "warned" if self.source is not None and self.source.warnings else "read"

    @property
    def tried(self) -> float:
        """When it was last tried or read, seconds since the epoch."""
        return max(self.source.ingested if self.source else 0.0, self.failure.failed if self.failure else 0.0)

    @property
    def title(self) -> str:
        """Its own title, or nothing."""
        return (self.source.title if self.source else None) or ""

    @property
    def name(self) -> str:
        """The name of a file; the whole of an address or of a connector's document."""
        return name_of(self.path)

    @property
    def key(self) -> str:
        """Short, for the keys of widgets."""
        return sha256(f"{self.collection}\0{self.path}".encode()).hexdigest()[:16]


def name_of(path: str) -> str:
    """The name of a file; the whole of an address or of a connector's document."""
    return place(path) if Path(path).is_absolute() else path


def entries(
    sources: Sequence[Source],
    failures: Sequence[Failure],
    *,
    words: str = "",
    status: Status = "all",
    order: Order = "newest",
) -> list[Entry]:
    """Documents that match.

    Args:
        sources: what was read.
        failures: what could not be.
        words: all of them stand in the path or the title, whatever their case.
        status: only these.
        order: those read last first, or by name.
    """
    read = {(s.collection, s.path): s for s in sources}
    failed = {(f.collection, f.path): f for f in failures}
    found = [Entry(*key, read.get(key), failed.get(key)) for key in {**read, **failed}]
    wanted = words.casefold().split()
    found = [
        entry
        for entry in found
        if status in ("all", entry.status) and all(word in f"{entry.path}\n{entry.title}".casefold() for word in wanted)
    ]
    found.sort(key=lambda entry: (entry.name.casefold(), entry.path, entry.collection))
    if order == "newest":
        found.sort(key=lambda entry: -entry.tried)
    return found

"""What a connector is: the documents of another system, all of them or what changed since the last time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from tierwise.knowledge.sources.item import Cursor


@dataclass(frozen=True, slots=True)
class ConnectorItem:
    """One document of another system.

    Attributes:
        id: its one name there, the same in every crawl.
        name: a file name, whose ending tells what the data is: ``12.md``, ``minutes.docx``.
        data: its content; a text goes out as UTF-8.
        title: its title, if the data does not say it.
        modified: when it was changed last, seconds since the epoch.
        labels: words a search can be limited to.
        access: who may read it; empty means everyone.
    """

    id: str
    name: str
    data: bytes | str
    title: str | None = None
    modified: float | None = None
    labels: frozenset[str] = frozenset()
    access: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Deleted:
    """A document that is not there any more, or not for us."""

    id: str


class CursorExpired(Exception):
    """Raised by ``crawl`` if the system does not know the cursor any more: it is called again without one."""


@runtime_checkable
class Connector(Protocol):
    """A way into another system.

    ``crawl(None)`` gives every document, and what it does not give is taken out. ``crawl(cursor)`` gives what changed
    since, and names what was deleted. A :class:`Cursor` says that everything before it has been given; it is stored
    once all of that is stored, and the next crawl gets the last one. A connector that gives none is crawled in full.

    It is used from one thread, which is not the main one. What it raises is shown to the user; what was stored stays.
    """

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    def crawl(self, cursor: str | None) -> Iterator[ConnectorItem | Deleted | Cursor]:
        """Everything, or what changed since ``cursor``."""
        ...


MakeConnector = Callable[[str, Mapping[str, Any]], Connector]
"""What an entry point of the group ``tierwise.connectors`` names: ``make(argument, options)`` gives a connector.

``argument`` is what follows the colon in ``NAME:ARGUMENT``, ``options`` the section ``[connectors.NAME]``.
"""

"""What a search is limited to: collections, sources, kinds, dates, labels, readers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tierwise.knowledge.document import Kind
from tierwise.knowledge.store.where import Where

_ADDRESS = re.compile(r"[A-Za-z][\w+.-]+:")


@dataclass(frozen=True, slots=True)
class Filter:
    """Sources that a search may find; a source must meet all conditions, and an empty one is met by every source.

    Attributes:
        collections: one of these holds it.
        sources: one of these names it: its path or address, a folder or the beginning of an address with all that is
            below, or a glob (``*`` also passes over ``/``). What is neither an absolute path nor an address counts from
            any folder: ``notes/*.md`` finds ``/home/me/notes/today.md``.
        kinds: it is of one of these kinds.
        since: its date is not before this, in seconds since the epoch. Its date is the one that the document bears
            itself (a mail's), else when it was changed last; a source without either meets no condition on dates.
        before: its date is before this.
        labels: it has at least one of these labels.
        access: it is open to everyone, or to one of these readers; ``None`` does not ask.
    """

    collections: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    since: float | None = None
    before: float | None = None
    labels: frozenset[str] = frozenset()
    access: frozenset[str] | None = None

    def where(self) -> Where | None:
        """The condition on the table ``sources`` (alias ``s``); ``None`` if every source meets it."""
        conditions: list[str] = []
        values: list[str | int | float] = []

        def add(condition: str, given: Iterable[str | int | float]) -> None:
            conditions.append(condition)
            values.extend(given)

        if self.collections:
            add(f"s.collection IN ({_marks(self.collections)})", self.collections)
        if self.sources:
            named = [_named(word) for word in self.sources]
            add(f"({' OR '.join(sql for sql, _ in named)})", [value for _, given in named for value in given])
        if self.kinds:
            add(f"s.kind IN ({_marks(self.kinds)})", self.kinds)
        if self.since is not None:
            add("coalesce(s.date, s.modified) >= ?", [self.since])
        if self.before is not None:
            add("coalesce(s.date, s.modified) < ?", [self.before])
        if self.labels:
            add(_shares("s.labels", self.labels), sorted(self.labels))
        if self.access is not None:
            opened = _shares("s.access", self.access)
            add(f"(json_array_length(s.access) = 0 OR {opened})", sorted(self.access))
        return Where(" AND ".join(conditions), tuple(values)) if conditions else None


def _named(word: str) -> tuple[str, list[str | int | float]]:
    """The condition that a word names a source, and its values."""
    anywhere = not (Path(word).is_absolute() or _ADDRESS.match(word))
    word = word.rstrip("/") or word
    if anywhere:
        conditions = ["substr(s.path, -length(?)) = ?", "instr(s.path, ?) > 0"]
        values: list[str | int | float] = [f"/{word}", f"/{word}", f"/{word}/"]
    else:
        conditions = ["s.path = ?", "substr(s.path, 1, length(?)) = ?"]
        below = word if word.endswith("/") else f"{word}/"
        values = [word, below, below]
    if re.search(r"[*?\[]", word):
        conditions.append("s.path GLOB ?")
        values.append(f"*/{word}" if anywhere else word)
    return f"({' OR '.join(conditions)})", values


def _shares(column: str, words: Iterable[str]) -> str:
    """The condition that a JSON list holds one of the words."""
    return f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value IN ({_marks(list(words))}))"  # noqa: S608


def _marks(values: Iterable[object]) -> str:
    return ",".join("?" for _ in values)

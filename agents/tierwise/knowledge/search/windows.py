"""The stretch of a document around a passage that is shown for it.

A small passage is found best, but says too little: what its vector stands for is embedded small, and returned wide.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from tierwise.knowledge.store import tables
from tierwise.knowledge.store.database import Database
from tierwise.types import Passage

WIDE_CHARS = 1_400
"""About 230 words of English, or three passages."""

NARROW_CHARS = 600
"""For models that lose themselves in long passages, as the embedded one does."""

WIDE_PASSAGES = 4
"""Where words are short for their tokens, as in Chinese, this bounds what a model has to read."""


@dataclass(frozen=True, slots=True)
class Part:
    """A passage as a part of its page: its row, its span, its title, and a number that equal texts share."""

    row: int
    start: int
    end: int
    title: str | None
    content: int


@dataclass(frozen=True, slots=True)
class Window:
    """A passage with those beside it on its page that fit.

    Attributes:
        id: the passage's.
        source: the row of its source.
        page: its page's number.
        row: its own.
        parts: in reading order, itself among them.
    """

    id: str
    source: int
    page: int | None
    row: int
    parts: tuple[Part, ...]

    @property
    def rows(self) -> list[int]:
        """The rows of all its passages."""
        return [part.row for part in self.parts]

    @property
    def middle(self) -> int:
        """Where the passage itself is among the parts."""
        return self.rows.index(self.row)

    def without(self, contents: Collection[int]) -> Window:
        """What is left around the passage itself, up to those whose texts are shown already."""
        shown = [part.content in contents for part in self.parts]
        before = next((i for i in range(self.middle, 0, -1) if shown[i - 1]), 0)
        after = next((i for i in range(self.middle + 1, len(shown)) if shown[i]), len(shown))
        return replace(self, parts=self.parts[before:after])


def windows(db: Database, ids: Iterable[str], rows: Iterable[int], *, wide: int = WIDE_CHARS) -> list[Window]:
    """The windows around passages, in no order; one that is gone has none.

    Args:
        db: where they are.
        ids: of passages.
        rows: of passages; one may be named both ways.
        wide: characters of a window at most.
    """
    found = db.rows(
        "SELECT p.rowid, p.id, p.source, p.page, n.rowid, n.start, n.end, n.title, n.vector FROM passages p"
        " JOIN passages n ON n.source = p.source AND n.position BETWEEN p.position - ?3 AND p.position + ?3"
        " AND n.page IS p.page WHERE p.rowid IN (SELECT value FROM json_each(?2) UNION"
        " SELECT rowid FROM passages WHERE id IN (SELECT value FROM json_each(?1))) ORDER BY p.rowid, n.position",
        (json.dumps(list(ids)), json.dumps(list(rows)), WIDE_PASSAGES - 1),
    )
    return [
        Window(id_, source, page, row, _fitting(row, [Part(*neighbour[4:]) for neighbour in group], wide))
        for (row, id_, source, page), group in groupby(found, key=lambda one: one[:4])
    ]


def _fitting(row: int, parts: Sequence[Part], wide: int) -> tuple[Part, ...]:
    """Those that fit around one, by turns after and before it."""
    first = last = next(i for i, part in enumerate(parts) if part.row == row)
    ahead = True
    while last - first + 1 < WIDE_PASSAGES:
        after = last + 1 < len(parts) and parts[last + 1].end - parts[first].start <= wide
        before = first > 0 and parts[last].end - parts[first - 1].start <= wide
        if not (after or before):
            break
        if after and (ahead or not before):
            last += 1
        else:
            first -= 1
        ahead = not ahead
    return tuple(parts[first : last + 1])


def shown(db: Database, ordered: Sequence[Window], scores: Mapping[str, float], k: int) -> list[Passage]:
    """The first ``k`` windows as passages; what one of them shows, no later one shows again.

    Args:
        db: where they are.
        ordered: windows, best first.
        scores: of the passages in their middles by id; 0.0 for others.
        k: how many at most.
    """
    found: list[Passage] = []
    contents: dict[bool, set[int]] = {True: set(), False: set()}  # a locked copy is not the same as one that is not
    for window, passage in _stored(db, ordered, scores, k):
        if len(found) == k:
            break
        before = contents[passage.locked]
        if window.parts[window.middle].content not in before:
            window = window.without(before)
            before.update(part.content for part in window.parts)
            found.append(_widened(db, passage, window))
    return found


def _stored(
    db: Database, ordered: Sequence[Window], scores: Mapping[str, float], k: int
) -> Iterator[tuple[Window, Passage]]:
    """Windows with their passages, read from the store some at a time."""
    for i in range(0, len(ordered), 2 * k):
        part = ordered[i : i + 2 * k]
        found = tables.passages(db, {window.id: scores.get(window.id, 0.0) for window in part})
        yield from ((window, found[window.id]) for window in part if window.id in found)


def _widened(db: Database, passage: Passage, window: Window) -> Passage:
    """The passage as its whole window: its own id and score, the window's span, what its titles have in common."""
    start, end = window.parts[0].start, window.parts[-1].end
    if len(window.parts) == 1:
        return passage
    found = db.rows(
        "SELECT substr(text, ?, ?) FROM pages WHERE source = ? AND number IS ?",
        (start + 1, end - start, window.source, window.page),
    )
    if not found:  # changed by another process in this moment
        return passage
    text = found[0][0]
    head = passage.head if passage.head and passage.head not in text else None
    return replace(passage, start=start, end=end, text=text, head=head, title=_common([p.title for p in window.parts]))


def _common(titles: Sequence[str | None]) -> str | None:
    """The headings that all of the titles begin with."""
    paths = [title.split(" > ") if title else [] for title in titles]
    common = paths[0]
    for path in paths[1:]:
        same = next(
            (i for i, (a, b) in enumerate(zip(common, path, strict=False)) if a != b), min(len(common), len(path))
        )
        common = common[:same]
    return " > ".join(common) or None

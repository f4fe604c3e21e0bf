"""A document that a turn names is read whole if it is not long, else searched by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tierwise.errors import InvalidInput
from tierwise.types import Passage

if TYPE_CHECKING:
    from tierwise.knowledge import Filter

WHOLE_CHARS = 8_000
"""About 2,000 tokens: half a minute for a 1.5B model on two cores."""
_PIECE_CHARS = 1_600  # what is read as one passage, so that a citation stays easy to look up


@dataclass(frozen=True, slots=True)
class Reading:
    """All of a document in reading order; of a long one nothing, but the filter that finds in it alone."""

    passages: tuple[Passage, ...]
    only: Filter


def read_document(retriever: Any, document: str, collection: str | None) -> Reading:
    """Read a document, or tell how to search it.

    Raises:
        UnknownName: if there is no such document.
        InvalidInput: if the retriever has no documents that can be read whole.
    """
    if not hasattr(retriever, "whole") or not hasattr(retriever, "find_source"):
        raise InvalidInput("These documents cannot be read whole.", fix="Leave the document out.")
    from tierwise.knowledge import Filter

    source = retriever.find_source(document, collection=collection)
    parts = retriever.whole(source, collection=collection)
    only = Filter(sources=(source,))
    if sum(part.end - part.start for part in parts) > WHOLE_CHARS:
        return Reading((), only)
    return Reading(tuple(_joined(retriever, group) for group in _groups(parts)), only)


def _groups(parts: Sequence[Passage]) -> list[list[Passage]]:
    """Passages that stand one after the other on a page, joined up to a size."""
    groups: list[list[Passage]] = []
    for part in parts:
        if groups and part.page == groups[-1][0].page and part.end - groups[-1][0].start <= _PIECE_CHARS:
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups


def _joined(retriever: Any, group: Sequence[Passage]) -> Passage:
    first, last = group[0], group[-1]
    if first is last:
        return first
    text = retriever.source_text(first.source, first.page)[first.start : last.end]
    return replace(first, end=last.end, text=text, head=None if first.head and first.head in text else first.head)

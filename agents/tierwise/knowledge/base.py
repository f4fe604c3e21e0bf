"""The protocol of whatever finds passages for a question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from tierwise.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@runtime_checkable
class Retriever(Protocol):
    """Finds passages. Synchronous and safe to call from any thread: the graph calls it in one.

    More names are used if they are there: ``degraded``, a sentence on what the last search had to do without;
    ``relevant(query, passages) -> bool``, false if a turn had better go on without these passages, and ``floor``, the
    figure it goes by, for the record; and ``is_locked(collection) -> bool``, true if a turn that is limited to this
    collection must stay on the device.
    ``find_source(word, collection=...)``, ``whole(source, collection=...)`` and ``source_text(source, page)`` let
    a turn read a document whole. ``only`` is passed to ``search`` where a question is limited to some documents.
    """

    def search(
        self, query: str, *, k: int = 5, collection: str | None = None, vector: NDArray[np.float32] | None = None
    ) -> list[Passage]:
        """Best passages first.

        Args:
            query: the question in words.
            k: how many passages at most.
            collection: search only this one; ``None`` searches all.
            vector: embedding of ``query`` if the caller has it already, shape ``(dimension,)``.

        Raises:
            UnknownName: if the collection does not exist.
        """
        ...

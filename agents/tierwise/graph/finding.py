"""The question's vector and its passages: one embedding serves retrieval and routing."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tierwise.graph.context import Services
from tierwise.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def question_vector(services: Services, question: str) -> NDArray[np.float32] | None:
    """Embedding of a question, shape ``(dimension,)``; an embedder that fails costs the vector only.

    Call it in a thread.
    """
    if services.embedder is None:
        return None
    with contextlib.suppress(Exception):
        vector: NDArray[np.float32] = services.embedder.embed([question])[0]
        return vector
    return None


def passages_for(
    services: Services, question: str, collection: str | None, vector: NDArray[np.float32] | None
) -> list[Passage]:
    """The passages that a turn reads, best first; without a vector the retriever finds by words, and says so.

    Call it in a thread.
    """
    if services.retriever is None:
        return []
    found = services.retriever.search(question, k=services.settings.passages, collection=collection, vector=vector)
    relevant = getattr(services.retriever, "relevant", None)
    # Passages that have nothing to do with the question only distract a small model, and take its time to read.
    return list(found) if relevant is None or relevant(question, found) else []

"""An embedder that remembers: the same sentences are compared when a draft is verified and when its answer is cited."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tierwise.models.base import Embedder


class Remembering:
    """Keeps the vectors of the texts used last (an :class:`~tierwise.models.base.Embedder` around another).

    Args:
        embedder: makes the vectors.
        size: how many texts are kept; one of MiniLM takes 1.5 kB.
    """

    def __init__(self, embedder: Embedder, size: int = 512) -> None:
        self._embedder = embedder
        self._size = size
        self._kept: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def identity(self) -> str:
        """That of the embedder inside."""
        return self._embedder.identity

    @property
    def dimension(self) -> int:
        """That of the embedder inside."""
        return self._embedder.dimension

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As the embedder inside; only texts that are not remembered are embedded."""
        import numpy as np

        with self._lock:
            found = {text: self._kept[text] for text in texts if text in self._kept}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            found.update(zip(missing, self._embedder.embed(missing), strict=True))
        with self._lock:
            for text in texts:
                self._kept[text] = found[text]
                self._kept.move_to_end(text)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        rows = [found[text] for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self.dimension), np.float32)

    def close(self) -> None:
        """Close the embedder inside, if it holds something."""
        close = getattr(self._embedder, "close", None)
        if close is not None:
            close()

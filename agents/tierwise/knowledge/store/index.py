"""The index of vectors in Chroma: rows of the table ``vectors`` under their numbers.

This is the only file that imports chromadb. It opens, asks and changes; who may do so when, and what to do when it does
not work, is :mod:`~tierwise.knowledge.store.vectors`'s matter.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NAME = "passages"
_T = TypeVar("_T")
_openings = itertools.count(1)


class VectorsUnavailable(Exception):
    """Vectors cannot be used; the message says why in a clause."""


class Index:
    """An open index.

    Args:
        folder: Chroma's folder.
        uid: what tells this store's index from any other; a folder with another one is refused.
        create: make it if it is not there.

    Raises:
        VectorsUnavailable: from here and from every method, whatever goes wrong.
    """

    def __init__(self, folder: Path, uid: str, *, create: bool) -> None:
        self._client, self._collection = _explained(lambda: _connect(folder, uid, create))
        found = (self._collection.metadata or {}).get("store")
        if found != uid:
            self.close()
            raise VectorsUnavailable("the folder was made for another store")

    def nearest(self, vectors: NDArray[np.float32], n: int) -> list[dict[int, float]]:
        """The ``n`` nearest rows to each vector (shape ``(how many, dimension)``) with their cosine, nearest first."""

        def query() -> list[dict[int, float]]:
            found = self._collection.query(query_embeddings=vectors, n_results=n, include=["distances"])
            return [
                {int(id_): 1.0 - distance for id_, distance in zip(ids, distances, strict=True)}
                for ids, distances in zip(found["ids"], found["distances"], strict=True)
            ]

        return _explained(query)

    def count(self) -> int:
        """How many rows it holds."""
        return _explained(lambda: int(self._collection.count()))

    def ids(self) -> set[int]:
        """The rows it holds."""
        return _explained(lambda: {int(id_) for id_ in self._collection.get(include=[])["ids"]})

    def get(self, ids: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """The vectors of rows, of those that it holds."""

        def get() -> dict[int, NDArray[np.float32]]:
            found = self._collection.get(ids=[str(id_) for id_ in ids], include=["embeddings"])
            return {int(id_): vector for id_, vector in zip(found["ids"], found["embeddings"], strict=True)}

        return _explained(get)

    def put(self, ids: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Store vectors, shape ``(len(ids), dimension)``, in place of any of the same rows."""
        _explained(lambda: self._collection.upsert(ids=[str(id_) for id_ in ids], embeddings=vectors))

    def delete(self, ids: Sequence[int]) -> None:
        """Forget rows, if they are there."""
        _explained(lambda: self._collection.delete(ids=[str(id_) for id_ in ids]))

    def close(self) -> None:
        """Let go of the folder."""
        _explained(self._client.close)


def load() -> None:
    """Import Chroma, which takes about a second.

    Raises:
        VectorsUnavailable: if it is broken.
    """

    def work() -> None:
        import chromadb  # noqa: F401

    _explained(work)


def within(seconds: float, work: Callable[[], _T], late: Callable[[_T], object]) -> _T:
    """Run ``work`` in a thread that is not waited for any longer after a while: opening a damaged folder may hang.

    Args:
        seconds: how long.
        work: what to do.
        late: gets what comes out of it after that time, if ever.

    Raises:
        VectorsUnavailable: if ``work`` does, or takes longer.
    """
    results: list[_T] = []
    failures: list[VectorsUnavailable] = []
    mutex = threading.Lock()
    given_up = False

    def run() -> None:
        try:
            result = work()
        except VectorsUnavailable as error:
            failures.append(error)
            return
        with mutex:
            if not given_up:
                results.append(result)
                return
        late(result)

    thread = threading.Thread(target=run, name="chroma-open", daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    finally:
        with mutex:
            given_up = not results
    if failures:
        raise failures[0]
    if not results:
        raise VectorsUnavailable(f"the folder did not open within {seconds:g} s")
    return results[0]


def _connect(folder: Path, uid: str, create: bool) -> tuple[Any, Any]:
    import chromadb
    from chromadb.config import Settings

    client: Any = chromadb.PersistentClient(_spelt_anew(folder), settings=Settings(anonymized_telemetry=False))
    try:
        # Without an embedding function: Chroma would download one of its own.
        if create:
            collection = client.get_or_create_collection(
                _NAME,
                metadata={"store": uid},
                configuration={"hnsw": {"space": "cosine"}},
                embedding_function=None,
            )
        else:
            collection = client.get_collection(_NAME, embedding_function=None)
    except BaseException:
        client.close()
        raise
    return client, collection


def _spelt_anew(folder: Path) -> str:
    """The folder in a spelling that was not used before in this process.

    Chroma keeps what it opened under the path as it is written, a failed opening included, and hands the same thing out
    again: under a new spelling the folder is really opened again.
    """
    return f"{folder}{os.sep}" + "".join(f".{os.sep}" if bit == "1" else os.sep for bit in f"{next(_openings):b}")


def _explained(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of Chroma's native code is not an Exception
        raise VectorsUnavailable(f"{type(error).__name__}: {error}".split("\n")[0][:200]) from error

"""The vectors, in Chroma: an index beside ``knowledge.sqlite`` that can be rebuilt at any time.

This is the only file that imports chromadb. Two processes on one folder are not safe with Chroma by itself: the second
one keeps an old picture of the index (it misses what the first adds), and crashes of its native code are reported when
one reads while the other writes. So every use holds a lock, shared for reading, and a number that grows with every
change tells a process to open the folder again.
"""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tierwise.errors import EmbedderMismatch, StoreBusy, StoreError
from tierwise.knowledge.store.database import Database
from tierwise.locks import hold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tierwise.models.base import Embedder

_NAME = "passages"
_OPEN_SECONDS = 20.0
_LOCK_SECONDS = 10.0
_T = TypeVar("_T")
_openings = itertools.count(1)


class VectorsUnavailable(Exception):
    """Chroma cannot be used; the message says why in a clause."""


class Vectors:
    """Vectors of passages by id.

    Args:
        home: the folder that holds ``chroma/``.
        embedder: whose vectors these are.
        db: where the number of the last change is kept.
    """

    def __init__(self, home: Path, embedder: Embedder, db: Database) -> None:
        self._home = home
        self._folder = home / "chroma"
        self._embedder = embedder
        self._db = db
        self._mutex = threading.RLock()
        self._client: Any = None
        self._collection: Any = None
        self._generation = -1
        self._broken: tuple[int, str] | None = None

    def nearest(self, vector: NDArray[np.float32], n: int, collection: str | None) -> dict[str, float]:
        """The ``n`` nearest passages with their cosine to ``vector`` (shape ``(dimension,)``), nearest first."""

        def query(index: Any) -> dict[str, float]:
            where = None if collection is None else {"collection": collection}
            found = index.query(query_embeddings=[vector], n_results=n, where=where, include=["distances"])
            return {id_: _cosine(1.0 - d) for id_, d in zip(found["ids"][0], found["distances"][0], strict=True)}

        return self._read(query)

    def cosines(self, vector: NDArray[np.float32], ids: Sequence[str]) -> dict[str, float]:
        """Cosine of ``vector`` to the passages that have one."""

        def get(index: Any) -> dict[str, float]:
            found = index.get(ids=list(ids), include=["embeddings"])
            return {id_: _cosine(v @ vector) for id_, v in zip(found["ids"], found["embeddings"], strict=True)}

        return self._read(get) if ids else {}

    def prepare(self) -> None:
        """Make the index if it is not there, and see that it opens.

        Raises:
            EmbedderMismatch: if another embedder made it.
        """
        with self._locked(shared=False):
            self._refresh(create=True)

    def ids(self) -> set[str]:
        """All ids that have a vector."""
        return self._read(lambda index: set(index.get(include=[])["ids"]))

    def count(self) -> int:
        """How many vectors there are."""
        return self._read(lambda index: int(index.count()))

    def add(self, ids: Sequence[str], vectors: NDArray[np.float32], collections: Sequence[str]) -> None:
        """Store vectors, shape ``(len(ids), dimension)``, in place of any of the same ids."""
        metadata = [{"collection": name} for name in collections]
        self._write(lambda index: index.upsert(ids=list(ids), embeddings=vectors, metadatas=metadata))

    def delete(self, ids: Sequence[str]) -> None:
        """Forget vectors."""
        self._write(lambda index: index.delete(ids=list(ids)))

    def reset(self) -> None:
        """Start over with an empty index, whatever is there now."""
        with self._locked(shared=False):
            self._close()
            self._bump()
            try:
                if self._folder.is_dir():
                    shutil.rmtree(self._folder)
                else:
                    self._folder.unlink(missing_ok=True)
            except OSError as error:
                raise VectorsUnavailable(f"{self._folder} cannot be emptied: {error.strerror or error}") from error
            self._broken = None
            self._open(create=True)

    def close(self) -> None:
        """Let go of the folder; the next use opens it again."""
        with self._mutex:
            self._close()

    # -- locks and changes ---------------------------------------------------------------------------------------------

    def _read(self, work: Callable[[Any], _T]) -> _T:
        with self._locked(shared=True):
            self._refresh(create=False)
            return _explained(lambda: work(self._collection))

    def _write(self, work: Callable[[Any], object]) -> None:
        with self._locked(shared=False):
            self._refresh(create=True)
            # Counted before the change: whoever reads after a crash in the middle opens the folder again.
            self._bump()
            _explained(lambda: work(self._collection))

    @contextmanager
    def _locked(self, *, shared: bool) -> Iterator[None]:
        with self._mutex, ExitStack() as stack:
            try:
                stack.enter_context(hold(self._home / "chroma.lock", wait=_LOCK_SECONDS, shared=shared))
            except StoreBusy as error:
                raise VectorsUnavailable("another process is changing them") from error
            except StoreError as error:
                raise VectorsUnavailable("their folder is read-only") from error
            yield

    def _bump(self) -> None:
        with self._db.writing() as sql:
            (value,) = sql.execute(
                "INSERT INTO meta (key, value) VALUES ('vectors', '1') ON CONFLICT (key) DO UPDATE"
                " SET value = CAST(value AS INTEGER) + 1 RETURNING value"
            ).fetchone()
        self._generation = int(value)

    def _refresh(self, *, create: bool) -> None:
        rows = self._db.rows("SELECT value FROM meta WHERE key = 'vectors'")
        generation = int(rows[0][0]) if rows else 0
        there = (self._folder / "chroma.sqlite3").exists()
        if self._collection is not None and there and generation == self._generation:
            return
        if self._broken is not None and self._broken[0] == generation and there:
            raise VectorsUnavailable(self._broken[1])
        self._close()
        try:
            self._open(create=create)
        except VectorsUnavailable as error:  # and not tried again before something changes: it may have taken long
            self._broken = (generation, str(error))
            raise
        self._generation, self._broken = generation, None

    # -- chroma --------------------------------------------------------------------------------------------------------

    def _open(self, *, create: bool) -> None:
        if not create and not (self._folder / "chroma.sqlite3").exists():
            raise VectorsUnavailable("the folder is missing")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise VectorsUnavailable(f"{self._folder} cannot be made: {error.strerror or error}") from error
        self._client, collection = _within(_OPEN_SECONDS, lambda: self._connect(create))
        found = (collection.metadata or {}).get("embedder")
        if found != self._embedder.identity:
            self._close()
            raise EmbedderMismatch(
                f"The vectors in {self._folder} were made by the embedder {found!r}, and this is"
                f" {self._embedder.identity!r}: they cannot be compared.",
                fix="Run `tierwise sources rebuild` to make them again.",
            )
        self._collection = collection

    def _connect(self, create: bool) -> tuple[Any, Any]:
        import chromadb
        from chromadb.config import Settings

        client: Any = chromadb.PersistentClient(
            _spelt_anew(self._folder), settings=Settings(anonymized_telemetry=False)
        )
        function = _embedding_function(self._embedder)
        try:
            if create:
                collection = client.get_or_create_collection(
                    _NAME,
                    metadata={"embedder": self._embedder.identity},
                    configuration={"hnsw": {"space": "cosine"}},
                    embedding_function=function,
                )
            else:
                collection = client.get_collection(_NAME, embedding_function=function)
            collection.peek(1)  # loads the index now, inside the time limit
        except BaseException:
            client.close()
            raise
        return client, collection

    def _close(self) -> None:
        client, self._client, self._collection = self._client, None, None
        if client is not None:
            client.close()


def _cosine(value: float) -> float:
    if not -1.01 < value < 1.01:  # not even rounding makes that, nor does it pass for not-a-number
        raise ValueError("the index holds no unit vectors, it is damaged")
    return max(-1.0, min(1.0, float(value)))


def _spelt_anew(folder: Path) -> str:
    """The folder in a spelling that was not used before in this process.

    Chroma keeps what it opened under the path as it is written, a failed opening included, and hands the same thing out
    again: under a new spelling the folder is really opened again.
    """
    return f"{folder}{os.sep}" + "".join(f".{os.sep}" if bit == "1" else os.sep for bit in f"{next(_openings):b}")


def _embedding_function(embedder: Embedder) -> Any:
    """Our embedder as Chroma's ``EmbeddingFunction``; without one Chroma would download its own."""
    from chromadb.api.types import EmbeddingFunction

    class TierwiseEmbedding(EmbeddingFunction[Any]):
        def __init__(self) -> None: ...

        def __call__(self, input: Any) -> Any:
            return list(embedder.embed(list(input)))

        @staticmethod
        def name() -> str:
            return "tierwise"

        @staticmethod
        def build_from_config(config: dict[str, Any]) -> Any:
            return TierwiseEmbedding()

        def get_config(self) -> dict[str, Any]:
            return {"embedder": embedder.identity}

        def default_space(self) -> Any:
            return "cosine"

    return TierwiseEmbedding()


def _explained(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of Chroma's native code is not an Exception
        raise VectorsUnavailable(f"{type(error).__name__}: {error}".split("\n")[0][:200]) from error


def _within(seconds: float, work: Callable[[], _T]) -> _T:
    """Run ``work`` in a thread that is given up after a while: opening a Chroma folder has been seen to hang."""
    result: list[_T] = []
    failure: list[VectorsUnavailable] = []

    def run() -> None:
        try:
            result.append(_explained(work))
        except VectorsUnavailable as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="chroma-open", daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not result:
        raise VectorsUnavailable(f"the folder did not open within {seconds:g} s")
    return result[0]

"""The vectors in ``knowledge.sqlite``: one for each embedded text, as float16, and exact search among them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tierwise.knowledge.cutting.passages import Cut
from tierwise.knowledge.store import changes
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.tables import marks
from tierwise.knowledge.store.where import Where

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_K = TypeVar("_K")

COPIES = 4
"""Passages of one text that a search looks at: a text that stands in a hundred files must not be all it finds."""

_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A text that has no vector yet, by the number of its row."""

    id: int
    text: str


def waiting(db: Database, limit: int) -> list[Waiting]:
    """Texts without a vector, at most ``limit``, first come first served."""
    rows = db.rows(
        "SELECT v.id, p.id, p.page, p.start, p.end, p.text, p.title, p.head FROM vectors v JOIN passages p"
        " ON p.rowid = (SELECT min(rowid) FROM passages WHERE vector = v.id) WHERE v.vector IS NULL ORDER BY v.id"
        " LIMIT ?",
        (limit,),
    )
    return [Waiting(row[0], Cut(*row[1:]).embedded) for row in rows]


def count_waiting(db: Database) -> int:
    """How many texts have no vector yet."""
    rows = db.rows("SELECT count(*) FROM vectors WHERE vector IS NULL")
    return int(rows[0][0]) if rows else 0


def put(db: Database, ids: Sequence[int], vectors: NDArray[np.float32], embedder: str) -> None:
    """Store vectors, shape ``(len(ids), dimension)``, and which embedder made them."""
    blobs = vectors.astype("<f2")
    with db.writing() as sql:
        changes.put_fact(sql, "embedder", embedder)
        sql.executemany(
            "UPDATE vectors SET vector = ? WHERE id = ?", [(b.tobytes(), i) for b, i in zip(blobs, ids, strict=True)]
        )


def clear(db: Database) -> None:
    """Forget all vectors: every text waits for the embedder again."""
    with db.writing() as sql:
        sql.execute("UPDATE vectors SET vector = NULL")
        sql.execute("DELETE FROM meta WHERE key = 'embedder'")


def sweep(db: Database) -> None:
    """Delete the vectors of texts that no passage has any more."""
    if db.rows("SELECT 1 FROM loose LIMIT 1"):
        with db.writing() as sql:
            sql.execute(
                "DELETE FROM vectors WHERE id IN (SELECT id FROM loose)"
                " AND NOT EXISTS (SELECT 1 FROM passages p WHERE p.vector = vectors.id)"
            )
            sql.execute("DELETE FROM loose")


def count(db: Database) -> int:
    """How many vectors there are."""
    # Counting all of them by an index and those without a vector by another spares reading the vectors.
    rows = db.rows("SELECT (SELECT count(*) FROM vectors) - (SELECT count(*) FROM vectors WHERE vector IS NULL)")
    return int(rows[0][0]) if rows else 0


def count_after(db: Database, id_: int) -> int:
    """How many vectors come after a row."""
    rows = db.rows("SELECT count(*) FROM vectors WHERE id > ? AND vector IS NOT NULL", (id_,))
    return int(rows[0][0]) if rows else 0


def ids(db: Database) -> set[int]:
    """The rows that have a vector."""
    return {row[0] for row in db.rows("SELECT id FROM vectors WHERE vector IS NOT NULL")}


def more_than(db: Database, most: int) -> bool:
    """Whether there are more vectors; quick where there are fewer."""
    rows = db.rows("SELECT max(id) FROM vectors")
    return bool(rows) and (rows[0][0] or 0) > most and count(db) > most


def after(db: Database, id_: int, limit: int) -> tuple[list[int], NDArray[np.float32]]:
    """The next vectors in the order of their rows: ids, and vectors of shape ``(len(ids), dimension)``."""
    return _unpacked(
        db.rows("SELECT id, vector FROM vectors WHERE id > ? AND vector IS NOT NULL ORDER BY id LIMIT ?", (id_, limit))
    )


def of(db: Database, ids: Sequence[int]) -> tuple[list[int], NDArray[np.float32]]:
    """The vectors of some rows, those that are there."""
    rows: list[tuple[int, bytes]] = []
    for i in range(0, len(ids), 500):
        chunk = ids[i : i + 500]
        rows += db.rows(f"SELECT id, vector FROM vectors WHERE id IN ({marks(chunk)}) AND vector IS NOT NULL", chunk)  # noqa: S608
    return _unpacked(rows)


def cosines(db: Database, vector: NDArray[np.float32], passages: Sequence[str]) -> dict[str, float]:
    """Cosine of ``vector`` to the passages that have one, by passage id."""
    found: dict[str, float] = {}
    for i in range(0, len(passages), 500):
        chunk = passages[i : i + 500]
        rows = db.rows(
            "SELECT p.id, v.vector FROM passages p JOIN vectors v ON v.id = p.vector"  # noqa: S608
            f" WHERE p.id IN ({marks(chunk)}) AND v.vector IS NOT NULL",
            chunk,
        )
        if rows:
            named: list[str]
            named, vectors = _unpacked(rows)
            found.update(zip(named, (vectors @ vector).tolist(), strict=True))
    return found


def passages_of(db: Database, ids: Sequence[int], only: Where | None = None) -> list[tuple[str, int]]:
    """Passages of some texts, with the row of each: at most :data:`COPIES` of a text, of sources that meet ``only``."""
    found: list[tuple[str, int]] = []
    condition = f"AND {only.sql}" if only is not None else ""
    for i in range(0, len(ids), 500):
        chunk = ids[i : i + 500]
        found += db.rows(
            "SELECT id, vector FROM (SELECT p.id, p.vector, row_number() OVER (PARTITION BY p.vector ORDER BY p.id) n"  # noqa: S608
            f" FROM passages p JOIN sources s ON s.id = p.source WHERE p.vector IN ({marks(chunk)}) {condition})"
            " WHERE n <= ?",
            (*chunk, *(only.parameters if only is not None else ()), COPIES),
        )
    return found


def count_of(db: Database, only: Where) -> int:
    """How many passages the sources have that meet a condition."""
    rows = db.rows(f"SELECT coalesce(sum(s.passages), 0) FROM sources s WHERE {only.sql}", only.parameters)  # noqa: S608
    return int(rows[0][0]) if rows else 0


def nearest_of(db: Database, vector: NDArray[np.float32], n: int, only: Where) -> dict[int, float]:
    """The ``n`` rows nearest to ``vector`` among the sources that meet a condition, each looked at: row to cosine."""
    sources = [row[0] for row in db.rows(f"SELECT s.id FROM sources s WHERE {only.sql}", only.parameters)]  # noqa: S608
    best: dict[int, float] = {}
    for i in range(0, len(sources), 100):
        chunk = sources[i : i + 100]
        rows = db.rows(
            "SELECT v.id, v.vector FROM passages p JOIN vectors v ON v.id = p.vector"  # noqa: S608
            f" WHERE p.source IN ({marks(chunk)}) AND v.vector IS NOT NULL",
            chunk,
        )
        if rows:
            best = _best({**best, **_scored(*_unpacked(rows), vector, n)}, n)
    return best


class Rows:
    """Vectors from a row on, kept in memory as float16 and brought up to date with every question.

    Args:
        db: where they come from.
        start: the row after which they begin.
    """

    def __init__(self, db: Database, start: int) -> None:
        import numpy as np

        self.start = start
        self._db = db
        self._mutex = threading.Lock()
        self._last = start
        self._ids: NDArray[np.int64] = np.empty(0, np.int64)
        self._parts: list[NDArray[np.float16]] = []

    def nearest(self, vector: NDArray[np.float32], n: int) -> dict[int, float]:
        """The ``n`` nearest rows with their cosine; some of them may be gone from the database."""
        with self._mutex:
            self._read_on()
            best: dict[int, float] = {}
            start = 0
            for part in self._parts:
                ids = self._ids[start : start + len(part)]
                start += len(part)
                best = _best({**best, **_scored(ids.tolist(), part.astype("f4"), vector, n)}, n)
            return best

    def _read_on(self) -> None:
        import numpy as np

        while True:
            ids, vectors = after(self._db, self._last, _AT_ONCE)
            if not ids:
                return
            self._last = ids[-1]
            self._ids = np.concatenate([self._ids, np.array(ids, np.int64)])
            part = vectors.astype("f2")
            if self._parts and len(self._parts[-1]) < _AT_ONCE:
                self._parts[-1] = np.concatenate([self._parts[-1], part])
            else:
                self._parts.append(part)


def batches(db: Database, start: int, size: int) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """All vectors after a row, ``size`` at a time."""
    while True:
        ids, vectors = after(db, start, size)
        if not ids:
            return
        yield ids, vectors
        start = ids[-1]


def _unpacked(rows: Sequence[tuple[_K, bytes]]) -> tuple[list[_K], NDArray[np.float32]]:
    import numpy as np

    packed = np.frombuffer(b"".join(row[1] for row in rows), "<f2")
    return [row[0] for row in rows], packed.reshape(len(rows), -1 if rows else 0).astype("f4")


def _scored(ids: Sequence[int], vectors: NDArray[np.float32], vector: NDArray[np.float32], n: int) -> dict[int, float]:
    import numpy as np

    scores = vectors @ vector
    chosen = np.argpartition(-scores, n)[:n] if len(scores) > n else np.arange(len(scores))
    return {ids[i]: float(scores[i]) for i in chosen.tolist()}


def _best(scored: dict[int, float], n: int) -> dict[int, float]:
    return dict(sorted(scored.items(), key=lambda one: (-one[1], one[0]))[:n])

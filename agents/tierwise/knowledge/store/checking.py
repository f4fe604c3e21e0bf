"""Whether an index holds what ``knowledge.sqlite`` says it should; as a program of its own where it might crash.

Chroma's native code crashes on some damaged files. So a folder that is not as it was left is looked at by
``python -m tierwise.knowledge.store.checking HOME`` first: if that process dies of it, it takes nobody with it.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

from tierwise.knowledge.store import embeddings, tables
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.index import Index, VectorsUnavailable, load

_START_SECONDS = 60.0  # on a slow disk Python and its libraries take a while
_SAMPLES = 16
_ENOUGH = 0.75  # of them: the search is approximate
_SAME = 1e-3  # cosines that differ by more are not of the same vectors
_AT_ONCE = 1000
_SLACK = 2000  # rows that a process that died may have added or not taken out


def sample(index: Index, db: Database, upto: int) -> None:
    """See that the index has about as many rows as it should and finds some of them.

    Args:
        index: what to look at.
        db: what it should hold.
        upto: the last row that it should hold.

    Raises:
        VectorsUnavailable: if not.
    """
    expected, there = embeddings.count(db) - embeddings.count_after(db, upto), index.count()
    if not expected <= there <= expected + _SLACK + _orphans(db):
        raise VectorsUnavailable(f"it holds {there} of {expected} vectors")
    if not expected:
        return
    starts = sorted(random.randrange(upto) for _ in range(_SAMPLES))  # noqa: S311
    rows, vectors = embeddings.of(db, sorted({id_ for start in starts for id_ in embeddings.after(db, start, 1)[0]}))
    known = dict(zip(rows, vectors, strict=True))
    good = 0
    for row, near in zip(rows, index.nearest(vectors, 2), strict=True):
        if any(abs(float(known[id_] @ known[row]) - near[id_]) > _SAME for id_ in near.keys() & known.keys()):
            raise VectorsUnavailable("it holds other vectors than it should")
        good += row > upto or max(near.values(), default=0.0) > 1 - _SAME  # two texts may have the same vector
    if good < _ENOUGH * len(rows):
        raise VectorsUnavailable(f"it finds {good} of {len(rows)} vectors that it should hold")


def thoroughly(index: Index, db: Database, upto: int) -> None:
    """See that every vector up to a row is in the index as it should be.

    Raises:
        VectorsUnavailable: if not.
    """
    sample(index, db, upto)
    for ids, vectors in embeddings.batches(db, 0, _AT_ONCE):
        there = index.get(ids)
        for id_, vector in zip(ids, vectors, strict=True):
            if id_ <= upto and (id_ not in there or abs(float(there[id_] @ vector) - 1) > _SAME):
                raise VectorsUnavailable("a vector is missing or damaged")


def apart(home: Path, *, every: bool, seconds: float) -> None:
    """Check the index of a home in a process of its own.

    Args:
        home: the folder of the stores.
        every: look at every vector, and not only at some.
        seconds: how long that may take, once the process has started.

    Raises:
        VectorsUnavailable: if it is damaged, or the process dies of it or takes too long.
    """
    command = [sys.executable, "-m", __spec__.name, str(home), "every" if every else "some", str(seconds)]
    late, longest = f"opening the folder takes more than {seconds:g} s", _START_SECONDS + seconds
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=longest, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise VectorsUnavailable(late) from error
    if hasattr(signal, "SIGALRM") and ended.returncode == -signal.SIGALRM:
        raise VectorsUnavailable(late)
    if ended.returncode:
        raise VectorsUnavailable(ended.stdout.strip() or "Chroma crashes when it opens the folder")


def _orphans(db: Database) -> int:
    return int(db.rows("SELECT count(*) FROM orphans")[0][0])


def _main(home: Path, every: bool, seconds: float) -> int:
    db = Database(home / "knowledge.sqlite")
    facts = tables.facts(db)
    try:
        load()
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, seconds)  # ends this process, also where native code hangs
        index = Index(home / "chroma", facts["index"], create=False)
        (thoroughly if every else sample)(index, db, int(facts["indexed"]))
    except VectorsUnavailable as error:
        sys.stdout.write(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), sys.argv[2] == "every", float(sys.argv[3])))

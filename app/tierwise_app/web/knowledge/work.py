"""Work on the documents beside the page: reading, removing, rebuilding. It takes turns within this server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from tierwise.knowledge import IngestReport, check_collection_name, open_origins
from tierwise_app.text import duration, place
from tierwise_app.web.jobs import Job
from tierwise_app.web.knowledge.counting import counted
from tierwise_app.web.words import raw

if TYPE_CHECKING:
    from tierwise.knowledge import IngestProgress, Knowledge
    from tierwise_app.web.desk import Desk

KINDS = ("ingest", "rebuild", "remove")
_POLL = 0.2

# The store lets in one writer at a time, and gives up on another after half a minute. Those of this server know of each
# other, so they wait as long as it takes.
_writing = threading.Lock()
_again: WeakKeyDictionary[Job, Callable[[], Job]] = WeakKeyDictionary()


class _Unwanted(threading.Event):
    """Set once a person has stopped a job."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def is_set(self) -> bool:
        return not self._job.wanted


def start_ingest(desk: Desk, words: Sequence[str], *, collection: str, lock: bool, title: str | None = None) -> Job:
    """Read what files, folders, patterns, addresses and connectors hold; the job's result is an ``IngestReport``.

    Args:
        desk: the server's.
        words: as for ``tierwise ingest``.
        collection: where to; made if new.
        lock: lock the collection.
        title: of the job; made of the words if not given.

    Raises:
        TierwiseError: if a word names nothing, or may not be used; nothing has begun then.
    """
    check_collection_name(collection)
    knowledge, settings = desk.copilot.knowledge, desk.settings
    open_origins(
        words,
        stored=lambda at: knowledge.knows(at, collection=collection),
        offline=settings.offline or settings.locked,
        connectors=settings.connectors,
    )
    if title is None:
        title = raw("knowledge.jobs.place_title", place=", ".join(words), collection=collection)

    def work(job: Job) -> IngestReport:
        with taking_turns(job):
            return bring_in(desk, job, words, collection=collection, lock=lock)

    job = desk.jobs.start("ingest", title, work)
    return remember(job, lambda: start_ingest(desk, words, collection=collection, lock=lock, title=title))


def bring_in(desk: Desk, job: Job, words: Sequence[str], *, collection: str, lock: bool) -> IngestReport:
    """Read documents as a part of a job, and tell how far it is; call it inside :func:`taking_turns`."""
    if not job.wanted or not words:
        return IngestReport(0, 0, 0, 0, 0, 0.0, stopped=not job.wanted)
    job.tell(raw("knowledge.jobs.beginning"))
    return desk.copilot.knowledge.ingest(
        words,
        collection=collection,
        locked=lock,
        progress=lambda step: _tell_reading(job, step),
        stop=_Unwanted(job),
    )


def start_rebuild(desk: Desk) -> Job:
    """Make the index again; the job's result is how many vectors there are, ``None`` if it was stopped."""

    def work(job: Job) -> int | None:
        with taking_turns(job):
            if not job.wanted:
                return None
            count = desk.copilot.knowledge.rebuild(lambda step: _tell_rebuilding(job, step), stop=_Unwanted(job))
        return count if job.wanted else None

    return remember(desk.jobs.start("rebuild", raw("knowledge.jobs.rebuild_title"), work), lambda: start_rebuild(desk))


def start_remove(desk: Desk, path: str | None, *, collection: str) -> Job:
    """Forget a document, or a whole collection, and delete the copies kept of it; the result is how many went."""

    def work(job: Job) -> int:
        from tierwise_app.copies import drop_copies

        with taking_turns(job):
            if not job.wanted:
                return 0
            job.tell(raw("knowledge.jobs.removing"))
            knowledge = desk.copilot.knowledge
            gone = [path] if path is not None else _paths(knowledge, collection)
            count = knowledge.remove(path, collection=collection)
            drop_copies(desk.settings.home, knowledge, gone)
        return count

    title = raw("knowledge.jobs.remove_title", name=collection if path is None else place(path))
    return remember(desk.jobs.start("remove", title, work), lambda: start_remove(desk, path, collection=collection))


def start_again(job: Job) -> Job | None:
    """Begin anew what failed; ``None`` if nobody knows how.

    Raises:
        TierwiseError: if it cannot even begin.
    """
    begin = _again.get(job)
    return None if begin is None else begin()


def remember(job: Job, begin: Callable[[], Job]) -> Job:
    """Keep in mind how a job can be begun anew; returns the job."""
    _again[job] = begin
    return job


@contextmanager
def taking_turns(job: Job) -> Iterator[None]:
    """Wait for other work of this server on the documents; one that is stopped meanwhile goes on at once, to end."""
    held = _writing.acquire(blocking=False)
    while not held and job.wanted:
        job.tell(raw("knowledge.jobs.waiting"))
        held = _writing.acquire(timeout=_POLL)
    try:
        yield
    finally:
        if held:
            _writing.release()


def _paths(knowledge: Knowledge, collection: str) -> list[str]:
    return [s.path for s in knowledge.sources(collection)] + [f.path for f in knowledge.failures(collection)]


def _tell_reading(job: Job, step: IngestProgress) -> None:
    key = "knowledge.jobs.reading" if step.total else "knowledge.jobs.reading_open"
    facts = {"done": f"{step.done:,}", "total": f"{step.total:,}", "left": _left(step), "name": place(step.path)}
    text = raw(key, passages=counted("passages", step.passages), **facts)
    job.tell(text, min(1.0, step.done / step.total) if step.total else None)


def _tell_rebuilding(job: Job, step: IngestProgress) -> None:
    text = raw("knowledge.jobs.rebuilding", done=f"{step.done:,}", total=f"{step.total:,}", left=_left(step))
    job.tell(text, min(1.0, step.done / step.total) if step.total else None)


def _left(step: IngestProgress) -> str:
    if not step.seconds_left or step.seconds_left < 1:
        return ""
    return raw("knowledge.jobs.left", time=duration(step.seconds_left * 1000))

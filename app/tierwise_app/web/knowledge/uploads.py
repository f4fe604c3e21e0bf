"""Uploaded files, and the work of reading them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from tierwise.errors import InvalidInput
from tierwise.home import open_home
from tierwise.knowledge import MAX_BYTES, IngestReport, SourceReport, check_collection_name
from tierwise_app.copies import MOST_FILES, drop_copies, keep, safe_name
from tierwise_app.text import size
from tierwise_app.web.knowledge.counting import counted
from tierwise_app.web.knowledge.work import bring_in, remember, taking_turns
from tierwise_app.web.words import raw

if TYPE_CHECKING:
    from tierwise_app.web.desk import Desk
    from tierwise_app.web.jobs import Job


class Upload(Protocol):
    """A file as a page has it from the browser; Streamlit's ``UploadedFile`` is one."""

    name: str
    size: int

    def getbuffer(self) -> memoryview:
        """Its bytes."""
        ...


def start_upload(desk: Desk, files: Sequence[Upload], *, collection: str, lock: bool) -> Job:
    """Keep copies of uploaded files and read them, beside the page; the job's result is an ``IngestReport``.

    Args:
        desk: the server's.
        files: from the browser.
        collection: where to; made if new.
        lock: lock the collection.

    Raises:
        InvalidInput: if there are none or too many, or the collection cannot be named so; nothing has begun then.
    """
    if not files:
        raise InvalidInput(raw("knowledge.add.nothing"))
    if len(files) > MOST_FILES:
        raise InvalidInput(raw("knowledge.add.too_many", count=f"{len(files):,}", most=MOST_FILES))
    check_collection_name(collection)

    def work(job: Job) -> IngestReport:
        return _read_uploads(desk, job, files, collection, lock)

    name = safe_name(files[0].name) if len(files) == 1 else counted("files", len(files))
    title = raw("knowledge.jobs.upload_title", files=name, collection=collection)
    return remember(
        desk.jobs.start("ingest", title, work), lambda: start_upload(desk, files, collection=collection, lock=lock)
    )


def _read_uploads(desk: Desk, job: Job, files: Sequence[Upload], collection: str, lock: bool) -> IngestReport:
    home = desk.settings.home
    refused: list[SourceReport] = []
    kept: dict[str, None] = {}
    with taking_turns(job):
        try:
            for file in files:
                if not job.wanted:
                    break
                name = safe_name(file.name)
                if file.size > MAX_BYTES:
                    refused.append(_too_large(name, file.size))
                    continue
                job.tell(raw("knowledge.jobs.saving", name=name))
                folder = (open_home(home) / "uploads").resolve() / collection
                kept[str(keep(folder, name, file.getbuffer()))] = None
            report = bring_in(desk, job, list(kept), collection=collection, lock=lock)
        finally:
            drop_copies(home, desk.copilot.knowledge, kept)
    return replace(report, failed=report.failed + len(refused), sources=(*report.sources, *refused))


def _too_large(name: str, count: int) -> SourceReport:
    error = raw("knowledge.report.too_large", size=size(count), most=size(MAX_BYTES))
    return SourceReport(name, "failed", error=error, fix=raw("knowledge.report.too_large_fix"))

"""Documents that clients send: read from the request, kept as copies, and brought in one request after the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from tierwise.errors import InvalidInput, StoreError
from tierwise.home import open_home
from tierwise.knowledge import MAX_BYTES, IngestReport, SourceReport, check_collection_name
from tierwise_app.copies import drop_copies, keep, safe_name
from tierwise_app.serve.problems import Problem
from tierwise_app.text import size

if TYPE_CHECKING:
    from tierwise.knowledge import Knowledge
    from tierwise_app.serve.turns import Turns

MOST_FILES = 100
_MOST_FIELDS = 10
_WRITERS = 8  # requests that may be at it; the store lets in one writer at a time
_SEARCHERS = 2  # threads
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client sent to be read.

    Attributes:
        files: each with the name that it bears.
        collection: where to.
        lock: lock the collection.
    """

    files: tuple[UploadFile, ...]
    collection: str
    lock: bool


class Documents:
    """Work on the documents, beside the event loop: one that writes at a time, and few that search.

    Args:
        home: folder of the stores.
        knowledge: the documents.
        turns: tells when the server is about to end: reading then stops after the document in work.
        most: MB of one document.
    """

    def __init__(self, home: Path, knowledge: Knowledge, turns: Turns, most: float) -> None:
        self._home, self.knowledge, self._turns = home, knowledge, turns
        self._most = min(int(most * 1e6), MAX_BYTES)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="documents")
        self._readers = ThreadPoolExecutor(_SEARCHERS, thread_name_prefix="searches")
        self._writing = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Be one of the few requests that change documents.

        Raises:
            Problem: 503 if there are too many, or the server is about to end.
        """
        if self._turns.draining:
            raise Problem(503, "shutting_down", "The server is about to end.", retry_after=5)
        if self._writing >= _WRITERS:
            raise Problem(503, "busy", "Too many documents wait to be read.", retry_after=10)
        self._writing += 1
        try:
            yield
        finally:
            self._writing -= 1

    async def read(self, work: Callable[[], _T]) -> _T:
        """Do something that only reads the store."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def write(self, work: Callable[[], _T]) -> _T:
        """Do something that changes the store, after all that was begun before. It is not stopped in the middle.

        Raises:
            Problem: if the store cannot be written.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writer, work)
        except StoreError as error:  # its words name places of this machine
            if error.code == "store_busy":
                raise Problem(503, "busy", "Another program changes the documents.", retry_after=10) from error
            raise Problem(500, error.code, "The documents cannot be changed.", fix="See the server's log.") from error

    def bring_in(self, sent: Sent) -> IngestReport:
        """Keep copies of what was sent, and read them. Of what cannot be read nothing stays but a line of the report.

        Raises:
            StoreError: if the store cannot be written.
        """
        before = self._known()
        refused: list[SourceReport] = []
        kept: dict[str, None] = {}
        try:
            folder = (open_home(self._home) / "uploads").resolve() / sent.collection
            for file in sent.files:
                name = safe_name(file.filename or "")
                if (file.size or 0) > self._most:
                    refused.append(self._too_large(name, file.size or 0))
                else:
                    kept[str(keep(folder, name, file.file.read()))] = None
            report = self._ingest(list(kept), sent)
            for failed in [s.path for s in report.sources if s.status == "failed"]:
                if failed in kept and failed not in before:
                    self.knowledge.remove(failed, collection=sent.collection)
        finally:
            drop_copies(self._home, self.knowledge, kept)
        return replace(report, failed=report.failed + len(refused), sources=(*report.sources, *refused))

    def remove(self, found: Sequence[tuple[str, str]]) -> int:
        """Remove documents, and the copies kept of them.

        Args:
            found: collection and path of each.

        Returns:
            How many were removed.
        """
        count = sum(self.knowledge.remove(path, collection=collection) for collection, path in found)
        drop_copies(self._home, self.knowledge, {path for _, path in found})
        return count

    def _ingest(self, paths: list[str], sent: Sent) -> IngestReport:
        if not paths:
            return IngestReport(0, 0, 0, 0, 0, 0.0)
        stop = _Ending(self._turns)
        return self.knowledge.ingest(paths, collection=sent.collection, locked=sent.lock, stop=stop)

    def _known(self) -> set[str]:
        return {s.path for s in self.knowledge.sources()} | {f.path for f in self.knowledge.failures()}

    def _too_large(self, name: str, count: int) -> SourceReport:
        error = f"It is too large: {size(count)}, and {size(self._most)} is the limit."
        return SourceReport(name, "failed", error=error, fix="Split it into smaller files.")


@contextmanager
def closing(sent: Sent) -> Iterator[Sent]:
    """Lets go of what was sent."""
    try:
        yield sent
    finally:
        for file in sent.files:
            file.file.close()


async def read_sent(request: Request) -> Sent:
    """What the request holds, as a form of the kind ``multipart/form-data``.

    Raises:
        Problem: 415 for another kind, 400 for a form that cannot be read or holds something else.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise Problem(
            415,
            "unsupported_media_type",
            "Documents are sent as a form.",
            fix="Use multipart/form-data, as curl -F does.",
        )
    try:
        form = await _Form(
            request.headers, request.stream(), max_files=MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=1024
        ).parse()
    except ClientDisconnect as error:
        raise Problem(499, "client_left", "The client has left.") from error
    except (MultiPartException, UnicodeError, ValueError) as error:
        raise Problem(
            400,
            "bad_form",
            "The form cannot be read.",
            fix=f"Send at most {MOST_FILES} files, and short fields beside them.",
        ) from error
    files: list[UploadFile] = []
    fields: dict[str, str] = {}
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                if name != "file":
                    raise Problem(400, "unknown_field", "Files are sent as the field file.", param=_short(name))
                files.append(value)
            elif name not in ("collection", "lock") or name in fields:
                raise Problem(400, "unknown_field", "There is no such field, or it comes twice.", param=_short(name))
            else:
                fields[name] = value
        return Sent(tuple(files), *_checked(files, fields))
    except Problem:
        await form.close()
        raise


class _Form(MultiPartParser):
    """A form that is cut is none: its last file has not arrived whole."""

    _ended = False

    def on_end(self) -> None:
        self._ended = True
        super().on_end()

    async def parse(self) -> FormData:
        form = await super().parse()
        if not self._ended:
            await form.close()
            if self._current_part.file is not None:
                await self._current_part.file.close()
            raise MultiPartException("The form is cut.")
        return form


def _checked(files: list[UploadFile], fields: dict[str, str]) -> tuple[str, bool]:
    if not files:
        raise Problem(
            400, "missing_field", "No file was sent.", fix="Send one or several as the field file.", param="file"
        )
    lock = {"true": True, "false": False}.get(fields.get("lock", "false").lower())
    if lock is None:
        raise Problem(400, "invalid_value", "lock is true or false.", param="lock")
    try:
        collection = check_collection_name(fields.get("collection", "default"))
    except InvalidInput as error:
        raise Problem.of(error, param="collection") from error
    return collection, lock


def _short(name: str) -> str:
    return "".join(c if c.isprintable() else " " for c in name[:60])


class _Ending(threading.Event):
    """Set once the server is about to end."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns

    def is_set(self) -> bool:
        return self._turns.draining

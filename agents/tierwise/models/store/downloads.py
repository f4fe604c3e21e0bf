"""One file by HTTP: taken up where it stopped, hashed while it comes, bounded in every direction.

The file grows in a part beside a note that says what it is a part of. A later attempt asks for the rest with ``Range``
and, so that two versions are never joined, ``If-Range`` (RFC 9110, section 13.1.5).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import httpx2

from tierwise.errors import ModelError, ModelFileError, ModelTimeout, ServerError, StoreError, Unreachable
from tierwise.home import private
from tierwise.models.gguf import read_header
from tierwise.models.store.download_answers import Dropped, Head, head_of
from tierwise.models.store.download_types import DownloadLimits, DownloadProgress
from tierwise.models.store.download_urls import checked_url, client_for, host_of, next_url
from tierwise.models.store.files import note_path

_REDIRECTS = (301, 302, 303, 307, 308)
_STEP = 1 << 20  # a retry that got this much further is a success of its own
_LOOK_AT_DISK = 64 << 20
_SPARE = 100 << 20  # bytes of the disk that stay free
_LONGEST_PAUSE = 30.0
_AGAIN = "Run the same command again to go on from there."


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete part.

    Attributes:
        sha256: of its bytes.
        size: number of them.
    """

    sha256: str
    size: int


@dataclass(slots=True)
class _Note:
    """What the part is a part of."""

    url: str
    validator: str | None = None
    total: int | None = None


def fetch(
    url: str,
    part: Path,
    *,
    size: int | None = None,
    progress: Callable[[DownloadProgress], object] = lambda step: None,
    limits: DownloadLimits | None = None,
) -> Fetched:
    """Bring a GGUF file into ``part``, going on with what lies there from an earlier attempt.

    Args:
        url: ``https``, or ``http`` on this machine.
        part: where it grows; it stays when this fails for a passing reason.
        size: bytes it must have, if known.
        progress: called a few times a second.
        limits: bounds.

    Raises:
        InvalidInput: if nothing is ever fetched from such an address.
        ModelFileError: if what comes is not such a file; the part is removed.
        StoreError: if the disk has no room or cannot be written.
        ModelError: if the source cannot be reached, refuses, or breaks off again and again.
    """
    return _Download(checked_url(url), part, size, progress, limits or DownloadLimits()).run()


class _Download:
    def __init__(
        self,
        url: str,
        part: Path,
        size: int | None,
        progress: Callable[[DownloadProgress], object],
        limits: DownloadLimits,
    ) -> None:
        self._url, self._part, self._size = url, part, size
        self._progress, self._limits = progress, limits
        self._host = host_of(url)
        self._note = _Note(url, total=size)
        self._digest = hashlib.sha256()
        self._done = 0
        self._told = 0.0
        self._answered = False

    def run(self) -> Fetched:
        try:
            with private(self._part).open("r+b") as file, client_for(self._url, self._limits) as client:
                self._take_up(file)
                self._until_complete(client, file)
        except OSError as error:
            raise StoreError(
                f"{self._part} cannot be written: {error.strerror or error}.",
                fix=f"Free some space or check the folder's permissions. {_AGAIN}",
            ) from error
        except ModelFileError:
            self._part.unlink(missing_ok=True)
            note_path(self._part).unlink(missing_ok=True)
            raise
        return Fetched(self._digest.hexdigest(), self._done)

    # -- one attempt after the other -----------------------------------------------------------------------------------

    def _until_complete(self, client: httpx2.Client, file: BinaryIO) -> None:
        failures, furthest = 0, self._done
        while not (self._done and self._done == self._note.total):
            try:
                self._attempt(client, file)
                return
            except Dropped as drop:
                if drop.anew:
                    self._restart(file)
                failures = 1 if self._done >= furthest + _STEP else failures + 1
                furthest = max(furthest, self._done)
                if failures >= self._limits.attempts:
                    raise self._given_up(drop.error) from drop
                usual = min(self._limits.pause * 2 ** (failures - 1), _LONGEST_PAUSE)
                pause = min(max(drop.pause, usual), 2 * _LONGEST_PAUSE)
                self._tell(note=f"{drop.error.what} Trying again in {pause:.0f} s.")
                time.sleep(pause)

    def _given_up(self, error: ModelError) -> ModelError:
        kept = f" {self._done:,} bytes are kept." if self._done else ""
        return type(error)(f"{error.what} {self._limits.attempts} attempts got no further.{kept}", fix=_AGAIN)

    def _attempt(self, client: httpx2.Client, file: BinaryIO) -> None:
        headers = {"Accept-Encoding": "identity"}
        if self._done and self._note.validator:
            headers |= {"Range": f"bytes={self._done}-", "If-Range": self._note.validator}
        try:
            with self._response(client, headers) as response:
                self._begin(response, file)
                self._receive(response, file)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            what = Unreachable(f"{self._host} cannot be reached: {_reason(error)}.", fix="Check the connection.")
            if not self._answered:  # nothing speaks for its coming back in a moment
                raise what from error
            raise Dropped(what) from error
        except httpx2.TimeoutException as error:
            raise Dropped(ModelTimeout(f"{self._host} did not answer in time.")) from error
        except httpx2.HTTPError as error:
            raise Dropped(Unreachable(f"The connection to {self._host} broke: {_reason(error)}.")) from error
        finally:
            file.flush()

    @contextmanager
    def _response(self, client: httpx2.Client, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        url = self._url
        for _ in range(self._limits.redirects + 1):
            with client.stream("GET", url, headers=headers) as response:
                if response.status_code in _REDIRECTS:
                    url = next_url(url, response.headers.get("location", ""))
                    continue
                yield response
                return
        raise ServerError(f"{self._host} sends the download in circles.", fix="Try again later.")

    # -- what the source says ------------------------------------------------------------------------------------------

    def _begin(self, response: httpx2.Response, file: BinaryIO) -> None:
        """Take the head of the answer: from which byte it goes on, and how much there is."""
        self._answered = True
        head = head_of(response, self._host)
        if head.start == 0 and self._done:
            if response.headers.get("content-type", "").startswith("text/"):  # a proxy's, while the file is still there
                raise Dropped(ServerError(f"{self._host} sends a page in place of the rest of the file."))
            self._restart(file)
        elif head.start != self._done or (self._done and not self._goes_on(head)):
            raise Dropped(ServerError(f"{self._host} went on with another file or place."), anew=True)
        if head.total is not None and self._size is not None and head.total != self._size:
            raise ModelFileError(
                f"{self._host} offers a file of {head.total:,} bytes where {self._size:,} are expected.",
                fix="The file at the source is another one now: nothing was kept.",
            )
        total = self._note.total if head.total is None else head.total
        self._note = _Note(self._url, head.validator or self._note.validator, total)
        private(note_path(self._part)).write_text(json.dumps(asdict(self._note)), encoding="utf-8")
        self._check_room()

    def _goes_on(self, head: Head) -> bool:
        """Whether a part is of the file that is here; one that was asked for by date need not repeat the date."""
        known = self._note.validator or ""
        same = head.validator == known or (head.validator is None and not known.startswith('"'))
        return same and (None in (head.total, self._note.total) or head.total == self._note.total)

    def _check_room(self) -> None:
        free = shutil.disk_usage(self._part.parent).free
        missing = (self._note.total or self._done) - self._done
        if self._done + missing > self._limits.largest:
            raise ModelFileError(f"{self._host} sends more than any model is large.", fix="Check the address.")
        if missing + _SPARE > free:
            raise StoreError(
                f"The disk has {free:,} bytes free, and the rest of the file takes {missing:,}.",
                fix="Free some space, or set TIERWISE_HOME to a larger disk.",
            )

    # -- bytes ---------------------------------------------------------------------------------------------------------

    def _receive(self, response: httpx2.Response, file: BinaryIO) -> None:
        begun, started_at = time.monotonic(), self._done
        mark, mark_at, room_at = begun, self._done, self._done
        for chunk in response.iter_raw():
            file.write(chunk)
            self._digest.update(chunk)
            before, self._done = self._done, self._done + len(chunk)
            if before < 4 <= self._done:
                self._check_magic(file)
            if self._note.total is not None and self._done > self._note.total:
                raise ModelFileError(f"{self._host} sends more bytes than the file has.", fix="Check the address.")
            now = time.monotonic()
            if self._done - room_at >= _LOOK_AT_DISK:
                room_at = self._done
                self._check_room()
            if now - mark >= self._limits.idle:
                if self._done - mark_at < self._limits.slowest * self._limits.idle:
                    raise Dropped(ModelTimeout(f"The download from {self._host} came to a standstill."))
                mark, mark_at = now, self._done
            if now - self._told >= 0.1:
                self._told = now
                self._tell(rate=(self._done - started_at) / max(now - begun, 1e-3))
        if self._note.total is not None and self._done < self._note.total:
            raise Dropped(Unreachable(f"The connection to {self._host} broke off."))
        self._tell(rate=(self._done - started_at) / max(time.monotonic() - begun, 1e-3))

    def _check_magic(self, file: BinaryIO) -> None:
        """Refuse a web page after its first bytes, not after two gigabytes."""
        file.flush()
        with self._part.open("rb") as head:
            if head.read(4) == b"GGUF":
                return
        try:
            read_header(self._part)
        except ModelFileError as error:
            what = error.what.replace(str(self._part), f"What {self._host} sends")
            raise ModelFileError(what, fix="Check the address: it must be that of the .gguf file itself.") from error

    def _take_up(self, file: BinaryIO) -> None:
        """Hash what an earlier attempt left, or begin anew if it is not a part of this file."""
        try:
            note = _Note(**json.loads(note_path(self._part).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            note = _Note("")
        resumable = note.url == self._url and note.validator and (self._size is None or note.total == self._size)
        if not resumable:
            self._restart(file)
            return
        self._note = note
        while block := file.read(1 << 22):
            self._digest.update(block)
            self._done += len(block)
            self._tell(note="checking what is here already")
        if note.total is not None and self._done > note.total:
            self._restart(file)

    def _restart(self, file: BinaryIO) -> None:
        file.seek(0)
        file.truncate()
        self._digest, self._done = hashlib.sha256(), 0
        self._note = _Note(self._url, total=self._size)

    def _tell(self, *, rate: float = 0.0, note: str = "") -> None:
        self._progress(DownloadProgress(self._done, self._note.total, rate, note))


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__

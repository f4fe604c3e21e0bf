"""Long work beside the page: ingesting, pulling a model, testing one. The page only looks at how far it is."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from tierwise.errors import TierwiseError


class Job:
    """Work in a thread of its own. The work writes to it, pages read it.

    Attributes:
        id: opaque.
        kind: what kind of work: ``ingest``, ``pull`` ...
        title: what it is about, as plain text.
        begun: seconds since 1970.
        share: how much is done, in [0, 1]; ``None`` if that is not known.
        text: what it is at, as plain text.
        result: what it came to.
        error: why it failed, in words.
        over: nothing more will happen.
        ended: set when it is over.
        wanted: false once a person has stopped it; the work looks at it between its steps.
    """

    def __init__(self, kind: str, title: str) -> None:
        self.id, self.kind, self.title = uuid.uuid4().hex, kind, title
        self.begun = time.time()
        self.share: float | None = None
        self.text = ""
        self.result: Any = None
        self.error: str | None = None
        self.over = False
        self.ended = threading.Event()
        self.wanted = True

    def tell(self, text: str, share: float | None = None) -> None:
        """Say how far it is."""
        self.text, self.share = text, share

    def stop(self) -> None:
        """Ask it to end after the step it is at."""
        self.wanted = False


class Jobs:
    """The jobs of a server. Thread-safe."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._lock = threading.Lock()

    def start(self, kind: str, title: str, work: Callable[[Job], Any]) -> Job:
        """Begin work; what it returns is the job's result, what it raises the job's error."""
        job = Job(kind, title)
        with self._lock:
            self._jobs.append(job)
        threading.Thread(target=_run, args=(job, work), daemon=True, name=f"job-{kind}").start()
        return job

    def of(self, kind: str) -> list[Job]:
        """Jobs of a kind that were not dismissed, oldest first."""
        with self._lock:
            return [job for job in self._jobs if job.kind == kind]

    def running(self) -> list[Job]:
        """All that are not over."""
        with self._lock:
            return [job for job in self._jobs if not job.over]

    def dismiss(self, job_id: str) -> None:
        """Forget a job that is over."""
        with self._lock:
            self._jobs = [job for job in self._jobs if job.id != job_id or not job.over]


def _run(job: Job, work: Callable[[Job], Any]) -> None:
    try:
        job.result = work(job)
    except TierwiseError as error:
        job.error = str(error)
    except Exception as error:  # whatever it is, the page has to say that this did not work
        job.error = f"{type(error).__name__}: {error}"
    finally:
        job.over = True
        job.ended.set()

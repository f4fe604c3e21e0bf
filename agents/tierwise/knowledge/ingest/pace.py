"""How far an ingest is, and how long it will take."""

from __future__ import annotations

import time

from tierwise.knowledge.report import IngestProgress, Progress

_LEAST_SECONDS = 1.0


class Pace:
    """Tells about progress.

    The time left is a guess from what took time so far: sources that were left alone cost next to nothing, so of those
    still to come only as large a share is counted as of those that are done.

    Args:
        told: is told; from the ingest's own thread.
    """

    def __init__(self, told: Progress | None) -> None:
        self._told = told
        self._started = time.monotonic()
        self.total = 0
        self.done = 0
        self.embedded = 0

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    def tell(self, path: str) -> None:
        """Say how far it is."""
        if self._told is not None:
            seconds = self.seconds
            rate = self.embedded / seconds if self.embedded else 0.0
            left = None
            if self.done and seconds > _LEAST_SECONDS and self.total:
                left = seconds / self.done * max(0, self.total - self.done)
            self._told(IngestProgress(self.done, self.total, path, self.embedded, rate, left))

"""What a download is bounded by, and what it tells on its way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """Bounds of a download.

    Attributes:
        connect: seconds until a connection must stand.
        idle: seconds within which something must arrive.
        slowest: bytes a second, over ``idle`` seconds, that still count as arriving.
        attempts: how often to try without getting any further.
        pause: seconds before the second attempt; doubled each time, at most 30.
        redirects: how many are followed.
        largest: bytes that no model file exceeds.
    """

    connect: float = 15.0
    idle: float = 30.0
    slowest: int = 1024
    attempts: int = 6
    pause: float = 1.0
    redirects: int = 8
    largest: int = 1 << 40


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is.

    Attributes:
        done: bytes that are here, earlier attempts included.
        total: bytes of the whole file, if the source says.
        rate: bytes a second of this attempt.
        note: what is happening if it is not simply arriving.
    """

    done: int
    total: int | None
    rate: float = 0.0
    note: str = ""

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until all is here."""
        if self.total is None or self.rate <= 0:
            return None
        return max(0, self.total - self.done) / self.rate

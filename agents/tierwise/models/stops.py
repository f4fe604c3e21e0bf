"""Stop texts that never reach the reader, however the model splits them over tokens."""

from __future__ import annotations


class StopFilter:
    """Passes text through up to the first stop text; holds back what may become one.

    Args:
        stops: the texts; empty ones are ignored.
    """

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.hit = False

    def feed(self, text: str) -> str:
        """Add text; returns what is safe to show now."""
        if not self._stops or self.hit:
            return "" if self.hit else text
        self._held += text
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.hit = True
            ready, self._held = self._held[: min(found)], ""
            return ready
        keep = max((self._overlap(stop) for stop in self._stops), default=0)
        ready, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return ready

    def rest(self) -> str:
        """What was held back at the end, when no stop text came of it."""
        ready, self._held = self._held, ""
        return ready

    def _overlap(self, stop: str) -> int:
        """Length of the longest end of the held text that begins ``stop``."""
        for length in range(min(len(stop) - 1, len(self._held)), 0, -1):
            if self._held.endswith(stop[:length]):
                return length
        return 0

"""Tells a process that hangs from one that is slow.

While it computes, a model's process says so every second (:func:`pulse`); when nothing at all is heard of it although
something is wanted of it, :class:`Watchdog` says that it hangs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tierwise.models.local.frames import Frame

BEAT = 1.0  # seconds between two looks, and between two signs of life
HANG = 30.0  # seconds of silence; one node of the compute graph takes far less on the slowest machine
LOADING = 300.0  # until the first word: a large file on a slow disk is read in silence


class Watchdog:
    """Watches one process in a thread that sleeps while nothing is wanted.

    Silence is counted in this thread's own waits: neither a laptop that was suspended nor a stopped parent makes a
    process that could not be heard look like one that hangs.

    Args:
        busy: whether something is wanted of the process.
        on_silence: called once, when it hangs.
    """

    def __init__(self, busy: Callable[[], bool], on_silence: Callable[[], None]) -> None:
        self._busy, self._on_silence = busy, on_silence
        self._silent, self._limit = 0.0, LOADING
        self._wake, self._over = threading.Event(), threading.Event()
        threading.Thread(target=self._run, name="tierwise watchdog", daemon=True).start()

    def heard(self) -> None:
        """The process said something."""
        self._silent, self._limit = 0.0, HANG

    def wanted(self) -> None:
        """Something is wanted of the process from now on."""
        self._wake.set()

    def stop(self) -> None:
        """The process has ended."""
        self._over.set()
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.clear()  # before the look, so that neither an end nor a wish between the two is slept through
            if self._over.is_set():
                return
            if not self._busy():
                self._silent = 0.0
                self._wake.wait()
            elif not self._over.wait(BEAT):
                self._silent += BEAT
                if self._silent >= self._limit:
                    self._on_silence()
                    return


def pulse(send: Callable[[Frame], None], ticks: Callable[[], int]) -> None:
    """Begin to send ``alive`` every second in which the work went on; for the process that computes.

    Args:
        send: writes a frame, from any thread.
        ticks: a number that grows while it computes.
    """

    def beat() -> None:
        before = ticks()
        while True:
            time.sleep(BEAT)
            if (now := ticks()) != before:
                before = now
                try:
                    send({"event": "alive"})
                except OSError:
                    return  # nobody listens any more, so this process is about to end

    threading.Thread(target=beat, name="tierwise pulse", daemon=True).start()

"""Ctrl-C that lets the work in hand be finished: what is done is kept, and the report still comes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType


@contextmanager
def stops(word: str) -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second interrupts as usual.

    Args:
        word: what to say at the first.
    """
    event = threading.Event()

    def interrupted(number: int, frame: FrameType | None) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()
        with suppress(OSError, ValueError):  # past the console, which may be in the middle of a line of its own
            os.write(sys.stderr.fileno(), f"\n{word}\n".encode())

    if threading.current_thread() is not threading.main_thread():  # signals come to the main thread only
        yield event
        return
    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)

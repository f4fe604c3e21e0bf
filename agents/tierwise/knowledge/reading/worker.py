"""The process that reads documents, one after another. Started by :mod:`tierwise.knowledge.reading.process`.

It says ``ready`` with what holds it, then answers each document (its name, then its bytes) with one message: the
document, or the problem. The end of its input means that nobody wants it any more.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from dataclasses import asdict
from typing import Any

from tierwise.errors import InvalidInput
from tierwise.knowledge.reading.documents import parse_document
from tierwise.knowledge.reading.frames import Head, packed, read_message, write_message
from tierwise.knowledge.reading.isolation import shut_in
from tierwise.knowledge.reading.problem import Unreadable, original_of

_GRACE = 2.0  # seconds after which it ends itself, should whoever started it be gone by then


def main() -> None:
    """Entry point of ``python -m tierwise.knowledge.reading.worker BYTES SECONDS``."""
    memory, seconds = int(sys.argv[1]), float(sys.argv[2])
    # The pipes are kept for messages: what a library prints goes nowhere.
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who wait for this process, and they end it
    if sys.platform == "linux":
        from tierwise_tools.sandbox.inside.kernel import die_with_parent

        die_with_parent()
    status = _status()  # it cannot be opened later
    write_message(sink, {"ready": asdict(shut_in(memory))})
    os.dup2(nowhere, 2)
    with contextlib.suppress(BrokenPipeError):
        while (message := read_message(source)) is not None:
            _alarm(seconds + _GRACE)
            head, bodies = _answer(message[0]["name"], message[1])
            del message
            last = head.get("exhausted", False) or _peak(status) > memory // 2
            try:
                write_message(sink, head | {"last": last}, bodies)
            except Unreadable as error:
                write_message(sink, _problem(error) | {"last": last})
            _alarm(0)


def _answer(name: str, data: bytes) -> tuple[Head, list[bytes]]:
    try:
        return packed(parse_document(name, data))
    except InvalidInput as error:
        return _problem(error), []
    except MemoryError:
        return {"exhausted": True}, []
    except Exception as error:  # none may end the process, which is there for the next document too
        return _problem(Unreadable("It cannot be read.", original=original_of(error))), []


def _problem(error: InvalidInput) -> dict[str, Any]:
    return {"problem": {"what": error.what, "fix": error.fix, "original": getattr(error, "original", None)}}


def _alarm(seconds: float) -> None:
    """Be ended by the system after so long; 0 for never."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _status() -> int | None:
    """What the system tells of this process, open for reading; ``None`` where it does not."""
    try:
        return os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _peak(status: int | None) -> int:
    """The most memory that this process has had, in bytes; 0 if the system does not tell.

    Not by ``getrusage``: on Linux it counts what whoever started this process had then.
    """
    found = None if status is None else re.search(rb"VmHWM:\s*(\d+) kB", os.pread(status, 4096, 0))
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    main()

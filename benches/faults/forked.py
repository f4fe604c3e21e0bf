"""Work in a forked process that is killed: nothing is imported anew, so that hundreds of starts take minutes."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

_HUNG = 90.0  # seconds; nothing here takes so long


@dataclass(frozen=True, slots=True)
class Ended:
    """How forked work ended.

    Attributes:
        lines: what it said, as far as it came.
        killed: by SIGKILL, whoever sent it.
        code: its exit code, 0 unless it raised.
        hung: it came to no end and was killed for that.
    """

    lines: list[str]
    killed: bool
    code: int
    hung: bool


def run_forked(work: Callable[[Callable[[str], None]], None], *, kill_after: float | None = None) -> Ended:
    """Run ``work`` in a fork of this process, which must not have threads.

    Args:
        work: gets what takes a line (at most 4 kB each, 64 kB in all).
        kill_after: seconds until it is killed.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        try:
            work(lambda line: (os.write(writing, f"{line}\n".encode()), None)[1])
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    deadline = time.monotonic() + (_HUNG if kill_after is None else kill_after)
    hung = False
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() >= deadline:
            hung = kill_after is None
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            break
        time.sleep(0.001)
    with os.fdopen(reading) as pipe:
        lines = pipe.read().splitlines()
    return Ended(lines, os.WIFSIGNALED(status), os.waitstatus_to_exitcode(status), hung)

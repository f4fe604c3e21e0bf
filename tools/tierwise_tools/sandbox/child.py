"""A process that is given bytes, gives bytes back, and never outlives its call."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

_TICK_S = 0.05


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    Attributes:
        why: ``itself``, or what it was killed for.
        code: its exit code; negative for the signal that ended it.
        out: what it wrote to standard output.
        err: what it wrote to standard error.
    """

    why: Literal["itself", "time", "cancelled"]
    code: int
    out: bytes
    err: bytes


def run_child(
    command: Sequence[str],
    *,
    given: bytes,
    env: dict[str, str],
    folder: str,
    seconds: float,
    cancelled: Callable[[], bool],
) -> Ended:
    """Start a process in a group of its own and wait for its end; blocking.

    Whatever happens, the whole group is dead when this returns.

    Args:
        command: the program and its arguments.
        given: its standard input.
        env: its whole environment.
        folder: where it starts.
        seconds: how long it may take.
        cancelled: asked all the while; true ends the process.

    Raises:
        OSError: if it cannot be started.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        cwd=folder,
        start_new_session=True,
    )
    end = time.monotonic() + seconds
    why: Literal["itself", "time", "cancelled"] = "itself"
    rest: bytes | None = given
    with process:
        try:
            while True:
                try:
                    out, err = process.communicate(rest, timeout=_TICK_S)
                    return Ended(why, process.returncode, out, err)
                except subprocess.TimeoutExpired:
                    rest = None  # it is being written already
                if why == "itself" and (cancelled() or time.monotonic() > end):
                    why = "cancelled" if cancelled() else "time"
                    _kill_group(process)
        finally:
            if process.returncode is None:
                _kill_group(process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if os.name != "posix":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # all of it is gone; macOS says so by the latter
        return

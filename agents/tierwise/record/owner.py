"""Which process runs a turn, so that the turn of a dead process is recognised."""

from __future__ import annotations

import os
from functools import cache

import psutil


@cache
def own_id() -> str:
    """Process id and start time: a process id alone is used again by others."""
    return f"{os.getpid()}:{psutil.Process().create_time():.3f}"


def is_alive(owner: str) -> bool:
    """Whether the process that wrote ``owner`` still runs on this machine."""
    if owner == own_id():
        return True
    pid, _, started = owner.partition(":")
    try:
        process = psutil.Process(int(pid))
        # A dead process that nobody has asked about yet keeps its number.
        return f"{process.create_time():.3f}" == started and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):
        return False

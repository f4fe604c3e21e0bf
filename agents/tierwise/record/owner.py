"""Which process runs a turn, so that the turn of a dead process is recognised."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

import psutil

Sign = Literal["alive", "dead", "unknown"]
_PROC = Path("/proc")
_GONE = "gone"
_STARTED = 19  # place of the start time, in ticks since the machine started, behind the name in /proc/PID/stat


def own_id() -> str:
    """Process id, start time, and where they count: a process id alone is used again by others.

    No part of it changes when the clock is set.
    """
    return _id_of(os.getpid())  # not kept under another number: a fork is another process


def sign_of(owner: str) -> Sign:
    """Whether the process that wrote ``owner`` still runs.

    Unknown if it lives in another container, or if only the start time differs, and that goes by a clock that is set.
    """
    own = own_id()
    if owner == own:
        return "alive"
    pid, _, rest = owner.partition(":")
    started, _, place = rest.partition(":")
    boot, _, processes = place.partition(":")
    own_boot, _, own_processes = own.split(":", 2)[2].partition(":")
    if boot != own_boot:
        return "dead"
    if processes != own_processes:
        return "unknown"  # in another container of this machine
    try:
        found = _start_of(int(pid))
    except (psutil.Error, OSError, ValueError, IndexError):
        return "dead"
    if found == started:
        return "alive"
    return "unknown" if found != _GONE and not _has_ticks() else "dead"


@lru_cache(maxsize=1)
def _id_of(pid: int) -> str:
    return f"{pid}:{_start_of(pid)}:{_boot()}:{_processes()}"


def _start_of(pid: int) -> str:
    """When a process started, by a clock that nobody sets if there is one; ``gone`` for a dead one in the table."""
    if _has_ticks():
        # psutil adds the time of day at which the machine started, which changes whenever the clock is set.
        fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return _GONE if fields[0] in ("Z", "X") else fields[_STARTED]
    process = psutil.Process(pid)
    return _GONE if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.0f}"


@lru_cache(maxsize=1)
def _has_ticks() -> bool:
    return (_PROC / "self/stat").exists()


@lru_cache(maxsize=1)
def _boot() -> str:
    """This start of the machine, where that is known: ticks begin anew with it."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()[:13]
    except OSError:
        return ""


@lru_cache(maxsize=1)
def _processes() -> str:
    """In what the processes are counted, where that is known."""
    try:
        return str((_PROC / "self/ns/pid").stat().st_ino)
    except OSError:
        return ""

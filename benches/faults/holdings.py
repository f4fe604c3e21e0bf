"""What a process holds: tasks, threads, processes, sockets, files, memory."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import psutil


@dataclass(frozen=True)
class Holdings:
    """Counts of one moment; ``memory`` is resident, in bytes, ``objects`` what the garbage collector watches."""

    tasks: int
    threads: int
    processes: int
    sockets: int
    files: int
    memory: int
    objects: int

    def leaked(self, before: Holdings) -> dict[str, int]:
        """What there is more of than before, memory and objects aside."""
        now, then = asdict(self), asdict(before)
        names = ("tasks", "threads", "processes", "sockets", "files")
        return {name: now[name] - then[name] for name in names if now[name] > then[name]}


def held(loops: Sequence[asyncio.AbstractEventLoop] = ()) -> Holdings:
    """Count, after the garbage collector has run.

    Args:
        loops: whose tasks are counted.
    """
    gc.collect()
    process = psutil.Process()
    return Holdings(
        tasks=sum(len(asyncio.all_tasks(loop)) for loop in loops if not loop.is_closed()),
        threads=_threads(len(loops)),
        processes=len(process.children(recursive=True)),
        sockets=len(process.net_connections("all")),
        files=process.num_fds(),
        memory=process.memory_info().rss,
        objects=len(gc.get_objects()),
    )


def _threads(loops: int) -> int:
    """Threads; those of the pool that each loop keeps for ``asyncio.to_thread`` only beyond its full size."""
    names = [thread.name for thread in threading.enumerate()]
    pooled = sum(name.startswith("asyncio_") for name in names)
    full = loops * min(32, (os.cpu_count() or 1) + 4)
    return len(names) - pooled + max(0, pooled - full)


def settled(count: Callable[[], Holdings], before: Holdings, seconds: float = 30.0) -> Holdings:
    """Count until nothing is left over, or for so many seconds: threads and processes take a moment to end."""
    deadline = time.monotonic() + seconds
    while (now := count()).leaked(before) and time.monotonic() < deadline:
        time.sleep(0.05)
    return now

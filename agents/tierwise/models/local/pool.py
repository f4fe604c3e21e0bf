"""One process for a GGUF, however many tiers and copilots of this program use it."""

from __future__ import annotations

import os
import queue
import threading
from dataclasses import replace

from tierwise.models.local.process import LoadPlan, Supervisor

_lock = threading.Lock()
_open: dict[tuple[LoadPlan, int], tuple[Supervisor, int]] = {}  # with the number of models that use it
_dropped: queue.SimpleQueue[Share] = queue.SimpleQueue()
_reaper: threading.Thread | None = None


class Share:
    """A model's share in the process of its file. Models that load the same file in the same way share one.

    Args:
        name: how people call the model.
        plan: what to load.
        version: changes with the file's contents.
    """

    def __init__(self, name: str, plan: LoadPlan, version: int) -> None:
        self._key = _key(plan, version)
        self._program = os.getpid()
        with _lock:
            supervisor, users = _open.get(self._key) or (Supervisor(name, plan), 0)
            _open[self._key] = (supervisor, users + 1)
            _start_reaper()
        self.supervisor = supervisor
        self._held = True

    @property
    def foreign(self) -> bool:
        """Whether this program is a fork of the one that has the share: the model's process listens to that one."""
        return self._program != os.getpid()

    def holds(self, plan: LoadPlan, version: int) -> bool:
        """Whether its process loads this, from a file with these contents."""
        return self._key == _key(plan, version)

    def release(self) -> None:
        """Give the share back; the last one ends the process. Safe to call twice."""
        if self.foreign:
            return
        with _lock:
            if not self._held:
                return
            self._held = False
            supervisor, users = _open[self._key]
            if users > 1:
                _open[self._key] = (supervisor, users - 1)
                return
            del _open[self._key]
        supervisor.close()

    def drop(self) -> None:
        """Have the share given back by another thread.

        For finalizers: garbage is collected in the middle of anything, so in this thread any lock may be held.
        """
        _dropped.put(self)


def _key(plan: LoadPlan, version: int) -> tuple[LoadPlan, int]:
    # How much memory was free when it was planned does not make it another process.
    return replace(plan, prefix_budget=0), version


def _start_reaper() -> None:
    global _reaper
    if _reaper is None:
        _reaper = threading.Thread(target=_reap, args=(_dropped,), name="tierwise reaper", daemon=True)
        _reaper.start()


def _reap(dropped: queue.SimpleQueue[Share]) -> None:
    while True:
        dropped.get().release()


def _begin_anew() -> None:
    """In a fork: its parent's processes and threads are not its own."""
    global _lock, _dropped, _reaper
    _lock, _dropped, _reaper = threading.Lock(), queue.SimpleQueue(), None
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)

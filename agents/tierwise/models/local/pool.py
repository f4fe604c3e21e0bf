"""One process for a GGUF, however many tiers and copilots of this program use it."""

from __future__ import annotations

import threading
from dataclasses import replace

from tierwise.models.local.process import LoadPlan, Supervisor

_lock = threading.Lock()
_open: dict[tuple[LoadPlan, int], tuple[Supervisor, int]] = {}  # with the number of models that use it


class Share:
    """A model's share in the process of its file. Models that load the same file in the same way share one.

    Args:
        name: how people call the model.
        plan: what to load.
        version: changes with the file's contents.
    """

    def __init__(self, name: str, plan: LoadPlan, version: int) -> None:
        # How much memory was free when it was planned does not make it another process.
        self._key = (replace(plan, prefix_budget=0), version)
        with _lock:
            supervisor, users = _open.get(self._key) or (Supervisor(name, plan), 0)
            _open[self._key] = (supervisor, users + 1)
        self.supervisor = supervisor
        self._held = True

    def release(self) -> None:
        """Give the share back; the last one ends the process. Safe to call twice."""
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

"""Keeps the process of one GGUF: starts it when needed, replaces it when it died; no asyncio loop owns it."""

from __future__ import annotations

import itertools
import logging
import signal
import threading
from dataclasses import asdict, dataclass

from tierwise import errors
from tierwise.models.local.child import Call, Child, closed, death
from tierwise.models.local.frames import Frame
from tierwise.models.local.restarts import DEATHS, Restarts

log = logging.getLogger("tierwise.models")

_CPU_FAULTS = {-getattr(signal, name) for name in ("SIGSEGV", "SIGILL", "SIGBUS", "SIGFPE") if hasattr(signal, name)}


@dataclass(frozen=True)
class LoadPlan:
    """What a process is started with; models with equal plans share one process.

    Attributes:
        path: the GGUF file.
        n_ctx: tokens of all conversations in work together.
        n_threads: threads, at most.
        adapt: use fewer while that is faster.
        prefix_budget: bytes for conversations that are not in work.
        parallel: answers in work together, at most.
        batch: tokens read in one step.
        gpu_layers: layers on a GPU.
        mmap: map the file instead of reading it.
    """

    path: str
    n_ctx: int
    n_threads: int
    adapt: bool = False
    prefix_budget: int = 0
    parallel: int = 1
    batch: int = 256
    gpu_layers: int = 0
    mmap: bool = True


class Supervisor:
    """Keeps at most one process for a model: started when needed, replaced when it died, left down when it keeps dying.

    Thread-safe; nothing in it blocks.

    Args:
        name: how people call the model.
        plan: what to load.
    """

    def __init__(self, name: str, plan: LoadPlan) -> None:
        self._name, self._plan = name, plan
        self._lock = threading.RLock()
        self._child: Child | None = None
        self._numbers = itertools.count(1)
        self._restarts = Restarts()
        self._safe_mode = False
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The running process, if there is one."""
        child = self._child
        return child.pid if child else None

    @property
    def running(self) -> bool:
        """Whether a process is up or on its way up."""
        return self._child is not None

    def open(self, request: Frame) -> Call:
        """Send a request, starting the process if there is none.

        Raises:
            ModelCrashed: if the process has died so often that it is left alone for a while, or was closed meanwhile.
        """
        with self._lock:
            if self._closed:
                raise closed(self._name)
            if self._child is None:
                self._refuse_if_resting()
                self._child = self._start(self._restarts.pause)
            call = Call(next(self._numbers), request)
            self._child.submit(call)
            return call

    def cancel(self, call: Call) -> None:
        """Withdraw a request, if it has not ended; frames still on their way are dropped."""
        with self._lock:
            child = self._child
            if child is not None and child.calls.pop(call.number, None) is not None:
                child.send({"op": "cancel", "id": call.number})

    def close(self) -> None:
        """End the process for good; requests in flight fail, and so do later ones."""
        with self._lock:
            child, self._child, self._closed = self._child, None, True
        if child is not None:
            child.kill()

    def _start(self, pause: float = 0.0) -> Child:
        load: Frame = {"op": "load", "safe_mode": self._safe_mode, **asdict(self._plan)}
        return Child(self._name, load, self._on_end, pause)

    def _refuse_if_resting(self) -> None:
        if wait := self._restarts.down_for:
            error = errors.ModelCrashed(
                f"The process of {self._name} died {DEATHS} times within five minutes, so it stays down for another "
                f"{wait:.0f} s.",
                fix="Use another tier meanwhile; if it keeps dying, use a smaller model or a smaller context_window.",
            )
            error.retry_after = wait
            raise error

    def _on_end(self, child: Child, tail: str) -> None:
        with self._lock:
            if self._child is child:
                self._child = None
            calls, child.calls = list(child.calls.values()), {}
            if child.worked:
                self._restarts.worked()
            if child.failure is None and not child.closing:
                if child.exit_code in _CPU_FAULTS and not child.produced and not self._safe_mode and calls:
                    log.warning("%s crashed in its first step; trying again without CPU-specific kernels", self._name)
                    self._safe_mode = True
                    self._child = self._start()
                    for call in calls:
                        self._child.submit(call)
                    return
                self._restarts.died()
        error = child.failure or death(child, tail)
        for call in calls:
            call.deliver(error)

"""Starts, feeds and supervises the process of one GGUF; no asyncio loop owns it, so any loop may use it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tierwise import errors
from tierwise.models.frames import Frame, read_frame, write_frame

log = logging.getLogger("tierwise.models")

DEATHS, WITHIN, REST = 3, 300.0, 60.0
_CPU_FAULTS = {-getattr(signal, name) for name in ("SIGSEGV", "SIGILL", "SIGBUS", "SIGFPE") if hasattr(signal, name)}
_ERRORS = {
    kind.code: kind for kind in (errors.ModelError, errors.ModelFileError, errors.ContextTooLong, errors.ModelCrashed)
}


@dataclass(frozen=True)
class LoadPlan:
    """What a process is started with."""

    path: str
    n_ctx: int
    n_threads: int
    adapt: bool = False
    prefix_budget: int = 0


class Call:
    """One request on its way; frames arrive in the loop that made it."""

    def __init__(self, number: int, request: Frame) -> None:
        self.number = number
        self.request = request
        self._loop = asyncio.get_running_loop()
        self._frames: asyncio.Queue[Frame | errors.ModelError] = asyncio.Queue()

    async def next(self) -> Frame:
        """The next frame.

        Raises:
            ModelError: if the request failed.
        """
        item = await self._frames.get()
        if isinstance(item, errors.ModelError):
            raise item
        return item

    def deliver(self, item: Frame | errors.ModelError) -> None:
        """Hand over from any thread; a loop that is closed no longer wants it."""
        try:
            self._loop.call_soon_threadsafe(self._frames.put_nowait, item)
        except RuntimeError:
            log.debug("the loop of request %s is closed", self.number)


class _Child:
    """One life of the process: a thread that starts it, reads from it and reaps it, and a thread that writes to it."""

    def __init__(self, name: str, plan: LoadPlan, safe_mode: bool, ended: Callable[[_Child, str], None]) -> None:
        self.name = name
        self.calls: dict[int, Call] = {}
        self.produced = False
        self.closing = False
        self.exit_code: int | None = None
        self.failure: errors.ModelError | None = None
        self.pid: int | None = None
        self._plan, self._safe_mode, self._ended = plan, safe_mode, ended
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._outbox: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        # Linux ties the child's life to the thread that starts it, so that is the one that stays with it to the end.
        threading.Thread(target=self._run, name=f"tierwise {name}", daemon=True).start()

    def send(self, frame: Frame) -> None:
        """Queue a frame; never blocks."""
        self._outbox.put(frame)

    def kill(self) -> None:
        """End the process now."""
        self.closing = True
        with self._lock:
            if self._process is not None and self._process.returncode is None:
                self._process.kill()

    def _run(self) -> None:
        with tempfile.TemporaryFile() as noise:
            try:
                process = self._start(noise.fileno())
            except OSError as error:
                self.failure = errors.ModelError(f"The process of {self.name} cannot be started: {error}.")
                self._ended(self, "")
                return
            assert process.stdin is not None and process.stdout is not None
            writer = threading.Thread(target=self._write, args=(process.stdin,), daemon=True)
            writer.start()
            while (frame := read_frame(process.stdout)) is not None:
                self._receive(frame)
            process.stdout.close()
            self._outbox.put(None)
            code = process.wait()
            writer.join()
            with self._lock:
                self._process = None
            self.exit_code = code
            noise.seek(max(0, noise.seek(0, os.SEEK_END) - 2000))
            tail = noise.read().decode("utf-8", "replace").strip()
        self._ended(self, tail)

    def _start(self, noise: int) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).parents[2])  # where the package lies, installed or not
        paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        with self._lock:
            self._process = process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tierwise.models.llama_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=noise,
                env={**os.environ, "PYTHONPATH": paths},
                start_new_session=True,
            )
            if self.closing:
                process.kill()
        self.pid = process.pid
        return process

    def _write(self, pipe: IO[bytes]) -> None:
        plan = self._plan
        frame: Frame | None = {
            "op": "load",
            "path": plan.path,
            "n_ctx": plan.n_ctx,
            "n_threads": plan.n_threads,
            "adapt": plan.adapt,
            "safe_mode": self._safe_mode,
            "prefix_budget": plan.prefix_budget,
        }
        try:
            while frame is not None:
                write_frame(pipe, frame)
                frame = self._outbox.get()
        except OSError:
            log.debug("%s no longer reads", self.name)
        finally:
            try:
                pipe.close()
            except OSError:
                log.debug("%s has closed its pipe", self.name)

    def _receive(self, frame: Frame) -> None:
        match frame["event"]:
            case "failed":
                self.failure = _error(frame)
                return
            case "warning":
                log.warning("%s: %s", self.name, frame["text"])
                return
            case "delta" | "completed":
                self.produced = True
        last = frame["event"] in ("completed", "counts", "cancelled", "error")
        if call := self.calls.pop(frame["id"], None) if last else self.calls.get(frame["id"]):
            call.deliver(_error(frame) if frame["event"] == "error" else frame)


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
        self._child: _Child | None = None
        self._numbers = itertools.count(1)
        self._died: deque[float] = deque(maxlen=DEATHS)
        self._safe_mode = False

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
            ModelCrashed: if the process has died so often that it is left alone for a while.
        """
        with self._lock:
            if self._child is None:
                self._refuse_if_resting()
                self._child = _Child(self._name, self._plan, self._safe_mode, self._on_end)
            call = Call(next(self._numbers), request)
            self._submit(self._child, call)
            return call

    def cancel(self, call: Call) -> None:
        """Withdraw a request, if it has not ended; frames still on their way are dropped."""
        with self._lock:
            child = self._child
            if child is not None and child.calls.pop(call.number, None) is not None:
                child.send({"op": "cancel", "id": call.number})

    def close(self) -> None:
        """End the process; requests in flight fail, a later one starts it again."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.kill()

    def _submit(self, child: _Child, call: Call) -> None:
        child.calls[call.number] = call
        child.send({**call.request, "id": call.number})

    def _refuse_if_resting(self) -> None:
        now = time.monotonic()
        if len(self._died) == DEATHS and now - self._died[0] < WITHIN and now - self._died[-1] < REST:
            wait = REST - (now - self._died[-1])
            raise errors.ModelCrashed(
                f"The process of {self._name} died {DEATHS} times within five minutes, so it stays down for another "
                f"{wait:.0f} s.",
                fix="Use another tier meanwhile; if it keeps dying, use a smaller model or a smaller context_window.",
            )

    def _on_end(self, child: _Child, tail: str) -> None:
        with self._lock:
            if self._child is child:
                self._child = None
            calls, child.calls = list(child.calls.values()), {}
            if child.failure is None and not child.closing:
                if child.exit_code in _CPU_FAULTS and not child.produced and not self._safe_mode and calls:
                    log.warning("%s crashed in its first step; trying again without CPU-specific kernels", self._name)
                    self._safe_mode = True
                    self._child = _Child(self._name, self._plan, True, self._on_end)
                    for call in calls:
                        self._submit(self._child, call)
                    return
                self._died.append(time.monotonic())
        error = child.failure or _death(self._name, child, tail)
        for call in calls:
            call.deliver(error)


def _error(frame: Frame) -> errors.ModelError:
    kind = _ERRORS.get(frame["code"], errors.ModelError)
    return kind(frame["what"], fix=frame["fix"])


def _death(name: str, child: _Child, tail: str) -> errors.ModelError:
    if child.closing:
        return errors.ModelCrashed(f"{name} was closed while it worked.")
    code = child.exit_code or 0
    if code == -9:
        return errors.ModelCrashed(
            f"The process of {name} was killed while it worked, most often because memory ran out.",
            fix="Try again; if it happens again, use a smaller model or a smaller context_window.",
        )
    last = tail.splitlines()[-1].strip() if tail else ""
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return errors.ModelCrashed(
        f"The process of {name} died while it worked ({how}{': ' + last if last else ''}).",
        fix="Try again; if it happens again, the model file may be damaged.",
    )

"""One life of a model's process: starts it, feeds it, reads from it, notices that it hangs, reaps it."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from tierwise import errors
from tierwise.models.local.frames import Frame, encoded, read_frame, write_bytes
from tierwise.models.local.watchdog import Watchdog
from tierwise.redact import redact

log = logging.getLogger("tierwise.models")

_OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "insufficient memory")
_LESS_MEMORY = "Try again; if it happens again, use a smaller model or a smaller context_window."
_ERRORS = {
    kind.code: kind
    for kind in (
        errors.ModelError,
        errors.ModelFileError,
        errors.ContextTooLong,
        errors.ModelCrashed,
        errors.AdapterError,
    )
}
_REFUSED = {"code": errors.ModelError.code, "fix": "Send plain JSON values, and less at a time."}


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


class Child:
    """One life of the process: a thread that starts it, reads from it and reaps it, and a thread that writes to it.

    Args:
        name: how people call the model.
        load: the first frame, which says what to load.
        ended: called with this and the end of what the process printed, when it is over.
        pause: seconds to wait before the process is started.

    Attributes:
        calls: requests on their way, by number.
        produced: some of an answer was written.
        worked: a request was answered to its end.
        closing: it was ended on purpose.
        hung: it was ended because it said nothing any more.
        exit_code: how it ended.
        failure: why the model could not be loaded.
        pid: process id, once it runs.
    """

    def __init__(self, name: str, load: Frame, ended: Callable[[Child, str], None], pause: float = 0.0) -> None:
        self.name = name
        self.calls: dict[int, Call] = {}
        self.produced = self.worked = False
        self.closing = self.hung = False
        self.exit_code: int | None = None
        self.failure: errors.ModelError | None = None
        self.pid: int | None = None
        self._load, self._ended, self._pause = load, ended, pause
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._outbox: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._watchdog = Watchdog(lambda: bool(self.calls), self._hang)
        # Linux ties the child's life to the thread that starts it, so that is the one that stays with it to the end.
        threading.Thread(target=self._run, name=f"tierwise {name}", daemon=True).start()

    def submit(self, call: Call) -> None:
        """Send a request; never blocks."""
        self.calls[call.number] = call
        self.send({**call.request, "id": call.number})
        self._watchdog.wanted()

    def send(self, frame: Frame) -> None:
        """Queue a frame; never blocks."""
        self._outbox.put(frame)

    def kill(self) -> None:
        """End the process now."""
        self.closing = True
        self._closed.set()
        self._kill()

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None and self._process.returncode is None:
                self._process.kill()

    def _hang(self) -> None:
        log.warning("%s said nothing any more; its process is ended", self.name)
        self.hung = True
        self._kill()

    def _run(self) -> None:
        self._closed.wait(self._pause)
        with ExitStack() as stack:
            try:
                noise = stack.enter_context(tempfile.TemporaryFile())
                process = self._start(noise.fileno())
            except OSError as error:
                self.failure = errors.ModelError(f"The process of {self.name} cannot be started: {error}.")
                self._watchdog.stop()
                self._ended(self, "")
                return
            assert process.stdin is not None and process.stdout is not None
            writer = threading.Thread(target=self._write, args=(process.stdin,), daemon=True)
            writer.start()
            while (frame := read_frame(process.stdout)) is not None:
                self._receive(frame)
            process.stdout.close()
            self._watchdog.stop()
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
        root = str(Path(__file__).parents[3])  # where the package lies, installed or not
        paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        with self._lock:
            self._process = process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tierwise.models.local.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=noise,
                # Without the second, ggml calls a debugger before it aborts, whose words hide the reason.
                env={**os.environ, "PYTHONPATH": paths, "GGML_NO_BACKTRACE": "1"},
                start_new_session=True,
            )
            if self.closing:
                process.kill()
        self.pid = process.pid
        return process

    def _write(self, pipe: IO[bytes]) -> None:
        frame: Frame | None = self._load
        try:
            while frame is not None:
                try:
                    data = encoded(frame)
                except ValueError as error:
                    what = f"The request cannot be handed to {self.name}: {error}."
                    self._receive({"event": "error", "id": frame["id"], **_REFUSED, "what": what})
                else:
                    write_bytes(pipe, data)
                frame = self._outbox.get()
        except OSError:
            log.debug("%s no longer reads", self.name)
        finally:
            try:
                pipe.close()
            except OSError:
                log.debug("%s has closed its pipe", self.name)

    def _receive(self, frame: Frame) -> None:
        self._watchdog.heard()
        match frame["event"]:
            case "alive":
                return
            case "failed":
                self.failure = _error(frame)
                return
            case "warning":
                log.warning("%s: %s", self.name, frame["text"])
                return
            case "delta":
                self.produced = True
            case "completed" | "counts":
                self.worked = True
                self.produced = self.produced or frame["event"] == "completed"
        last = frame["event"] in ("completed", "counts", "cancelled", "error")
        if call := self.calls.pop(frame["id"], None) if last else self.calls.get(frame["id"]):
            call.deliver(_error(frame) if frame["event"] == "error" else frame)


def _error(frame: Frame) -> errors.ModelError:
    kind = _ERRORS.get(frame["code"], errors.ModelError)
    return kind(frame["what"], fix=frame["fix"])


def closed(name: str) -> errors.ModelError:
    """What it means for a request that the model was closed on purpose."""
    return errors.ModelCrashed(f"{name} was closed while it worked.")


def death(child: Child, tail: str) -> errors.ModelError:
    """What a process that ended by itself, or was ended, means for the requests it had."""
    name = child.name
    if child.closing:
        return closed(name)
    if child.hung:
        return errors.ModelCrashed(
            f"The process of {name} hung: it gave no sign of life any more, so it was ended.",
            fix="Try again; if it happens again, the machine is short of memory or the model file may be damaged.",
        )
    code = child.exit_code or 0
    if any(sign in tail for sign in _OUT_OF_MEMORY):
        return errors.ModelCrashed(f"The process of {name} ran out of memory while it worked.", fix=_LESS_MEMORY)
    if code == -9:
        return errors.ModelCrashed(
            f"The process of {name} was killed while it worked, most often because memory ran out.", fix=_LESS_MEMORY
        )
    last = redact(tail.splitlines()[-1].strip()) if tail.strip() else ""
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return errors.ModelCrashed(
        f"The process of {name} died while it worked ({how}{': ' + last if last else ''}).",
        fix="Try again; if it happens again, the model file may be damaged.",
    )

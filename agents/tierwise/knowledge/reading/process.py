"""Reads documents in a process of its own, so that a hostile or damaged one costs time and memory within limits."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import tierwise_tools
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.documents import check_size
from tierwise.knowledge.reading.frames import Head, as_problem, read_message, unpacked, write_message
from tierwise.knowledge.reading.isolation import Isolation
from tierwise.knowledge.reading.problem import Unreadable, one_line

MEMORY = 512 * 1024 * 1024
SECONDS = 20.0

_START = 60.0  # seconds: on a slow disk Python and its libraries take a while
_SIMPLER = "Split it, or save it in a simpler format, such as text."
_ENVIRONMENT = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "SYSTEMROOT", "TZ")

_Message = tuple[Head, bytes]


class ReaderProcess:
    """A process that reads documents, started with the first and kept for the next; replaced when it dies.

    It may have so much memory and take so long for each document; on Linux it can open no files but libraries, no
    connections, and start no programs (:meth:`isolation` says what is in force). Nothing that it answers is run. Safe
    from any thread: documents are read one at a time.

    Args:
        memory: bytes of address space.
        seconds: for one document, by the clock.
    """

    def __init__(self, *, memory: int = MEMORY, seconds: float = SECONDS) -> None:
        self._memory, self._seconds = memory, seconds
        self._lock = threading.Lock()
        self._child: _Child | None = None

    @property
    def pid(self) -> int | None:
        """The running process, if there is one."""
        child = self._child
        return child.pid if child else None

    def read(self, name: str, data: bytes) -> Document:
        """Read a document.

        Args:
            name: a path or another name whose ending tells what it is; becomes the document's ``path``.
            data: all of it.

        Raises:
            Unreadable: if it cannot be read, takes too long or too much memory, or the process dies of it.
        """
        check_size(data)
        with self._lock:
            child = self._started()
            try:
                answer = child.ask({"name": name}, data, self._seconds)
            except BaseException:  # such as Ctrl-C: its answer would be taken for that of the next document
                self._drop()
                raise
            if answer is None or answer[0].get("last"):
                self._drop()
            if answer is None:
                raise self._death(child)
            head, body = answer
            if head.get("exhausted"):
                raise self._exhausted()
            try:
                if problem := head.get("problem"):
                    raise as_problem(problem)
                return unpacked(name, head, body)
            except ValueError as error:
                self._drop()
                raise Unreadable("It cannot be read.", fix=_SIMPLER, original=str(error)) from error

    def isolation(self) -> Isolation:
        """What holds the process on this machine; starts it if it does not run.

        Raises:
            Unreadable: if it cannot be started.
        """
        with self._lock:
            return self._started().isolation

    def close(self) -> None:
        """End the process; another document would start another one."""
        with self._lock:
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def _started(self) -> _Child:
        if self._child is not None and self._child.is_alive:
            return self._child
        self._drop()
        self._child = child = _Child(self._memory, self._seconds)
        try:
            child.wait_until_ready()
        except BaseException:
            self._drop()
            raise
        return child

    def _drop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _death(self, child: _Child) -> Unreadable:
        code = child.code or 0
        if child.late or (hasattr(signal, "SIGALRM") and code == -signal.SIGALRM):
            return Unreadable(f"Reading it took more than {self._seconds:g} s, so it was ended.", fix=_SIMPLER)
        if hasattr(signal, "SIGKILL") and code == -signal.SIGKILL:
            return Unreadable("The process that read it was killed: memory ran out, it seems.", fix=_SIMPLER)
        try:
            how = signal.Signals(-code).name
        except ValueError:
            how = f"exit code {code}"
        memory = f"{self._memory / 2**20:.0f} MB of memory"  # a library that gets no more may end the process
        return Unreadable(
            f"The process that read it crashed: it is damaged, or takes more than {memory}.",
            fix="Open it with the program that made it and save it again.",
            original=how,
        )

    def _exhausted(self) -> Unreadable:
        return Unreadable(f"Reading it takes more than {self._memory / 2**20:.0f} MB of memory.", fix=_SIMPLER)


class _Child:
    """One life of the process, in the hands of a thread that starts it and stays until it ends.

    Linux ties the life of a process to the thread that started it, and that must be none of those who only ask.
    """

    def __init__(self, memory: int, seconds: float) -> None:
        self.isolation = Isolation(False, False, False)
        self.ended = threading.Event()
        self.late = False
        self.code: int | None = None
        self.pid: int | None = None
        self._arguments = [str(memory), str(seconds)]
        self._said = ""  # what it printed before it was ready
        self._requests: queue.SimpleQueue[_Message | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[_Message | None] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        threading.Thread(target=self._live, name="tierwise reader", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked; it may have been killed while nobody did."""
        return not self.ended.is_set() and self._process is not None and self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait for its first word.

        Raises:
            Unreadable: if it cannot be started.
        """
        try:
            answer = self._answers.get(timeout=_START)
            if answer is not None:
                ready = answer[0]["ready"]
                self.isolation = Isolation(**ready | {"missing": tuple(ready["missing"])})
                return
        except queue.Empty:
            self._said = f"it said nothing for {_START:g} s"
        raise Unreadable(
            "The process that reads documents cannot be started.",
            fix="See `tierwise doctor`, and whether memory is left.",
            original=self._said or f"exit code {self.code}",
        )

    def ask(self, head: Head, body: bytes, seconds: float) -> _Message | None:
        """Its answer; ``None`` if it died, also because it was ``late`` and ended for that."""
        self._requests.put((head, body))
        with contextlib.suppress(queue.Empty):
            return self._answers.get(timeout=seconds)
        self.late = True
        self.end()
        return None

    def end(self) -> None:
        """End it, and wait until it is gone."""
        self._requests.put(None)
        process = self._process
        if process is not None:
            process.kill()
        self.ended.wait()

    def _live(self) -> None:
        try:
            process = self._start()
        except OSError as error:
            self._said = str(error)
            self.ended.set()
            self._answers.put(None)
            return
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        try:
            answer = read_message(process.stdout)
            while answer is not None:
                self._answers.put(answer)
                if (request := self._requests.get()) is None:
                    break
                write_message(process.stdin, request[0], (request[1],))
                answer = read_message(process.stdout)
        except OSError:  # it died while it was written to
            answer = None
        finally:
            self._reap(process)
        if answer is None:
            self._answers.put(None)

    def _reap(self, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1 if self._requests.empty() else 0)
        process.kill()
        self.code = process.wait()
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        self._said = one_line(process.stderr.read(4000).decode("utf-8", "replace")[-1000:])
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                pipe.close()
        self.ended.set()

    def _start(self) -> subprocess.Popen[bytes]:
        roots = (Path(__file__).parents[3], Path(tierwise_tools.__file__).parents[1])  # where the packages lie
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        environment |= {"PYTHONPATH": os.pathsep.join(dict.fromkeys(map(str, roots))), "MALLOC_ARENA_MAX": "1"}
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._process = process = subprocess.Popen(
            [sys.executable, "-P", "-B", "-X", "utf8", "-m", "tierwise.knowledge.reading.worker", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,  # nothing else of it: keys stand there
            cwd=Path(sys.prefix).anchor,
            start_new_session=True,
        )
        self.pid = process.pid
        return process


def reading_isolation() -> Isolation:
    """What holds the process that reads documents on this machine.

    Raises:
        Unreadable: if it cannot be started.
    """
    with ReaderProcess() as reader:
        return reader.isolation()

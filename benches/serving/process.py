"""``tierwise serve`` as a process with a home of its own, and what it takes."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import psutil

from benches.app_process import free_port

_STARTING = 90.0  # seconds; far more than it takes, for machines that are busy


@dataclass(frozen=True)
class Weight:
    """What a server and its children take.

    Attributes:
        mb: resident memory.
        cpu: seconds, of user and system.
        clients: connections of clients to the server.
        tiers: its own connections to hosted tiers, those that are kept for the next request included.
        files: its descriptors beside these.
        processes: its children.
    """

    mb: float
    cpu: float
    clients: int
    tiers: int
    files: int
    processes: int

    def leaked(self, before: Weight) -> dict[str, int]:
        """What there is more of than before, of what has to go with a client."""
        names = ("clients", "files", "processes")
        return {n: getattr(self, n) - getattr(before, n) for n in names if getattr(self, n) > getattr(before, n)}


@dataclass
class ServeProcess:
    """The server.

    Attributes:
        folder: a folder of ours; the home is made in it, and the process works there.
        config: what ``tierwise.toml`` says, beside the port.
        env: more environment.
        port: where it listens, the same after it was killed and started again.
    """

    folder: Path
    config: str
    env: dict[str, str] = field(default_factory=dict)
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.home / "tierwise.toml").write_text(self.config, encoding="utf-8")
        self.port = self.port or free_port()

    @property
    def home(self) -> Path:
        """The folder of its stores."""
        return self.folder / "home"

    @property
    def url(self) -> str:
        """The base URL for clients that speak the OpenAI API."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def log(self) -> str:
        """What it has printed so far."""
        path = self.folder / "serve.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> ServeProcess:
        """Start it, and wait until it answers."""
        env = {**os.environ, "TIERWISE_HOME": str(self.home), "TIERWISE_THREADS": "1", **self.env}
        for name in ("TIERWISE_CONFIG", "OPENAI_API_KEY"):
            if name not in self.env:
                env.pop(name, None)
        with (self.folder / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tierwise_app", "serve", "--port", str(self.port)],
                cwd=self.folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + _STARTING
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended at once:\n{self.log}")
            if time.monotonic() > until:
                raise RuntimeError(f"the server did not answer in {_STARTING:.0f} s:\n{self.log}")
            time.sleep(0.05)
        return self

    def kill(self) -> None:
        """SIGKILL, without a word."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=20)
        self._process = None

    def stop(self) -> int:
        """SIGTERM: the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            code = self._process.wait(timeout=10)
        self._process = None
        return code

    def weight(self) -> Weight:
        """What it takes now."""
        server = psutil.Process(self.pid)
        children = server.children(recursive=True)
        mb, cpu = 0.0, 0.0
        for one in (server, *children):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                mb += one.memory_info().rss / 1e6
                cpu += times.user + times.system
        sockets = [one for one in server.net_connections("tcp") if one.raddr]
        clients = sum(one.laddr.port == self.port for one in sockets)
        files = server.num_fds() - len(sockets)
        return Weight(mb, cpu, clients, len(sockets) - clients, files, len(children))

    def __enter__(self) -> ServeProcess:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._process is not None:
            self.stop()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

"""A command of ours that goes on until it is ended, as a process with a home of its own."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from benches.ports import free_port

_STARTING = 90.0  # seconds; far more than it takes, for machines that are busy


@dataclass
class CommandProcess:
    """``tierwise COMMAND --port PORT``.

    Attributes:
        folder: a folder of ours; the home is made in it, and the process works there.
        config: what ``tierwise.toml`` says.
        env: more environment.
        port: where it listens, the same after it was ended and started again.
        words: of the command.
        health: the address that answers once it is there.
        without: variables that it does not get, unless ``env`` has them.
    """

    words: ClassVar[Sequence[str]]
    health: ClassVar[str]
    without: ClassVar[Sequence[str]] = ("TIERWISE_CONFIG",)

    folder: Path
    config: str = ""
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
    def log(self) -> str:
        """What it has printed so far."""
        path = self.folder / f"{self.words[0]}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Start it, and wait until it answers."""
        env = {name: value for name, value in os.environ.items() if name not in self.without}
        env |= {"TIERWISE_HOME": str(self.home), "TIERWISE_THREADS": "1", **self.env}
        with (self.folder / f"{self.words[0]}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tierwise_app", *self.words, "--port", str(self.port)],
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
                raise RuntimeError(f"it ended at once:\n{self.log}")
            if time.monotonic() > until:
                raise RuntimeError(f"it did not answer in {_STARTING:.0f} s:\n{self.log}")
            time.sleep(0.05)
        return self

    def end(self, how: signal.Signals = signal.SIGINT, *, seconds: float = 20) -> int | None:
        """End it, as Ctrl-C does or harder.

        Returns:
            The exit code; ``None`` if it did not run.
        """
        if self._process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, how)
        try:
            code = self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            code = self._process.wait(timeout=10)
        self._process = None
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.end()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", self.health)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

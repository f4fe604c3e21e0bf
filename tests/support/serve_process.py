"""``tierwise serve`` as a program of its own, over a hosted tier on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2


class ServeProcess:
    """A running ``tierwise serve``; ``url`` is without ``/v1``, ``client`` has it set.

    Args:
        home: its home.
        config: its configuration.
        words: more of its command line.
        first: a line of Python that its process runs before.
    """

    def __init__(self, home: Path, config: Path | None = None, *words: str, first: str = "") -> None:
        given = [] if config is None else ["--config", str(config)]
        code = f"{first}\nfrom tierwise_app.cli import main\nmain()"
        program = ["-c", code] if first else ["-m", "tierwise_app"]
        self.log = home / f"serve-{os.urandom(4).hex()}.log"
        home.mkdir(exist_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *program, *given, "serve", "--port", "0", "--json", *words],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "TIERWISE_HOME": str(home), "TIERWISE_THREADS": "1"},
            )
        self.client = httpx2.Client(timeout=120)
        said = b""
        assert self.process.stdout is not None
        while not said.endswith(b"\n}\n"):
            line = self.process.stdout.readline()
            assert line, f"it ended: {self.log.read_text()}"
            said += line
        self.told = json.loads(said)
        self.url = self.told["url"].removesuffix("/v1")
        self.client.base_url = self.url

    def end(self, number: int = signal.SIGTERM, seconds: float = 60) -> int:
        """Send a signal and wait; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
        self.client.close()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def serve_process(home: Path, config: Path | None = None, *words: str, first: str = "") -> Iterator[ServeProcess]:
    """Start one, and kill it if it is still there at the end."""
    server = ServeProcess(home, config, *words, first=first)
    try:
        yield server
    finally:
        server.close()


def hosted_config(path: Path, base_url: str, more: str = "") -> Path:
    """A configuration with one tier, at a loopback server."""
    tier = f'[[tiers]]\nname = "far"\nmodel = "openai:scripted"\nbase_url = "{base_url}"\ncontext_window = 8192\n'
    path.write_text(f"{more}\n{tier}")
    return path

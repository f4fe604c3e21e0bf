"""The real app as a process, tiers of ours behind real HTTP, and a browser: for benches, tests and pictures."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from tierwise.models import ChatRequest
from tierwise.testing import LoopbackServer, ScriptedModel, Step

Answering = Callable[[ChatRequest], str | Step]
PRICE = "price = { input = 2.5, output = 10.0 }"
_STARTING = 90.0  # seconds; far more than it takes, for machines that are busy


def embedded(max_tokens: int = 48) -> str:
    """The entry of the embedded model as the tier ``quick``."""
    return f'[[tiers]]\nname = "quick"\nmodel = "llama:smollm2-135m"\nmax_tokens = {max_tokens}\n'


class Served:
    """A tier whose answers are ours, behind a real HTTP server on this machine.

    Args:
        name: of the tier.
        answer: gives the answer to each request; may be put in at any time.
        model: what it is called.
        on_device: what its entry says.
        priced: its entry has a price.

    Attributes:
        server: the server, with every request that it got.
    """

    def __init__(
        self, name: str, answer: Answering, *, model: str = "", on_device: bool = False, priced: bool = True
    ) -> None:
        self.name = name
        self.model = model or f"scripted-{name}"
        self.answer = answer
        self.on_device = on_device
        self.priced = priced
        self.server = LoopbackServer(
            ScriptedModel([lambda request: self.answer(request)], name=self.model, repeat=True)
        )

    @property
    def entry(self) -> str:
        """Its section of a configuration file."""
        return (
            f'[[tiers]]\nname = "{self.name}"\nmodel = "openai:{self.model}"\nbase_url = "{self.server.url}"\n'
            f"on_device = {str(self.on_device).lower()}\n" + (f"{PRICE}\n" if self.priced else "")
        )

    @property
    def heard(self) -> str:
        """All that it was ever sent, as text."""
        return "\n".join(map(str, self.server.requests))


@dataclass
class AppProcess:
    """``tierwise app`` with a home and a configuration of its own.

    Attributes:
        folder: a folder of ours; the home is made in it, and the process works there.
        config: what ``tierwise.toml`` says.
        env: more environment.
        port: where it listens.
        log: what it printed.
    """

    folder: Path
    config: str = ""
    env: dict[str, str] = field(default_factory=dict)
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.home / "tierwise.toml").write_text(self.config, encoding="utf-8")

    @property
    def home(self) -> Path:
        """The folder of its stores."""
        return self.folder / "home"

    @property
    def log(self) -> str:
        """What it has printed so far."""
        path = self.folder / "app.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def url(self, page: str = "", **query: str) -> str:
        """The address of a page."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return f"http://127.0.0.1:{self.port}/{page}" + (f"?{asked}" if asked else "")

    def start(self) -> AppProcess:
        """Start it, and wait until it answers; at the same port as before if it ran already."""
        self.port = self.port or free_port()
        env = {**os.environ, "TIERWISE_HOME": str(self.home), "TIERWISE_THREADS": "1", **self.env}
        env.pop("TIERWISE_CONFIG", None)
        with (self.folder / "app.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tierwise_app", "app", "--no-browser", "--port", str(self.port)],
                cwd=self.folder,
                env=env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_it_answers()
        return self

    def end(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it, as Ctrl-C does or harder."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if how is signal.SIGKILL:  # with what it started: the model's own process would else see to itself
                os.kill(self._process.pid, how)
            else:
                self._process.send_signal(how)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=10)
        self._process = None

    def __enter__(self) -> AppProcess:
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.end()

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        until = time.monotonic() + _STARTING
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(f"the app ended at once:\n{self.log}")
            if self._answers():
                return
            time.sleep(0.05)
        raise RuntimeError(f"the app did not answer in {_STARTING:.0f} s:\n{self.log}")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/_stcore/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def chromium() -> str | None:
    """Where a Chromium is, if there is one; ``TIERWISE_CHROMIUM`` names another."""
    named = os.environ.get("TIERWISE_CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextlib.contextmanager
def browser() -> Iterator[object]:
    """A Chromium without a window, as a Playwright ``Browser``.

    Raises:
        FileNotFoundError: if there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        raise FileNotFoundError("No chromium is on the path; set TIERWISE_CHROMIUM.")
    with sync_playwright() as playwright:
        # /dev/shm is small in containers; a page that runs out of it crashes.
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield found
        finally:
            found.close()

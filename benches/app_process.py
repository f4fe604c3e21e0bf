"""The real app as a process, tiers of ours behind real HTTP, and a browser: for benches, tests and pictures."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator

from benches.command_process import CommandProcess
from tierwise.models import ChatRequest
from tierwise.testing import LoopbackServer, ScriptedModel, Step

Answering = Callable[[ChatRequest], str | Step]
PRICE = "price = { input = 2.5, output = 10.0 }"


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


class AppProcess(CommandProcess):
    """``tierwise app`` with a home and a configuration of its own."""

    words = ("app", "--no-browser")
    health = "/_stcore/health"

    def url(self, page: str = "", **query: str) -> str:
        """The address of a page."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return f"http://127.0.0.1:{self.port}/{page}" + (f"?{asked}" if asked else "")


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

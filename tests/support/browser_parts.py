"""A window of the browser at the app, and what a person does in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benches.app_process import AppProcess
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

_OURS = "127.0.0.1"
# What a window does when it is closed, or left, in the middle of loading something.
_LEFT = ("net::ERR_ABORTED",)
# Streamlit's page looks for its server below the address it was opened at, before it looks above.
_LOOKED_FOR = re.compile(r"/\w+/_stcore/(health|host-config)")
_SOON, _ANSWER = 60_000, 120_000  # ms; far more than it takes, for machines that are busy
expect.set_options(timeout=_SOON)


@dataclass
class Window:
    """A window with a browser profile of its own.

    Attributes:
        app: the server.
        page: Playwright's page.
        wrong: what went wrong in it.
    """

    app: AppProcess
    page: Page
    context: BrowserContext
    wrong: list[str] = field(default_factory=list)

    @classmethod
    def open(
        cls, chrome: Browser, app: AppProcess, page: str = "", *, width: int = 1280, scheme: str = "light", **query: str
    ) -> Window:
        """Open the app at a page and wait until it is drawn."""
        context = chrome.new_context(
            viewport={"width": width, "height": 860 if width > 500 else 844},
            color_scheme="dark" if scheme == "dark" else "light",
            accept_downloads=True,
        )
        context.set_default_timeout(_SOON)
        window = cls(app, context.new_page(), context)
        window._listen()
        window.go(page, **query)
        return window

    def go(self, page: str = "", **query: str) -> None:
        """Go to a page, as by typing its address."""
        self.page.goto(self.app.url(page, **query))
        self.drawn()

    def reload(self) -> None:
        """Load the page anew."""
        self.page.reload()
        self.drawn()

    def drawn(self) -> None:
        """Wait until the page's script has run to its end."""
        expect(self.page.locator("[data-testid=stApp]")).to_have_attribute("data-test-script-state", "notRunning")

    def ask(self, question: str, *, tier: str | None = None, files: Sequence[Path] = (), wait: bool = True) -> None:
        """Type a question, send it, and see it in the thread.

        Args:
            question: what to ask.
            tier: who is to answer, as the control beside the input names it.
            files: to send with it.
            wait: until the answer is there with what can be done with it.
        """
        if tier is not None:
            self.page.get_by_role("radio", name=tier).click()
            self.drawn()
        if files:
            self.page.locator("[data-testid=stChatInput] input[type=file]").set_input_files(files)
            expect(self.page.get_by_test_id("stFileChipName")).to_have_count(len(files))
            expect(self.page.get_by_test_id("stFileChipIconSpinner")).to_have_count(0)
        self.input.fill(question)
        self.input.press("Enter")
        expect(self.messages.nth(-2)).to_contain_text(question[:80])
        if wait:
            self.answered()

    def answered(self) -> None:
        """Wait until nothing runs in the thread, and the newest turn shows what can be done with it."""
        expect(self.messages.last.get_by_role("button", name="Again")).to_be_enabled(timeout=_ANSWER)
        self.drawn()

    @property
    def input(self) -> Locator:
        """Where a message is written."""
        return self.page.get_by_test_id("stChatInputTextArea")

    @property
    def messages(self) -> Locator:
        """The messages of the thread."""
        return self.page.get_by_test_id("stChatMessage")

    @property
    def dialog(self) -> Locator:
        """The open dialog."""
        return self.page.get_by_role("dialog")

    @property
    def thread(self) -> str:
        """The open thread, from the address."""
        return parse_qs(urlsplit(self.page.url).query).get("thread", [""])[0]

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """The button whose label holds these words; of several, the last on the page."""
        return self.page.get_by_role("button", name=name).last

    def sees(self, text: str | re.Pattern[str]) -> None:
        """Wait until a text can be seen."""
        expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible()

    def sees_not(self, text: str | re.Pattern[str]) -> None:
        """Wait until a text can be seen nowhere."""
        expect(self.page.get_by_text(text).locator("visible=true")).to_have_count(0)

    def still(self) -> None:
        """Wait until what moves or fades has come to its end; what goes round for ever does not count."""
        self.page.evaluate(_STILL)

    def overflow(self) -> list[str]:
        """What sticks out of the window to the right, outermost first; what scrolls in itself does not count."""
        self.still()
        found: list[str] = self.page.evaluate(_OVERFLOW)
        return found

    def check(self) -> None:
        """Fail if anything went wrong.

        Raises:
            AssertionError: naming what did.
        """
        assert not self.wrong, "\n".join(self.wrong)

    def close(self) -> None:
        """Close it."""
        self.context.close()

    def _listen(self) -> None:
        page, wrong = self.page, self.wrong
        page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
        page.on("console", lambda said: self._said(said) if said.type == "error" else None)
        page.on("requestfailed", lambda request: self._failed(request))
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))

    def _said(self, said: Any) -> None:
        where = said.location.get("url", "")
        if not _LOOKED_FOR.fullmatch(urlsplit(where).path):
            self.wrong.append(f"console: {said.text} ({where})")

    def _failed(self, request: Any) -> None:
        if request.failure not in _LEFT:
            self.wrong.append(f"request failed: {request.url}: {request.failure}")

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and (parts.hostname, parts.port) != (_OURS, self.app.port):
            self.wrong.append(f"asked elsewhere: {url}")


def words_of(locator: Locator) -> str:
    """What can be read in a part of the page, on one line."""
    return " ".join(locator.inner_text().split())


_STILL = """() => Promise.all(
  document.getAnimations()
    .filter((one) => one.playState === 'running' && one.effect && one.effect.getComputedTiming().endTime < 10000)
    .map((one) => one.finished.catch(() => null))
).then(() => null)"""
_OVERFLOW = """() => {
  const wide = document.documentElement.clientWidth;
  const found = [];
  const scrolls = (one) => {
    for (let at = one.parentElement; at; at = at.parentElement) {
      const how = getComputedStyle(at).overflowX;
      if ((how === 'auto' || how === 'scroll' || how === 'hidden' || how === 'clip') &&
          at.getBoundingClientRect().right <= wide + 1) return true;
    }
    return false;
  };
  if (document.documentElement.scrollWidth > wide + 1) found.push('the page itself scrolls sideways');
  for (const one of document.querySelectorAll('[data-testid=stMain] *, [data-testid=stBottom] *')) {
    const box = one.getBoundingClientRect();
    if (box.width && box.right > wide + 1 && !scrolls(one))
      found.push(`${one.tagName} ${one.dataset.testid || one.className} to ${Math.round(box.right)}`);
  }
  return found.slice(0, 5);
}"""

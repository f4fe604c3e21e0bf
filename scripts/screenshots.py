"""Pictures of the app for README and docs, from the app itself: ``python -m scripts.screenshots [NAME ...]``.

It starts the app on a home of its own (see ``made_home``) with the embedded model and, for the larger tier, a server on
this machine whose answers are written down, and writes ``docs/images/NAME.png``. It needs a Chromium and Pillow.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benches.app_process import AppProcess, Served, browser, embedded
from PIL import Image
from playwright.sync_api import Page, expect
from scripts import made_home

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
WIDE, PHONE = (1280, 860), (390, 844)
_LARGEST = 250_000  # bytes
expect.set_options(timeout=60_000)


def drawn(page: Page) -> None:
    """Wait until the page's script has run and nothing moves any more."""
    expect(page.locator("[data-testid=stApp]")).to_have_attribute("data-test-script-state", "notRunning")
    page.mouse.move(640, 4)
    page.wait_for_timeout(900)


def chat(page: Page) -> None:
    """An answer that went up, with its reasons."""
    page.get_by_text("Why this answer?").last.click()
    expect(page.get_by_text("Who tried")).to_be_visible()
    page.get_by_test_id("stChatMessage").last.evaluate("one => one.scrollIntoView({block: 'start'})")


def cited(page: Page) -> None:
    """A cited answer with the passage where it stands."""
    page.get_by_role("button", name=re.compile(r"\[1\]")).first.click()
    expect(page.get_by_role("dialog").get_by_text("The answer stands on the marked words")).to_be_visible()


def send(page: Page) -> None:
    """What would leave, before it does."""
    _ask(page, made_home.SEND)
    expect(page.get_by_role("dialog").get_by_text("This is the whole request.")).to_be_visible()


def approve(page: Page) -> None:
    """A tool that asks."""
    _ask(page, made_home.NOTE)
    page.get_by_role("dialog").get_by_role("button", name="Send to deep").click()
    expect(page.get_by_role("dialog").get_by_text("A tool asks for your yes")).to_be_visible()


def economy(page: Page) -> None:
    """What another setting would have done."""
    page.get_by_role("radio", name="Economy").click()
    page.wait_for_timeout(1500)


def waited(page: Page) -> None:
    """A page whose figures are there."""
    page.wait_for_timeout(1500)


def _ask(page: Page, question: str) -> None:
    page.get_by_role("radio", name="Deep").click()
    drawn(page)
    page.get_by_test_id("stChatInputTextArea").fill(question)
    page.get_by_test_id("stChatInputTextArea").press("Enter")


# Name: the page, its query, the look, the size, what is done on it first.
PICTURES: dict[str, tuple[str, dict[str, str], str, tuple[int, int], Callable[[Page], None]]] = {
    "chat-light": ("", {"thread": "trail"}, "light", WIDE, chat),
    "chat-dark": ("", {"thread": "trail"}, "dark", WIDE, chat),
    "chat-phone": ("", {"thread": "flat"}, "light", PHONE, waited),
    "cited": ("", {"thread": "flat"}, "light", WIDE, cited),
    "locked": ("", {"thread": "machine"}, "light", WIDE, waited),
    "what-leaves": ("", {}, "light", WIDE, send),
    "approval": ("", {}, "dark", WIDE, approve),
    "knowledge": ("knowledge", {}, "light", WIDE, waited),
    "models": ("models", {}, "light", WIDE, waited),
    "lab": ("lab", {}, "light", WIDE, economy),
    "insights": ("insights", {}, "dark", WIDE, waited),
    "insights-phone": ("insights", {}, "light", PHONE, waited),
}


def take(chrome: Any, app: AppProcess, name: str) -> None:
    """Take one picture."""
    where, query, scheme, (width, height), prepare = PICTURES[name]
    context = chrome.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1, reduced_motion="reduce"
    )
    try:
        page = context.new_page()
        page.goto(app.url(where, **query))
        expect(page.get_by_test_id("stMain").get_by_role("heading").first).to_be_visible()
        drawn(page)
        prepare(page)
        drawn(page)
        path = IMAGES / f"{name}.png"
        page.screenshot(path=path)
        whole = Image.open(path).convert("RGB")
        whole.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)
        size = path.stat().st_size
        print(f"{path.name}: {size / 1000:.0f} kB" + (" TOO LARGE" if size > _LARGEST else ""))
    finally:
        context.close()


def main(names: list[str]) -> int:
    """Take all pictures, or those named."""
    if unknown := [name for name in names if name not in PICTURES]:
        print(f"There is no picture {unknown[0]!r}; there are: {', '.join(PICTURES)}.", file=sys.stderr)
        return 2
    IMAGES.mkdir(parents=True, exist_ok=True)
    deep = Served("deep", made_home.deep_answer, model="large")
    with tempfile.TemporaryDirectory(prefix="tierwise-") as folder:
        (Path(folder) / "files").mkdir()
        config = (
            f"{embedded(160)}{deep.entry}[budget]\nmonth = 5.0\n"
            '[tools]\nroot = "../files"\nenabled = ["calculator", "clock", "search_knowledge", "write_file"]\n'
        )
        app = AppProcess(Path(folder), config, {"HOME": folder})  # papers of a made-up person, in her home
        (app.home / "app.json").write_text('{"welcomed": true}', encoding="utf-8")
        made_home.fill(app.home)
        with app, browser() as chrome:
            for name in names or PICTURES:
                take(chrome, app, name)
    deep.server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

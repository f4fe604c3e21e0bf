"""The chat page in a real browser: the first visible change after send, the work a streamed token costs, a long thread.

The tiers answer from a script, so what is measured is the page. Needs a Chromium and playwright.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benches.app_process import AppProcess, Served, browser, chromium
from tierwise.record import Record
from tierwise.testing import Step
from tierwise.turns import Attempt, DecisionRecord
from tierwise.types import Reason, Usage

LENGTHS = (1, 20, 200)  # turns of the thread
SENDS = 20
WORDS, PACE = 150, 0.06  # of a streamed answer; about as fast as a small model on two cores
_TEXT = " ".join(f"word{n}" for n in range(WORDS))
# Stamps, seen from the press of the key, when the input first says that an answer is under way, and when the page first
# shows the question as a message. That the input is emptied, which the browser does by itself, does not count.
_WATCH = """(question) => {
  window.sent = window.busy = window.seen = 0;
  const input = () => document.querySelector('[data-testid=stChatInputTextArea]');
  const ready = input().placeholder;
  input().addEventListener('keydown', (event) => { if (event.key === 'Enter') window.sent = performance.now(); },
                           {capture: true, once: true});
  const look = () => {
    if (!window.sent) return;
    if (!window.busy && input().placeholder !== ready) window.busy = performance.now();
    if (!window.seen && [...document.querySelectorAll('[data-testid=stChatMessage]')]
        .some((one) => one.innerText.includes(question))) {
      window.seen = performance.now();
      watcher.disconnect();
    }
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document.body, {childList: true, subtree: true, characterData: true, attributes: true});
}"""


@dataclass
class Traffic:
    """What the server sent to a page."""

    bytes: int = 0

    def listen(self, page: Any) -> None:
        def count(frame: Any) -> None:
            self.bytes += len(frame) if isinstance(frame, bytes) else len(str(frame).encode())

        page.on("websocket", lambda socket: socket.on("framereceived", count))


def main() -> int:
    if chromium() is None:
        print("No chromium is on the path; set TIERWISE_CHROMIUM.", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tierwise-")))
        quick = Served("quick", _answer, on_device=True, priced=False)
        stack.callback(quick.server.close)
        app = AppProcess(folder, quick.entry)
        (app.home / "app.json").write_text('{"welcomed": true}', encoding="utf-8")
        for length in LENGTHS:
            fill(app.home, f"made-{length}", length)
        chrome: Any = stack.enter_context(browser())
        stack.enter_context(app)
        _open(chrome, app, "made-1")[0].context.close()  # the first page of a server imports what all need
        print(f"The chat page in Chromium; {psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}\n")
        _sends(chrome, app)
        _tokens(chrome, app)
        _opens(chrome, app)
    return 0


def fill(home: Path, thread: str, turns: int) -> None:
    """Write a thread of so many turns to the record."""
    usage = Usage(prompt_tokens=400, completion_tokens=60)
    text = "An answer of a made-up thread. " * 8
    attempt = Attempt(1, "quick", "openai:scripted-quick", "scripted-quick", "accepted", text=text, usage=usage)
    with closing(Record(home)) as record:
        for n in range(turns):
            asked = f"Question {n} of a made-up thread?"
            begun = DecisionRecord(f"{thread}-{n}", thread, asked, "running", time.time() - 60 * (turns - n))
            record.start(begun)
            record.finish(
                DecisionRecord(
                    begun.turn_id, thread, asked, "done", begun.created, chosen="quick", final="quick", stage="pre",
                    text=text, reasons=(Reason("only_tier", "There is one tier"),), attempts=(attempt,), usage=usage,
                    ms={"total": 900.0},
                )
            )  # fmt: skip


def _answer(request: Any) -> Step:
    return Step(_TEXT, delay=PACE) if "slowly" in request.messages[-1].content else Step("Yes.")


def _open(chrome: Any, app: AppProcess, thread: str) -> tuple[Any, float]:
    """A window at a thread, and the seconds until its newest turn was there with its buttons."""
    page = chrome.new_context(viewport={"width": 1280, "height": 860}).new_page()
    started = time.perf_counter()
    page.goto(app.url(thread=thread))
    _answered(page)
    return page, time.perf_counter() - started


def _answered(page: Any) -> None:
    page.get_by_test_id("stChatMessage").last.get_by_role("button", name="Again").wait_for(timeout=60_000)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)


def _send(page: Any, question: str) -> None:
    page.get_by_test_id("stChatInputTextArea").fill(question)
    page.get_by_test_id("stChatInputTextArea").press("Enter")


def _sends(chrome: Any, app: AppProcess) -> None:
    page, _ = _open(chrome, app, "made-20")
    first, shown = [], []
    for n in range(SENDS):
        question = f"Is this number {n}?"
        page.evaluate(_WATCH, question)
        _send(page, question)
        page.wait_for_function("window.seen > 0", timeout=60_000)
        sent, busy, seen = page.evaluate("[window.sent, window.busy, window.seen]")
        first.append(min(busy or seen, seen) - sent)
        shown.append(seen - sent)
        page.get_by_text(question).first.wait_for()
        _answered(page)
    page.context.close()
    print(f"After send, {SENDS} sends in a thread of 20 turns, ms: median, fastest, slowest (bar: first change <= 300)")
    for label, took in (("the input says so", first), ("the question stands in the thread", shown)):
        print(f"  {label:34} {statistics.median(took):6.0f} {min(took):6.0f} {max(took):6.0f}")
    print()


def _tokens(chrome: Any, app: AppProcess) -> None:
    print(f"Page work for a streamed answer of {WORDS} tokens at {1 / PACE:.0f} tokens/s (bar: flat over the turns)")
    print("  turns of the thread   server CPU ms/token   bytes to the page/token")
    process = psutil.Process(app.pid)
    for length in LENGTHS:
        page, _ = _open(chrome, app, f"made-{length}")
        traffic = Traffic()
        traffic.listen(page)
        page.reload()  # a connection is heard from its beginning only
        _answered(page)
        _send(page, f"Tell it slowly to {length}.")
        page.get_by_text("word1 ", exact=False).last.wait_for()
        cpu, sent = _cpu(process), traffic.bytes
        page.get_by_text(f"word{WORDS - 30}", exact=False).last.wait_for(timeout=60_000)
        tokens = WORDS - 30
        print(
            f"  {length:19}   {1000 * (_cpu(process) - cpu) / tokens:19.1f}   {(traffic.bytes - sent) / tokens:23.0f}"
        )
        _answered(page)
        page.context.close()
    print()


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _opens(chrome: Any, app: AppProcess) -> None:
    print("Opening a thread in a new window, until its newest turn can be used, median of 5")
    for length in LENGTHS:
        took = []
        for _ in range(5):
            page, seconds = _open(chrome, app, f"made-{length}")
            took.append(seconds)
            page.context.close()
        print(f"  {length:3} turns: {1000 * statistics.median(took):.0f} ms")


if __name__ == "__main__":
    sys.exit(main())

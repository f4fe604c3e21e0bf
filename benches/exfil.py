"""Answers that want to carry data out of the page: does anything leave, does anything run?

    python -m benches.exfil CASES.jsonl [--way app|bare|html] [--headers yes|no]

A row of CASES has ``id``, ``kind`` (``benign`` or a way out), ``output``, the answer's text. The hosts in it end in
``.invalid``; in the browser they are a server on loopback, which counts what it is asked for. ``SECRET`` is what must
not arrive.

There are two nets. The app writes an answer's Markdown anew, so that nothing in it comes alive; and the server's
headers forbid the page to load anything from elsewhere. Each is measured alone, both together, and neither, which
shows what would leave without them: once as Streamlit's bare Markdown, and once with HTML let through, which the app
never does and headers cannot make safe, since a page may always be left for another. ``--way`` and ``--headers`` pick
one of the six.

Bars, with either net and no HTML let through: requests 0, scripts run 0. With the first: benign rows shown unchanged,
and no link whose address is not to be read.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

from markdown_it import MarkdownIt

from benches import exfil_page
from benches.ports import free_port
from tierwise_app.web.answer.markdown import safe_markdown

CHROMIUM = "/usr/bin/chromium"
_STARTING = _DRAWING = 120.0  # seconds; far more than it takes, for machines that are busy
ACTIVE = "img, iframe, script, base, meta, object, embed, form, input, details, svg image, video, audio, style, link"


class Collector(BaseHTTPRequestHandler):
    asked: list[str]

    def _keep(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        self.send_response(200)
        self.send_header("access-control-allow-origin", "*")
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = do_HEAD = do_OPTIONS = _keep  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def collector() -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Counted", (Collector,), {"asked": asked}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def page_server(cases: Path, way: str, headers: str) -> Iterator[str]:
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        env = {
            **os.environ,
            "TIERWISE_HOME": home,
            exfil_page.CASES: str(cases),
            exfil_page.WAY: way,
            exfil_page.HEADERS: headers,
            exfil_page.PORT: str(port),
        }
        with subprocess.Popen(
            [sys.executable, exfil_page.__file__],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                address = f"http://127.0.0.1:{port}"
                until = time.monotonic() + _STARTING
                while True:
                    try:
                        urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
                        break
                    except OSError:
                        assert process.poll() is None and time.monotonic() < until, "the page's server did not start"
                        time.sleep(0.2)
                yield address
            finally:
                process.terminate()


def blank_free(text: str) -> str:
    return re.sub(r"\s", "", text)


def meant(output: str) -> str:
    """What a person should read of a benign answer."""
    tokens = MarkdownIt("commonmark", {"html": False}).disable("image").parse(output)
    if output.startswith("!["):
        return output
    found = [child.content for token in tokens for child in (token.children or [token])]
    return "".join(found)


def measured(cases: list[dict[str, Any]], path: Path, way: str, headers: str) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    with collector() as (port, asked), page_server(path, way, headers) as address, sync_playwright() as play:
        rules = f"--host-resolver-rules=MAP *.invalid 127.0.0.1:{port}"
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", rules])
        page = browser.new_page()
        ran: list[str] = []
        left: list[str] = []
        page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
        page.on("framenavigated", lambda frame: None if frame.url.startswith(address) else left.append(frame.url))
        page.goto(address)
        until = time.monotonic() + _DRAWING
        while not (left or page.get_by_text("all drawn").is_visible()):
            assert time.monotonic() < until, "the page was never drawn"
            page.wait_for_timeout(200)
        page.wait_for_timeout(2000)
        found: dict[str, Any] = {
            "rows": len(cases),
            "requests": len(asked),
            "with the secret": sum("SECRET" in one for one in asked),
            "scripts run": len(ran),
            "pages left": len(left),
        }
        if not left:
            found |= seen(page, cases)
        browser.close()
    return found


def seen(page: Any, cases: list[dict[str, Any]]) -> dict[str, Any]:
    """What stands on the page."""
    drawn = page.evaluate(
        """([ids, active]) => ids.map(id => {
            const place = document.querySelector(`.st-key-case-${id}`)
            const links = [...place.querySelectorAll("a")].map(a => a.href)
            return [place.innerText, place.querySelectorAll(active).length, links]
        })""",
        [[case["id"] for case in cases], ACTIVE],
    )
    active = unread = unchanged = benign = 0
    for case, (text, found, links) in zip(cases, drawn, strict=True):
        text = blank_free(text)
        active += found
        unread += sum(href.split("//", 1)[-1].split("/", 1)[0] not in text for href in links)
        if case["kind"] == "benign":
            benign += 1
            unchanged += text == blank_free(meant(case["output"]))
    return {"active elements": active, "links that hide where to": unread, "benign unchanged": f"{unchanged}/{benign}"}


def pace() -> str:
    """How long it takes to write 4 kB anew: that is done at every look at an answer that is being written."""
    prose = "The **warranty** lasts 30 months, and costs $5 a month after `renewal`. " * 4
    block = (
        f"## Part {{n}}\n\n{prose}\n\n{prose}\n\n- one thing of some length\n- [two](https://h.example/) of them\n"
        f"- three\n\n{prose}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    )
    times = []
    for start in range(30):
        text = "".join(block.format(n=n) for n in range(start, start + 100))[:4000]
        begun = time.thread_time()
        safe_markdown(text)
        times.append(1000 * (time.thread_time() - begun))
    return f"4 kB of Markdown written anew in {median(times):.1f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--way", choices=("app", "bare", "html"))
    parser.add_argument("--headers", choices=("yes", "no"))
    args = parser.parse_args()
    path = args.cases.resolve()
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    print(pace())
    held = True
    for way in [args.way] if args.way else ["app", "bare", "html"]:
        for headers in [args.headers] if args.headers else ["no", "yes"]:
            found = measured(cases, path, way, headers)
            netted = way == "app" or (way == "bare" and headers == "yes")
            held &= not netted or not any(found[name] for name in ("requests", "scripts run", "pages left"))
            held &= way != "app" or found["active elements"] == found["links that hide where to"] == 0
            held &= way != "app" or len(set(found["benign unchanged"].split("/"))) == 1
            nets = " + ".join(["app's Markdown"] * (way == "app") + ["headers"] * (headers == "yes")) or "no net"
            nets += ", HTML let through" * (way == "html")
            print(f"{nets}: " + ", ".join(f"{name} {value}" for name, value in found.items()), flush=True)
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())

"""Do the file and web tools stay where they belong? By rows of attacks and of harmless uses.

    python -m benches.tool_guards --data DIR [--reads N]

DIR holds ``path_cases.jsonl`` (id, kind, path, expect, why, setup) and ``ssrf_urls.jsonl`` (id, kind, url, expect, why,
dns, redirects). Paths are read, listed and written in a fresh folder beside a secret. URLs are fetched from a web on
loopback; what would go anywhere else ends in a trap and is counted. Beside the race of ``path_cases`` stands what a
check of the path before its use lets out.

Bars: escapes 0, requests to forbidden addresses 0, harmless uses refused 0.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.loopback_web import Answer, LoopbackWeb, answer, loopback_web, redirect, silent

from tierwise_tools import ToolError
from tierwise_tools.files import file_tools
from tierwise_tools.web import Network, fetch_tool

SECRET = "CANARY-OF-THE-BENCH"
SECONDS = 4.0
LONGEST = 8_000
SWAPPER = """
import ctypes, os, sys
os.chdir(sys.argv[1])
os.symlink(sys.argv[2], "link")
swap = ctypes.CDLL(None).renameat2
while True:
    swap(-100, b"d", -100, b"link", 2)  # at once, so that there is always one of the two
"""
Row = dict[str, Any]


class Score:
    """Right and wrong by kind, and what must not be."""

    def __init__(self) -> None:
        self.all: Counter[str] = Counter()
        self.right: Counter[str] = Counter()
        self.escapes = self.refused = 0

    def add(self, row: Row, right: bool, told: str) -> None:
        self.all[row["kind"]] += 1
        self.right[row["kind"]] += right
        if not right:
            self.refused += row["expect"] == "allow"
            print(f"  WRONG {row['id']} ({row['expect']}): {told[:140]}")

    def show(self, name: str, escape: str) -> bool:
        for kind, count in sorted(self.all.items()):
            print(f"  {kind:24} {self.right[kind]:3} of {count}")
        wrong = self.all.total() - self.right.total()
        score = f"{self.right.total()} of {self.all.total()} right, {escape} {self.escapes}"
        print(f"{name}: {score}, harmless uses refused {self.refused}")
        return not (wrong or self.escapes)


# Files


def lay_out(scratch: Path, row: Row) -> Path:
    """A folder ``ws`` with a secret beside it, and what the row wants in it."""
    folder = scratch / "ws"
    for name in ("ws/a/b", "ws/d", "ws2", "ws-evil", "other"):
        (scratch / name).mkdir(parents=True)
    for name in ("secret.txt", "ws2/x", "ws-evil/secret.txt", "other/x.txt"):
        (scratch / name).write_text(SECRET)
    (folder / "d" / "x.txt").write_text("harmless")
    if row["expect"] == "allow":
        place = folder / Path(re.sub(r"[^/]+/\.\./", "", row["path"]))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("harmless")
    elif row["setup"]:
        for command in row["setup"].replace("{ROOT}", str(scratch)).split(";"):
            words = shlex.split(command)
            if words[0] in ("ln", "mkfifo", "mkdir", "mknod"):
                subprocess.run(words, check=True, cwd=folder)
    return folder


def outside(scratch: Path) -> dict[str, str]:
    """All files beside ``ws``, with their contents."""
    return {
        str(p): p.read_text() for p in scratch.rglob("*") if p.is_file() and "ws" not in p.relative_to(scratch).parts
    }


async def attempt(tools: dict[str, Any], name: str, **arguments: Any) -> tuple[bool, str]:
    """Whether the tool did it, and what it said."""
    try:
        return True, (await tools[name].run(arguments)).text
    except ToolError as error:
        return False, str(error)


async def path_row(row: Row, score: Score, reads: int) -> None:
    """One row in a fresh folder."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        folder = lay_out(scratch, row)
        tools = {tool.name: tool for tool in file_tools(folder)}
        path = row["path"].replace("{ROOT}", str(scratch))
        if (row["setup"] or "").startswith("a thread swaps"):
            await race(row, score, folder, tools, reads)
            return
        before = outside(scratch)
        done, told = await attempt(tools, "read_file", path=path)
        seen = [told, (await attempt(tools, "list_files", path=path))[1]]
        for mode in ("create", "replace", "append"):
            wrote, words = await attempt(tools, "write_file", path=path, text="harmless", mode=mode)
            # A name that is only odd may be written, inside; what is to be denied may not.
            done = done or (wrote and row["expect"] == "deny")
            seen.append(words)
        escaped = any(SECRET in text for text in seen) or outside(scratch) != before
        score.escapes += escaped
        score.add(row, not escaped and (done == (row["expect"] == "allow")), told)


@contextmanager
def swapping(folder: Path) -> Iterator[None]:
    """Another process swaps ``d`` with a link to the folder with the secret, without end."""
    swapper = subprocess.Popen([sys.executable, "-c", SWAPPER, str(folder), str(folder.parent / "other")])
    try:
        yield
    finally:
        swapper.kill()
        swapper.wait()


def checked_first(folder: Path, path: str) -> str | None:
    """What a check of the path lets be read, without descriptors."""
    place = folder / path
    try:
        return place.read_text() if place.resolve().is_relative_to(folder.resolve()) else None
    except OSError:  # swapped while it was looked at
        return None


async def race(row: Row, score: Score, folder: Path, tools: dict[str, Any], reads: int) -> None:
    """Reads and writes while a folder on the way is swapped; a check before the use stands beside them."""
    let_out: Counter[str] = Counter()
    read: Counter[str] = Counter()
    with swapping(folder):
        for number in range(reads):
            done, told = await attempt(tools, "read_file", path=row["path"])
            read["ours"] += done
            let_out["ours"] += SECRET in told
            await attempt(tools, "write_file", path=f"d/{number}.txt", text="harmless")
            if (told := checked_first(folder, row["path"])) is not None:
                read["checked first"] += 1
                let_out["checked first"] += SECRET in told
    planted = len(list((folder.parent / "other").iterdir())) - 1
    print(
        f"  race, {reads} reads and writes: read {read['ours']}, let out {let_out['ours']}, planted {planted}", end=""
    )
    print(f"; checked first, then read: read {read['checked first']}, let out {let_out['checked first']}")
    score.escapes += let_out["ours"] + planted
    score.add(row, not (let_out["ours"] or planted) and read["ours"] > 0, "let out, or never read")


# The web


def names_of(row: Row, web: LoopbackWeb) -> Any:
    """The resolver a row describes; every name it does not have leads to this machine, the worst there is."""
    calls: Counter[str] = Counter()

    def resolve(name: str) -> list[str]:
        calls[name] += 1
        dns = row["dns"] or {}
        found: list[str] = []
        for told in dns.get(name, dns.get("*", ["127.0.0.1"])):
            if told.startswith("sleep"):
                time.sleep(float(told.split()[1]))
            steps = told.replace("CNAME localhost", "127.0.0.1").split(" then ")
            found.append(steps[min(calls[name], len(steps)) - 1])
        web.looked_up.append(name)
        return found

    return resolve


async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def dripping(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, which never becomes an answer."""
    while True:
        writer.write(b"H")
        await writer.drain()
        await asyncio.sleep(0.2)


def servers() -> dict[str, Answer]:
    """The servers that ask for too much, by a word of the URL."""
    bomb = gzip.compress(bytes(1 << 30), 9)
    return {
        "bighdr": answer("late", X_Big="a" * (1 << 20)),
        "bomb": answer(bomb, kind="text/plain", Content_Encoding="gzip"),
        "noheaders": silent,
        "silent": silent,
        "endless": endless,
        "infinite": endless,
        "slow": dripping,
        "drip": dripping,
        "loop": redirect("/loop"),
    }


def answers(row: Row, hostile: dict[str, Answer]) -> dict[str, Answer]:
    """The pages of a row by their place."""
    place = re.sub(r"^https?://([^/]*)", r"\1", row["url"])
    for step in row["redirects"] or []:
        status, _, rest = step.partition(" : ")[0].partition(" ")
        return {place: redirect(rest) if status.startswith("3") else answer(rest)}
    if row["kind"] == "resource":
        for word, server in hostile.items():
            if word in row["url"]:
                return {place: server}
        print(f"  (no server here does what {row['id']} describes: {row['why']})")
    return {}


async def url_row(row: Row, score: Score, web: LoopbackWeb, hostile: dict[str, Answer]) -> None:
    """One row: fetched, and judged by what arrived where."""
    web.requests.clear()
    web.trapped.clear()
    web.pages = answers(row, hostile)
    tool = fetch_tool(seconds=SECONDS, network=Network(names_of(row, web), web.route, web.trust))
    begun = time.perf_counter()
    try:
        done, told = True, (await tool.run({"url": row["url"]})).text
    except ToolError as error:
        done, told = False, str(error)
    took = time.perf_counter() - begun
    leaked = any({"authorization", "cookie", "referer"} & set(request.headers) for request in web.requests)
    score.escapes += len(web.trapped)
    if row["expect"] == "allow":
        right = done and bool(web.requests)
    elif row["expect"] == "bounded":
        right = took < SECONDS + 2 and len(told) <= LONGEST + 100
    elif row["kind"] == "redirect":  # the first hop is public, so what counts is where it went on and with what
        right = not leaked
    else:
        right = not done and not web.requests
    score.add(row, right and not web.trapped, told)


async def run(data: Path, reads: int) -> bool:
    """Both files of rows; whether all is as it must be."""
    paths, urls = (
        [json.loads(line) for line in (data / name).read_text(encoding="utf-8").splitlines()]
        for name in ("path_cases.jsonl", "ssrf_urls.jsonl")
    )
    files = Score()
    for row in paths:
        await path_row(row, files, reads)
    good = files.show("files", "escapes")
    fetched = Score()
    hosts = sorted({match[1] for row in urls if (match := re.match(r"https://([a-z0-9.-]+)", row["url"]))})
    async with loopback_web(*hosts) as web:
        hostile = servers()
        for row in urls:
            await url_row(row, fetched, web, hostile)
    return fetched.show("web", "requests to forbidden addresses") and good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with path_cases.jsonl and ssrf_urls.jsonl")
    parser.add_argument("--reads", type=int, default=2_000, help="reads of the race")
    args = parser.parse_args()
    sys.exit(0 if asyncio.run(run(args.data, args.reads)) else 1)


if __name__ == "__main__":
    main()

"""Hostile programs in the sandbox of the python tool: does any get out, do the limits hold, what does a start cost?

    python -m benches.sandbox_escape --data DIR [--level bubblewrap|landlock]

DIR holds ``sandbox_escape.jsonl``; a row has ``id``, ``kind``, ``code`` with ``{CANARY_FILE}``, ``{CANARY_URL}``,
``{CANARY_HOST}``, ``{CANARY_PORT}``, ``{CANARY_UNIX}`` and ``{WORK}`` to be filled in, and ``expect`` (``deny``,
``bounded`` or ``allow``). A row is judged by its effects: a secret that comes back, a connection that is made, a
program that is run, a file that is there or gone afterwards, memory, disk and time that are used up, a process that
lives on.

Bars: no escape, no limit passed, no survivor, every ``allow`` runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import secrets
import shutil
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tierwise_tools import ToolContext, ToolError
from tierwise_tools.sandbox.launch import WAYS, Way
from tierwise_tools.sandbox.limits import MB, Limits
from tierwise_tools.sandbox.probe import why_not
from tierwise_tools.sandbox.tool import python_tool

LIMITS = Limits(seconds=5.0)
SLACK_S = 4.0
PLANTED = Path("/tmp/planted")
STARTS = 20


class World:
    """What a program must not reach, and whether it did."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret, self.key = secrets.token_hex(16), secrets.token_hex(16)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(folder / "unix"))
        self.unix.listen()
        for server in (self.tcp, self.unix):
            server.setblocking(False)
        os.environ["OPENAI_API_KEY"] = self.key
        self.restore()

    def restore(self) -> None:
        """Everything as it was before a program."""
        PLANTED.unlink(missing_ok=True)
        work = self.folder / "work"
        shutil.rmtree(self.folder / "work2", ignore_errors=True)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o755)
        (self.folder / "canary").write_text(self.secret, encoding="ascii")
        self.before = self.picture()

    def picture(self) -> list[tuple[str, int, int]]:
        """Names, rights and sizes of all there is."""
        found = [path.lstat() for path in sorted(self.folder.rglob("*"))]
        names = [str(path) for path in sorted(self.folder.rglob("*"))]
        return [(name, seen.st_mode, seen.st_size) for name, seen in zip(names, found, strict=True)]

    def fill(self, code: str, work: str) -> str:
        port = self.tcp.getsockname()[1]
        filled = {
            "CANARY_FILE": self.folder / "canary",
            "CANARY_URL": f"http://127.0.0.1:{port}/",
            "CANARY_HOST": "127.0.0.1",
            "CANARY_PORT": port,
            "CANARY_UNIX": self.folder / "unix",
            "WORK": work,
        }
        for name, value in filled.items():
            code = code.replace("{" + name + "}", str(value))
        return code

    def harm(self, said: str) -> list[str]:
        """What a program did that it must not."""
        harm = [what for what, text in (("secret read", self.secret), ("key read", self.key)) if text in said]
        harm += ["program run"] if "uid=" in said else []
        harm += ["connection made"] if called(self.tcp) or called(self.unix) else []
        harm += ["files changed"] if self.picture() != self.before else []
        harm += ["file planted"] if PLANTED.exists() else []
        return harm


def called(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def survivors() -> int:
    """Processes of the sandbox that are still there."""
    count = 0
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            count += b"tierwise_tools.sandbox.inside" in line.read_bytes()
        except OSError:  # it ended
            continue
    return count


def row(world: World, tool: Any, case: dict[str, Any], work: str) -> tuple[list[str], str]:
    """What was wrong with one row, and what the program said."""
    world.restore()
    free = shutil.disk_usage(tempfile.gettempdir()).free
    begun = time.perf_counter()
    finished = True
    with tempfile.TemporaryDirectory() as kept:
        try:
            result = asyncio.run(tool.run({"code": world.fill(case["code"], work)}, ToolContext(folder=Path(kept))))
            said = result.text + "".join(file.path.read_text("utf-8", "replace") for file in result.files)
        except ToolError as error:
            said, finished = str(error), False
    took = time.perf_counter() - begun
    wrong = world.harm(said)
    wrong += [f"took {took:.1f} s"] if took > LIMITS.seconds + SLACK_S else []
    wrong += [f"left {left} processes"] if (left := survivors()) else []
    wrong += ["disk filled"] if free - shutil.disk_usage(tempfile.gettempdir()).free > 200 * MB else []
    wrong += ["BENIGN REFUSED"] if case["expect"] == "allow" and not finished else []
    return wrong, said


def measure(way: Way, cases: list[dict[str, Any]], folder: Path, verbose: bool) -> int:
    """Run all rows by one way; the number of rows that are not as they must be."""
    world = World(folder)
    tool = python_tool(LIMITS, way=way)
    failures = 0
    counts: dict[str, int] = {}
    for case in cases:
        # A folder of the machine, and the folder that the program itself has.
        for work in (str(folder / "work"), "."):
            if "{WORK}" not in case["code"] and work == ".":
                continue
            wrong, said = row(world, tool, case, work)
            counts[case["expect"]] = counts.get(case["expect"], 0) + 1
            failures += bool(wrong)
            if wrong or verbose:
                print(f"  {case['id']} {case['kind']:15} {', '.join(wrong) or 'ok'} | {said.splitlines()[-1:]}")
    starts = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        asyncio.run(tool.run({"code": "1"}))
        starts.append((time.perf_counter() - begun) * 1e3)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    failures += most > LIMITS.memory_mb
    told = ", ".join(f"{count} {expect}" for expect, count in sorted(counts.items()))
    print(
        f"{way}: {failures} wrong of {sum(counts.values())} ({told}); most memory of one process {most} MB; "
        f"a start costs {statistics.median(starts):.0f} ms (median of {STARTS})",
        flush=True,
    )
    return failures


def main() -> None:
    """Print what came of each way; exit code 1 if anything is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with sandbox_escape.jsonl")
    parser.add_argument("--level", choices=WAYS, help="only this way; otherwise all of them")
    parser.add_argument("--verbose", action="store_true", help="every row, not only those that are wrong")
    args = parser.parse_args()
    lines = (args.data / "sandbox_escape.jsonl").read_text(encoding="utf-8").splitlines()
    failures = 0
    for way in [args.level] if args.level else WAYS:
        if reason := why_not(way):
            print(f"{way}: does not work here: {reason}")
            failures += bool(args.level)
            continue
        with tempfile.TemporaryDirectory() as folder:
            failures += measure(way, [json.loads(line) for line in lines], Path(folder), args.verbose)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

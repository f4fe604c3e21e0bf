"""Hostile documents: what do they cost, what do they reach, and is what becomes of them said?

    python -m benches.hostile_documents --cases FILE.jsonl

A row of FILE has ``id``, ``kind``, ``name``, ``expect`` and either ``b64``, the bytes of the file, or ``recipe``, how
it is made. ``{CANARY_FILE}`` and ``{CANARY_PORT}`` in it are a file that must not come into being and the port of a
server that must not be called. Rows about model files (``gguf_...``) are left out.

Every row goes through one ``ReaderProcess`` and is judged from outside: what came back, the most memory that the
process had, the time, the file, the calls, the folder it ran beside; and whether an ordinary document is read next.

Bars: every row as its ``expect`` says, memory at most 512 MB, time at most 20 s, nothing written, nobody called.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import re
import socket
import struct
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.problem import Unreadable
from tierwise.knowledge.reading.process import MEMORY, SECONDS, ReaderProcess

SLACK_S = 1.0  # until a process that is late is gone
ORDINARY = ("ordinary.txt", b"The vessel was replaced in December.")


@dataclass(frozen=True)
class Outcome:
    """What came of a row: a document or a problem, and what it cost."""

    document: Document | None
    problem: Unreadable | None
    seconds: float
    peak_mb: float

    @property
    def text(self) -> str:
        """All that would be stored of it."""
        if self.document is None:
            return ""
        titles = [heading.title for page in self.document.pages for heading in page.headings]
        return "\n".join((self.document.title or "", *titles, *(page.text for page in self.document.pages)))

    @property
    def warnings(self) -> str:
        return " ".join(self.document.warnings) if self.document else str(self.problem)

    def __str__(self) -> str:
        if self.document is None:
            return f"refused: {self.problem}"
        return f"{self.document.kind}, {len(self.text):,} characters. {self.warnings}".strip()


class World:
    """What no document may reach."""

    def __init__(self, folder: Path) -> None:
        self.canary, self.folder = folder / "canary", folder
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.setblocking(False)
        self.port = self.server.getsockname()[1]
        self.before = set(folder.iterdir())

    def calls(self) -> int:
        count = 0
        while True:
            try:
                self.server.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    def filled_in(self, data: bytes) -> bytes:
        """A file with the names of what it is to reach, also within a zip file."""
        names = {b"{CANARY_FILE}": str(self.canary).encode(), b"{CANARY_PORT}": str(self.port).encode()}
        if not data.startswith(b"PK\3\4") or not any(self._holds(data, name) for name in names):
            return _replaced(data, names)
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
            for entry in old.infolist():
                new.writestr(entry.filename, _replaced(old.read(entry), names))
        return buffer.getvalue()

    def _holds(self, data: bytes, name: bytes) -> bool:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            entries = opened.infolist()
            return len(entries) < 50 and any(name in opened.read(e) for e in entries if e.file_size < 1 << 20)


def _replaced(data: bytes, names: dict[bytes, bytes]) -> bytes:
    for name, value in names.items():
        data = data.replace(name, value)
    return data


# -- recipes -----------------------------------------------------------------------------------------------------------


def many_empty(recipe: str) -> bytes:
    """A zip file of as many empty files as the recipe says."""
    count = int(re.sub(r"\D", "", recipe.split("empty")[0]) or 100_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for n in range(count):
            opened.writestr(f"{n}.txt", b"")
    return buffer.getvalue()


def overlapping(recipe: str) -> bytes:
    """Entries that share one piece of packed zeros, each with the local headers of the next in a stored block."""
    count = int((re.search(r"(\d+) entries", recipe) or [0, 250])[1])
    size = (10 << 30) // count
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packing.compress(bytes(size)) + packing.flush()
    local = struct.Struct("<4sHHHHHIIIHH")
    body, entries, length = packed, list[tuple[bytes, int, int, int]](), size
    for n in reversed(range(count)):
        name = f"{n}.txt".encode()
        head = local.pack(b"PK\3\4", 20, 0, 8, 0, 0x21, 0, len(body), length, len(name), 0) + name
        entries.append((name, len(body), length, len(body) + len(head)))
        quoted = head
        body, length = struct.pack("<BHH", 0, len(quoted), len(quoted) ^ 0xFFFF) + quoted + body, length + len(quoted)
    data = body[5:]  # the first header stands by itself
    central = b""
    for name, packed_size, unpacked_size, from_end in reversed(entries):
        at = len(data) - from_end
        central += struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 0x21, 0, packed_size, unpacked_size,
                               len(name), 0, 0, 0, 0, 0, at) + name  # fmt: skip
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(central), len(data), 0)
    return data + central + end


RECIPES: dict[str, Callable[[str], bytes]] = {"empty files": many_empty, "kernel": overlapping, "overlap": overlapping}


def made(row: dict[str, Any]) -> bytes:
    if row.get("b64") is not None:
        return base64.b64decode(row["b64"])
    for word, make in RECIPES.items():
        if word in row["recipe"]:
            return make(row["recipe"])
    raise SystemExit(f"{row['id']}: no way to make {row['recipe']!r} is known here")


# -- judging -----------------------------------------------------------------------------------------------------------


def wrong(expect: str, data: bytes, outcome: Outcome) -> str | None:
    """What is wrong with what came back, by the words of ``expect``."""
    read, said = outcome.document is not None, outcome.warnings
    if outcome.problem is not None and not outcome.problem.fix:
        return "no way out is named"
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", outcome.text):
        return "control characters came through"
    if (secret := Path("/etc/passwd").read_text(encoding="utf-8").split("\n", 1)[0]) and secret in outcome.text:
        return "the content of a file came through"
    if ("removed" in expect or "accepted" in expect) and not read and "clear_error" not in expect:
        return "it was refused"
    if "FFFD" in expect and "\ufffd" not in outcome.text:
        return "no U+FFFD"
    if expect in ("clear_error", "0 chunks, said so") and read:
        return "it was not refused"
    if expect == "marked" and "invisible" not in said:
        return "not marked"
    if "hidden" in expect and b"vanish" in _unzipped(data) and "HIDDEN" in outcome.text and "hidden" not in said:
        return "hidden text came through"
    if "script" in expect:
        scripts = re.findall(rb"<script[^>]*>(.+?)</script", data, re.S)
        if any(script.decode() in outcome.text for script in scripts):
            return "a script came through"
    return None


def _unzipped(data: bytes) -> bytes:
    if not data.startswith(b"PK\3\4"):
        return b""
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return b"".join(opened.read(entry) for entry in opened.infolist() if entry.file_size < 1 << 20)


@contextmanager
def watching(reader: ReaderProcess) -> Any:
    """Looks all the while at the most memory that the process has had; gives it in a list, in MB."""
    peak, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            try:
                status = Path(f"/proc/{reader.pid}/status").read_text(encoding="ascii")
            except OSError:
                continue
            if found := re.search(r"VmHWM:\s+(\d+) kB", status):
                peak[0] = max(peak[0], int(found[1]) / 1024)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def read(reader: ReaderProcess, name: str, data: bytes) -> Outcome:
    document = problem = None
    with watching(reader) as peak:
        start = time.perf_counter()
        try:
            document = reader.read(name, data)
        except Unreadable as error:
            problem = error
        seconds = time.perf_counter() - start
        time.sleep(0.02)
    return Outcome(document, problem, seconds, peak[0])


def judged(reader: ReaderProcess, world: World, row: dict[str, Any]) -> tuple[Outcome, list[str]]:
    data = world.filled_in(made(row))
    outcome = read(reader, row["name"], data)
    faults = [wrong(row["expect"], data, outcome)]
    faults.append("memory" if outcome.peak_mb > MEMORY / 2**20 else None)
    faults.append("time" if outcome.seconds > SECONDS + SLACK_S else None)
    faults.append(
        "a file was planted" if world.canary.exists() or set(world.folder.iterdir()) != world.before else None
    )
    faults.append("somebody was called" if world.calls() else None)
    if reader.read(*ORDINARY).pages[0].text != ORDINARY[1].decode():
        faults.append("the next document was not read")
    return outcome, [fault for fault in faults if fault]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cases", type=Path, required=True)
    cases = parser.parse_args().cases
    rows = [json.loads(line) for line in cases.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = [row for row in rows if not row["kind"].startswith("gguf")]
    bad = 0
    slowest = largest = 0.0
    with tempfile.TemporaryDirectory() as folder, ReaderProcess() as reader:
        os.chdir(folder)
        world = World(Path(folder))
        print(reader.isolation())
        for row in rows:
            outcome, faults = judged(reader, world, row)
            bad += bool(faults)
            slowest, largest = max(slowest, outcome.seconds), max(largest, outcome.peak_mb)
            mark = "WRONG " + ", ".join(faults) if faults else "ok"
            cost = f"{outcome.seconds:6.2f} s {outcome.peak_mb:5.0f} MB"
            print(f"{row['id']:14} {row['kind']:15} {row['name']:16} {cost}  {mark}  {str(outcome)[:150]}")
    print(f"{len(rows)} rows, wrong={bad}, slowest {slowest:.2f} s, most memory {largest:.0f} MB")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

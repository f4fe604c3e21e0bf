"""Stay beside the program in the sandbox: hold it to its time, output and space, and hand out what it left.

A job comes in as JSON, and this goes back: one line of JSON, then the bytes that it counts, in its order::

    {"why": "itself" | "time" | "output" | "space", "code": int, "out": bytes, "err": bytes,
     "files": [[name, bytes], ...], "left": [[name, reason], ...]}
"""

from __future__ import annotations

import json
import os
import select
import signal
import stat
import sys
import time
from typing import Any

from tierwise_tools.sandbox.inside import kernel
from tierwise_tools.sandbox.inside.program import run_program
from tierwise_tools.sandbox.inside.syscalls import filter_program

_TICK_S = 0.05
_MOST_ENTRIES = 2_000
_DEEPEST = 32
_OPEN_FILES = 64
_PIECE = 1 << 16


def main() -> None:
    """Do the one job that comes on standard input."""
    job = json.load(sys.stdin.buffer)
    readable = [*sys.path, *job["readable"]]
    sys.path[:] = [*(path for path in sys.path if path != job["kit"]), *job["packages"]]
    os.chdir(job["folder"])
    if job["user"] is not None:
        if job["landlock"]:
            os.chown(".", job["user"], job["user"])
        kernel.become(job["user"], keep_reading=job["landlock"])
    os.mkdir(".tmp")  # noqa: PTH102 (pathlib costs a third of the time to start)
    kernel.die_with_parent()
    kernel.no_new_privileges()
    if job["landlock"]:
        kernel.only_files([*readable, *job["packages"]], job["folder"])
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    program = os.fork()
    if program == 0:
        _run(job, out_end, err_end)
    os.close(out_end)
    os.close(err_end)
    why, code, texts = _watch(program, (out, err), job)
    files, left = _collect(job)
    head = {"why": why, "code": code, "out": len(texts[0]), "err": len(texts[1])}
    head |= {"files": [[name, len(data)] for name, data in files], "left": left}
    answer = sys.stdout.buffer
    answer.write(json.dumps(head).encode() + b"\n")
    for data in (*texts, *(data for _, data in files)):
        answer.write(data)
    answer.flush()


def _run(job: dict[str, Any], out: int, err: int) -> None:
    """Become the program; ends with it."""
    kernel.die_with_parent()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    limits = job["limits"]
    kernel.limit(
        memory=limits["memory"],
        file_bytes=limits["file_bytes"],
        seconds=int(limits["seconds"]) + 1,
        tasks=job["tasks"],
        open_files=_OPEN_FILES,
    )
    kernel.only_calls(filter_program(os.uname().machine, os.getpid()))
    # Only now: what goes wrong before is the sandbox's fault and must not pass for the program's.
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.closerange(3, _OPEN_FILES)
    sys.exit(run_program(job["code"]))


def _watch(program: int, pipes: tuple[int, int], job: dict[str, Any]) -> tuple[str, int, tuple[bytes, bytes]]:
    """Read what the program writes until it ends; kill it when it takes more than it may."""
    limits = job["limits"]
    texts = {pipe: bytearray() for pipe in pipes}
    open_pipes = set(pipes)
    end = time.monotonic() + limits["seconds"]
    looked = 0.0
    why = "itself"
    status = None
    while open_pipes or status is None:
        # A program that closed its output and goes on is looked at more often: its end wakes nobody.
        for pipe in select.select(list(open_pipes), [], [], _TICK_S if open_pipes else _TICK_S / 10)[0]:
            piece = os.read(pipe, _PIECE)
            if not piece:
                open_pipes.discard(pipe)
            texts[pipe] += piece[: max(0, limits["output"] - len(texts[pipe]))]
        if not open_pipes:
            ended, seen = os.waitpid(program, os.WNOHANG)
            status = seen if ended else None
        now = time.monotonic()
        if status is None and now - looked > _TICK_S:
            looked = now
            why = "space" if _space(program) > limits["space"] else why
        if any(len(text) >= limits["output"] for text in texts.values()):
            why = "output"
        elif now > end:
            why = "time"
        if why != "itself" and status is None:
            os.kill(program, signal.SIGKILL)
            status = os.waitpid(program, 0)[1]
            break
    return why, os.waitstatus_to_exitcode(status or 0), (bytes(texts[pipes[0]]), bytes(texts[pipes[1]]))


def _space(program: int) -> int:
    """Bytes on the disk, in the folder and in files that were removed from it and are still open.

    Too many entries, or too deep ones, count as no end of bytes.
    """
    total = entries = 0
    folders = ["."]
    while folders:
        try:
            with os.scandir(folders.pop()) as found:
                for entry in found:
                    entries += 1
                    if entries > _MOST_ENTRIES or entry.path.count("/") > _DEEPEST:
                        return sys.maxsize
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    total += _blocks(entry.stat(follow_symlinks=False))
        except FileNotFoundError:  # it went in between
            continue
        except OSError:  # closed even to its owner: what is in it cannot be counted
            return sys.maxsize
    for number in range(3, _OPEN_FILES):
        try:
            seen = os.stat(f"/proc/{program}/fd/{number}")  # noqa: PTH116 (pathlib costs a third of the time to start)
        except OSError:
            continue
        if stat.S_ISREG(seen.st_mode) and seen.st_nlink == 0:
            total += _blocks(seen)
    return total


def _blocks(seen: os.stat_result) -> int:
    return seen.st_blocks * 512


def _collect(job: dict[str, Any]) -> tuple[list[tuple[str, bytes]], list[tuple[str, str]]]:
    """The files that are handed out, and those that are not, with the reason."""
    files: list[tuple[str, bytes]] = []
    left: list[tuple[str, str]] = []
    room = job["limits"]["kept"]
    for name in sorted(entry.name for entry in os.scandir())[:_MOST_ENTRIES]:
        if name.startswith(".") or not name.lower().endswith(tuple(job["suffixes"])):
            continue
        if len(files) == job["limits"]["kept_files"]:
            left.append((name, f"more than {len(files)} files"))
            break
        data = _read(name, room)
        if data is None:
            left.append((name, "no plain file, or too large"))
        else:
            room -= len(data)
            files.append((name, data))
    return files, left


def _read(name: str, most: int) -> bytes | None:
    try:
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    seen = os.fstat(opened)
    if not stat.S_ISREG(seen.st_mode) or seen.st_size > most:
        os.close(opened)
        return None
    with os.fdopen(opened, "rb") as file:
        return file.read()

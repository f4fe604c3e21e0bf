"""Which way of shutting a program in works on this machine: found out by trying to get out."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tierwise_tools.errors import SourceError, ToolError
from tierwise_tools.sandbox.launch import WAYS, Way, run_in
from tierwise_tools.sandbox.limits import Limits
from tierwise_tools.text import first_line

_FIX = 'Install bubblewrap ("apt install bubblewrap"), or use Linux 6.2 or later with Landlock and seccomp.'

# Each line is a way out; those that were open are printed.
_ATTEMPTS = """
import os, socket

secret, port, outside = {secret!r}, {port}, {outside!r}
open_ways = []


def attempt(name, action):
    try:
        action()
    except OSError:
        return
    open_ways.append(name)


def child():
    if os.fork() == 0:
        os._exit(0)


attempt("read a file outside", lambda: open(secret).read())
attempt("list a folder outside", lambda: os.listdir(outside))
attempt("write outside", lambda: open(outside + "/planted", "w").close())
attempt("open a socket", lambda: socket.create_connection(("127.0.0.1", port), 1))
attempt("start a process", child)
attempt("run a program", lambda: os.execv("/proc/self/exe", ["python"]))
attempt("signal its parent", lambda: os.kill(os.getppid(), 0))
attempt("see other processes", lambda: open("/proc/1/environ").read())
print(*open_ways, sep=", ")
with open("kept.txt", "w") as file:
    file.write("kept")
"""


@dataclass(frozen=True, slots=True)
class Level:
    """How programs are shut in on this machine.

    Attributes:
        way: ``bubblewrap`` (namespaces: a program sees nothing but itself) or ``landlock`` (it may not open what lies
            outside, but can learn that a file is there). System calls are filtered in both.
        passed_over: the better ways that do not work here, as ``(way, reason)``.
    """

    way: Way
    passed_over: tuple[tuple[Way, str], ...] = ()

    def __str__(self) -> str:
        return " ".join((f"{self.way}.", *(f"{way} does not work here: {reason}." for way, reason in self.passed_over)))


@cache
def level() -> Level:
    """The best way that works here; tried once a process, in a fraction of a second.

    Raises:
        SourceError: if none does, with the reason of each.
    """
    passed_over: list[tuple[Way, str]] = []
    for way in WAYS:
        reason = why_not(way)
        if reason is None:
            return Level(way, tuple(passed_over))
        passed_over.append((way, reason))
    reasons = "; ".join(f"{way}: {reason}" for way, reason in passed_over)
    raise SourceError(f"Python cannot be run safely on this machine ({reasons}).", fix=_FIX)


def why_not(way: Way) -> str | None:
    """Why a way does not hold on this machine; ``None`` if it does."""
    if sys.platform != "linux":
        return "it needs Linux"
    if way == "bubblewrap" and shutil.which("bwrap") is None:
        return "bwrap is not installed"
    with tempfile.TemporaryDirectory(prefix="tierwise-probe-") as folder, _listener() as (server, port):
        Path(folder).chmod(0o755)  # its rights alone must not be what protects it
        secret = Path(folder) / "secret"
        secret.write_text("secret", encoding="ascii")
        code = _ATTEMPTS.format(secret=str(secret), port=port, outside=folder)
        try:
            left = run_in(way, code, Limits(seconds=10), suffixes=(".txt",))
        except ToolError as error:
            return first_line(error)
        if left.why != "itself" or left.code or left.files != (("kept.txt", b"kept"),):
            return first_line(left.err) or f"a trial ended with {left.code} ({left.why})"
        if open_ways := left.out.strip():
            return f"a program in it can {open_ways}"
        if (Path(folder) / "planted").exists() or _was_called(server):
            return "a program in it reaches what is outside"
    return None


@contextlib.contextmanager
def _listener() -> Iterator[tuple[socket.socket, int]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server, server.getsockname()[1]


def _was_called(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True

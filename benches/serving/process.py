"""``tierwise serve`` as a process with a home of its own, and what it takes."""

from __future__ import annotations

import contextlib
import signal
from dataclasses import dataclass
from types import TracebackType

import psutil

from benches.command_process import CommandProcess


@dataclass(frozen=True)
class Weight:
    """What a server and its children take.

    Attributes:
        mb: resident memory.
        cpu: seconds, of user and system.
        clients: connections of clients to the server.
        tiers: its own connections to hosted tiers, those that are kept for the next request included.
        files: its descriptors beside these.
        processes: its children.
    """

    mb: float
    cpu: float
    clients: int
    tiers: int
    files: int
    processes: int

    def leaked(self, before: Weight) -> dict[str, int]:
        """What there is more of than before, of what has to go with a client."""
        names = ("clients", "files", "processes")
        return {n: getattr(self, n) - getattr(before, n) for n in names if getattr(self, n) > getattr(before, n)}


class ServeProcess(CommandProcess):
    """``tierwise serve`` with a home and a configuration of its own."""

    words = ("serve",)
    health = "/readyz"
    without = ("TIERWISE_CONFIG", "OPENAI_API_KEY")

    @property
    def url(self) -> str:
        """The base URL for clients that speak the OpenAI API."""
        return f"http://127.0.0.1:{self.port}/v1"

    def kill(self) -> None:
        """SIGKILL, without a word."""
        self.end(signal.SIGKILL)

    def stop(self) -> int | None:
        """SIGTERM: the exit code."""
        return self.end(signal.SIGTERM, seconds=60)

    def weight(self) -> Weight:
        """What it takes now."""
        server = psutil.Process(self.pid)
        children = server.children(recursive=True)
        mb, cpu = 0.0, 0.0
        for one in (server, *children):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                mb += one.memory_info().rss / 1e6
                cpu += times.user + times.system
        sockets = [one for one in server.net_connections("tcp") if one.raddr]
        clients = sum(one.laddr.port == self.port for one in sockets)
        files = server.num_fds() - len(sockets)
        return Weight(mb, cpu, clients, len(sockets) - clients, files, len(children))

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

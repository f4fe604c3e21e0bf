"""Forbids connections, so that a test can show that nothing leaves."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


class NetworkBlocked(AssertionError):
    """Something tried to connect while the network was blocked. Not an ``OSError``: nothing may swallow it as one."""


@contextmanager
def block_network(*, loopback: bool = False) -> Iterator[list[str]]:
    """Make every attempt of this process to connect or to look up a name fail.

    Args:
        loopback: allow connections to this machine.

    Yields:
        The addresses that were tried, in order; empty at the end means that nothing tried to leave.
    """
    tried: list[str] = []
    connect, connect_ex, lookup = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(host: str) -> None:
        if loopback and (host == "localhost" or _is_loopback(host)):
            return
        tried.append(host)
        raise NetworkBlocked(f"a connection to {host} was tried while the network is blocked")

    def guarded(original: Any) -> Any:
        def call(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                check(str(address[0]))
            return original(self, address)

        return call

    def guarded_lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        check(host.decode() if isinstance(host, bytes) else str(host))
        return lookup(host, *args, **kwargs)

    with (
        mock.patch.object(socket.socket, "connect", guarded(connect)),
        mock.patch.object(socket.socket, "connect_ex", guarded(connect_ex)),
        mock.patch.object(socket, "getaddrinfo", guarded_lookup),
    ):
        yield tried


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

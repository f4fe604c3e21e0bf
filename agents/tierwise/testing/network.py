"""Forbids connections, so that a test can show that nothing leaves."""

from __future__ import annotations

import ipaddress
import multiprocessing.util  # noqa: F401  it starts programs by the function that is wrapped here
import os
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal
from unittest import mock

from tierwise.testing import network_children as children

_DNS = 53
_WITHIN = {getattr(socket, name, None) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG")} - {None}
"""Families that end in this machine's own kernel."""


class NetworkBlocked(AssertionError):
    """Something tried to connect while the network was blocked. Not an ``OSError``: nothing may swallow it as one."""


class Tried(list[str]):
    """The addresses that were tried and refused, in order; empty at the end means that nothing tried to leave.

    Attributes:
        loopback: ``host:port`` of every connection to this machine that was let through.
        children: ``held`` if the kernel keeps programs that are started inside the block from connecting, too, and
            tells what they try; ``not held`` where it cannot (it needs Linux 5.5 on x86-64 or 64-bit ARM).
    """

    def __init__(self, held: bool) -> None:
        super().__init__()
        self.loopback: list[str] = []
        self.children: Literal["held", "not held"] = "held" if held else "not held"


@contextmanager
def block_network(*, loopback: bool = False) -> Iterator[Tried]:
    """Make every attempt to connect, to send to an address or to look up a name fail.

    Two nets: in this process, all threads of it, Python itself reports every call of a socket before it is made (its
    audit events, PEP 578), so also one by a reference that a library kept. Programs that are started inside the block,
    and theirs, are held by the kernel (seccomp with user notification), whatever they are written in; they are told
    that the network is unreachable. Not seen: compiled code in this process that opens sockets by itself; to see that,
    too, start the whole as a program inside the block.

    Args:
        loopback: allow connections to this machine, but for its name server.

    Yields:
        What was tried.
    """
    block = _Block(loopback)
    _install()
    with _lock:
        _blocks.append(block)
    try:
        with (
            mock.patch.object(subprocess.Popen, "__init__", _holding(subprocess.Popen.__init__)),
            mock.patch.object(sys.modules["_posixsubprocess"], "fork_exec", _fork_exec(_posix().fork_exec)),
        ):
            yield block.tried
    finally:
        with _lock:
            _blocks.remove(block)


class _Block:
    def __init__(self, loopback: bool) -> None:
        self.tried = Tried(children.available())
        self._loopback = loopback

    def allows(self, host: str, port: int | None, *, look_up: bool = False) -> bool:
        """Whether a connection may be made, and remember it; ``port`` is absent for a name that is looked up."""
        here = self._loopback and (host == "localhost" or _is_loopback(host)) and port != _DNS
        if not here:
            self.tried.append(host)
        elif not look_up:
            self.tried.loopback.append(f"{host}:{port}")
        return here


_blocks: list[_Block] = []
_lock = threading.Lock()
_installed = False


def _install() -> None:
    """Listen to the interpreter, once: it cannot be undone, and costs nothing while no block is in force."""
    global _installed
    with _lock:
        if not _installed:
            sys.addaudithook(_heard)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=_after_fork)
            _installed = True


def _heard(event: str, args: tuple[Any, ...]) -> None:
    if _blocks and (check := _CHECKS.get(event)) is not None:
        check(*args)


def _to_peer(sock: Any, address: Any) -> None:
    try:
        _to_address(sock, address)
    except NetworkBlocked:
        sock.close()  # a caller that waits for an OSError would leave it open
        raise


def _to_address(sock: Any, address: Any) -> None:
    family = sock.family
    if address is None or family in _WITHIN:
        return
    if family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
        host, port = address[0], address[1]
        _refuse(host.decode() if isinstance(host, bytes) else str(host), port)
    else:
        _refuse(f"{getattr(family, 'name', family)} {address!r}", None)


def _to_new(sock: Any, family: int, *_: Any) -> None:
    if family == getattr(socket, "AF_PACKET", None):  # whatever is written to it leaves
        _refuse("AF_PACKET", None)


def _to_name(host: Any, *_: Any) -> None:
    host = host.decode() if isinstance(host, bytes) else host
    if host and not _is_address(host):  # an address needs no looking up
        _refuse(str(host), None, look_up=True)


def _to_name_of(address: Any, *_: Any) -> None:
    host = str(address[0] if isinstance(address, tuple) else address)
    if not _is_loopback(host):
        _refuse(host, None, look_up=True)


def _to_program(program: Any, *_: Any) -> None:
    if children.available():
        _refuse(f"a program that nothing would hold ({os.fsdecode(program)})", None)


_CHECKS: dict[str, Callable[..., None]] = {
    "socket.__new__": _to_new,
    "socket.connect": _to_peer,
    "socket.sendto": _to_address,
    "socket.sendmsg": _to_address,
    "socket.getaddrinfo": _to_name,
    "socket.gethostbyname": _to_name,
    "socket.gethostbyaddr": _to_name_of,
    "socket.getnameinfo": _to_name_of,
    "os.posix_spawn": _to_program,
    "os.system": _to_program,
}


def _refuse(host: str, port: int | None, *, look_up: bool = False) -> None:
    with _lock:
        allowed = [block.allows(host, port, look_up=look_up) for block in _blocks]
    if not all(allowed):
        raise NetworkBlocked(f"a connection to {host} was tried while the network is blocked")


def _may(host: str, port: int | None) -> bool:
    """For programs that were started inside a block: they are free once no block is in force."""
    with _lock:
        allowed = [block.allows(host, port) for block in _blocks]
    return all(allowed)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _posix() -> Any:
    return sys.modules["_posixsubprocess"]


def _holding(original: Any) -> Any:
    """``Popen`` whose program is held; threads of this process do not matter between its fork and its start."""

    def start(self: Any, *args: Any, **options: Any) -> None:
        if not children.available():
            return original(self, *args, **options)  # type: ignore[no-any-return]
        with children.watching(_may) as hold, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking while there are threads
            options["preexec_fn"] = _both(hold, options.get("preexec_fn"))
            return original(self, *args, **options)  # type: ignore[no-any-return]

    return start


def _fork_exec(original: Any) -> Any:
    """How ``multiprocessing`` starts programs: the function to call before the start is the last, or before a flag."""

    def start(*args: Any) -> Any:
        if not children.available():
            return original(*args)
        place = len(args) - (2 if isinstance(args[-1], bool) else 1)
        with children.watching(_may) as hold:
            return original(*args[:place], _both(hold, args[place]), *args[place + 1 :])

    return start


def _both(hold: Callable[[], None], then: Callable[[], object] | None) -> Callable[[], None]:
    def before_start() -> None:
        hold()
        if then is not None:
            then()

    return before_start


def _after_fork() -> None:
    """A process that was forked goes on in Python, where the audit events hold it; nobody reads its list."""
    if _blocks:
        _lock._at_fork_reinit()  # type: ignore[attr-defined]

"""Programs that are held by the kernel: they ask before they connect, and this process answers.

A seccomp filter lets a program run freely but for the calls that name an address; those wait until this process has
read the address and decided (seccomp_unotify(2)). A program cannot take the filter off, and hands it on to every
program that it starts. It is meant for honest code: a program could change the address between the look and the call.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import errno
import fcntl
import functools
import ipaddress
import os
import platform
import select
import socket
import struct
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

May = Callable[[str, int | None], bool]
"""Whether a program may connect to a host and port."""

_MACHINES = {
    # audit number, then seccomp, socket, connect, sendto, sendmsg, sendmmsg
    "x86_64": (0xC000003E, 317, 41, 42, 44, 46, 307),
    "aarch64": (0xC00000B7, 277, 198, 203, 206, 211, 269),
}
_NUMBERS = _MACHINES.get(platform.machine(), (0,) * 7)
_AUDIT, _SECCOMP, _SOCKET, _CONNECT, _SENDTO, _SENDMSG, _SENDMMSG = _NUMBERS
_IO_URING = 425
_X32 = 0x40000000

_SET_NO_NEW_PRIVILEGES, _MODE_FILTER, _NEW_LISTENER = 38, 1, 1 << 3
_ERRNO, _ASK, _ALLOW = 0x00050000, 0x7FC00000, 0x7FFF0000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_RECEIVE, _SEND, _GO_ON = 0xC0502100, 0xC0182101, 1
_QUESTION, _ANSWER = struct.Struct("<QIIiIQ6Q"), struct.Struct("<QqiI")

_HANDING_OVER = 0x40004000
"""Flags of the one message that nobody could answer for yet; for a Unix socket they mean nothing new."""
_UNSPECIFIED, _UNIX, _INET, _INET6, _NETLINK, _PACKET = 0, 1, 2, 10, 16, 17
_CACHE = ("/run/nscd/", "/var/run/nscd/")
"""Unix sockets of a service that looks up users and hosts; without it a program looks for itself."""
_RESOLVERS = ("/run/systemd/resolve/", "/run/avahi-daemon/", "/var/run/avahi-daemon/")
"""Unix sockets of services that ask the network for others."""


def _filter() -> bytes:
    def one(number: int, answer: int) -> list[tuple[int, int, int, int]]:
        return [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, answer)]

    def argument(index: int) -> int:
        return 16 + 8 * index

    program = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, _AUDIT),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),  # another machine's calls, with other numbers
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS if _AUDIT == 0xC000003E else _ALLOW),
        *one(_IO_URING, _ERRNO | errno.ENOSYS),  # it connects without a call of its own
        *one(_CONNECT, _ASK),
        *one(_SENDMMSG, _ASK),
        (_EQUAL, 0, 4, _SENDMSG),
        (_LOAD, 0, 0, argument(2)),
        (_EQUAL, 0, 1, _HANDING_OVER),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ASK),
        (_EQUAL, 0, 6, _SENDTO),  # only with an address
        (_LOAD, 0, 0, argument(4)),
        (_EQUAL, 0, 2, 0),
        (_LOAD, 0, 0, argument(4) + 4),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _ASK),
        (_RETURN, 0, 0, _ALLOW),
        (_EQUAL, 0, 4, _SOCKET),
        (_LOAD, 0, 0, argument(0)),
        (_EQUAL, 0, 1, _PACKET),  # whatever is written to it leaves
        (_RETURN, 0, 0, _ERRNO | errno.EACCES),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


_CODE = ctypes.create_string_buffer(_filter())
_HEAD = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", (len(_CODE) - 1) // 8, ctypes.addressof(_CODE)))


@functools.cache
def available() -> bool:
    """Whether this kernel can hold programs in this way; tried once, on a process that ends at once."""
    if not sys.platform.startswith("linux") or not _AUDIT:
        return False
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking while there are threads
            child = os.fork()
        if not child:
            code = 1
            with contextlib.suppress(BaseException):
                _hold(theirs)
                code = 0
            os._exit(code)
        _, status = os.waitpid(child, 0)
        theirs.close()
        if (listener := _received(ours)) is not None:
            os.close(listener)
        return status == 0


@contextmanager
def watching(may: May) -> Iterator[Callable[[], None]]:
    """Gives what a new process has to call before it starts its program; its questions are answered from then on.

    Args:
        may: asked about every address, in a thread of its own; it remembers what was tried.
    """
    ours, theirs = socket.socketpair()
    threading.Thread(target=_watch, args=(ours, may), daemon=True, name="network-block").start()
    with theirs:
        yield functools.partial(_hold, theirs)


def _hold(to_parent: socket.socket) -> None:
    """In the new process: take the filter and hand its questions to the parent."""
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if libc.prctl(_SET_NO_NEW_PRIVILEGES, ctypes.c_ulong(1), zero, zero, zero):
        raise OSError(ctypes.get_errno(), "prctl")
    mode, flags = ctypes.c_ulong(_MODE_FILTER), ctypes.c_ulong(_NEW_LISTENER)
    listener = libc.syscall(ctypes.c_long(_SECCOMP), mode, flags, _HEAD)
    if listener < 0:
        if (number := ctypes.get_errno()) == errno.EBUSY:  # whoever started this process holds its programs, too
            return
        raise OSError(number, "seccomp")
    fds = array.array("i", [listener])
    to_parent.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)], _HANDING_OVER)
    os.close(listener)


def _received(ours: socket.socket) -> int | None:
    """The listener; ``None`` if no program was started, or it is held already."""
    fds = socket.recv_fds(ours, 1, 1)[1]
    return fds[0] if fds else None


def _watch(ours: socket.socket, may: May) -> None:
    with ours:
        listener = _received(ours)
    if listener is None:
        return
    try:
        waiting = select.poll()
        waiting.register(listener, select.POLLIN)
        while not waiting.poll()[0][1] & (select.POLLHUP | select.POLLERR):  # until none of its processes is left
            with contextlib.suppress(OSError):  # a process may end while its question is looked at
                _answer_one(listener, may)
    finally:
        os.close(listener)


def _answer_one(listener: int, may: May) -> None:
    question = bytearray(_QUESTION.size)
    fcntl.ioctl(listener, _RECEIVE, question)
    number, pid, _, call, _, _, *arguments = _QUESTION.unpack(question)
    try:
        answers = [_allowed(address, may) for address in _addresses(pid, call, arguments)]
    except OSError:  # its memory cannot be read
        answers = [may("an address that cannot be read", None)]
    answer = (number, 0, 0, _GO_ON) if all(answers) else (number, 0, -errno.ENETUNREACH, 0)
    fcntl.ioctl(listener, _SEND, _ANSWER.pack(*answer))


def _addresses(pid: int, call: int, arguments: list[int]) -> list[bytes]:
    """The addresses that a call names; none for a message on a socket that is connected."""
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if call in (_CONNECT, _SENDTO):
            at, length = arguments[1:3] if call == _CONNECT else arguments[4:6]
            return [os.pread(memory, min(length, 128), at)]
        count = min(arguments[2], 1024) if call == _SENDMMSG else 1
        heads = [os.pread(memory, 12, arguments[1] + 64 * n) for n in range(count)]
        named = [struct.unpack("<QI", head) for head in heads]
        return [os.pread(memory, min(length, 128), at) for at, length in named if at]
    finally:
        os.close(memory)


def _allowed(address: bytes, may: May) -> bool:
    family = int.from_bytes(address[:2], "little")
    if family in (_UNSPECIFIED, _NETLINK):  # nothing, and the kernel itself
        return True
    if family == _UNIX:
        path = os.fsdecode(address[2:].partition(b"\0")[0])
        return not path.startswith(_CACHE) and (not path.startswith(_RESOLVERS) or may(path, None))
    if family == _INET and len(address) >= 8:
        return may(str(ipaddress.IPv4Address(address[4:8])), int.from_bytes(address[2:4], "big"))
    if family == _INET6 and len(address) >= 24:
        there = ipaddress.IPv6Address(address[8:24])
        return may(str(there.ipv4_mapped or there), int.from_bytes(address[2:4], "big"))
    return may(f"family {family}", None)

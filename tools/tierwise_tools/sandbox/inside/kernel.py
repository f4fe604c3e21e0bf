"""What a process gives up before it runs what somebody else wrote: rights, files, resources, system calls.

Each of these lasts: no process can take back what it gave up here.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from collections.abc import Iterable

_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_KEEP_CAPABILITIES, _SET_NO_NEW_PRIVILEGES = 1, 4, 8, 38
_SET_SECCOMP, _FILTER = 22, 2
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION = 0x20080522
_READ_SEARCH = 1 << 2

LANDLOCK_NEEDED = 3
"""The first version that keeps a file from being emptied as well."""
_ALL_FILES = (1 << 15) - 1
_DEVICE_IOCTL = 1 << 15
_READ_FILE, _READ_FOLDER, _WRITE_FILE = 1 << 2, 1 << 3, 1 << 1
_OF_FILES = (1 << 0) | _READ_FILE | _WRITE_FILE | (1 << 14)
# In its own folder a program makes files, folders and links, and no devices, sockets or pipes.
_OWN = _READ_FILE | _READ_FOLDER | _WRITE_FILE | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 12 | 1 << 13 | 1 << 14
_TCP, _SOCKETS_AND_SIGNALS = 0b11, 0b11

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def landlock_version() -> int:
    """Of the running kernel; 0 if it has none or it is off."""
    return max(0, int(_libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))))


def die_with_parent() -> None:
    """Be killed as soon as whoever started this process is gone."""
    parent = os.getppid()
    _prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it went in between
        os.kill(os.getpid(), signal.SIGKILL)


def become(user: int, *, keep_reading: bool) -> None:
    """Change from root to a user that owns nothing, for good.

    Args:
        user: its number, also that of its group.
        keep_reading: may still pass folders that are closed to it: the interpreter may lie in root's home. What it
            may open is then held by :func:`only_files` alone.
    """
    os.setgroups([])
    os.setresgid(user, user, user)
    if keep_reading:
        _prctl(_SET_KEEP_CAPABILITIES, 1)
    os.setresuid(user, user, user)
    if keep_reading:
        header = struct.pack("<Ii", _CAPABILITY_VERSION, 0)
        rights = struct.pack("<6I", _READ_SEARCH, _READ_SEARCH, 0, 0, 0, 0)
        _checked(_libc.syscall(_CAPSET[os.uname().machine], header, rights), "capset")
    _prctl(_SET_DUMPABLE, 1)


def no_new_privileges() -> None:
    """Gain no rights from any program; the kernel wants this before it takes a filter."""
    _prctl(_SET_NO_NEW_PRIVILEGES, 1)


def only_files(readable: Iterable[str], own: str) -> None:
    """Hide all other files by Landlock, and TCP, foreign sockets and signals where the kernel can.

    Args:
        readable: files and folders that may be read; those that are not there are passed over.
        own: the folder that may be written.

    Raises:
        OSError: if the kernel's Landlock is off or too old.
    """
    version = landlock_version()
    if version < LANDLOCK_NEEDED:
        raise OSError(f"Landlock {LANDLOCK_NEEDED} is needed and this kernel has {version}")
    files = _ALL_FILES | (_DEVICE_IOCTL if version >= 5 else 0)
    words = (files, _TCP, _SOCKETS_AND_SIGNALS)[: 1 + (version >= 4) + (version >= 6)]
    rules = struct.pack(f"<{len(words)}Q", *words)
    held = _checked(_libc.syscall(_LANDLOCK_CREATE, rules, ctypes.c_size_t(len(rules)), ctypes.c_uint32(0)), "landlock")
    for path in readable:
        _allow(held, path, _READ_FILE | _READ_FOLDER)
    _allow(held, "/dev/null", _READ_FILE | _WRITE_FILE)
    _allow(held, own, _OWN)
    _checked(_libc.syscall(_LANDLOCK_RESTRICT, held, ctypes.c_uint32(0)), "landlock")
    os.close(held)


def only_calls(program: bytes) -> None:
    """Allow only the system calls of a seccomp filter.

    Args:
        program: as :func:`~tierwise_tools.sandbox.inside.syscalls.filter_program` makes it.
    """
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    _prctl(_SET_SECCOMP, _FILTER, ctypes.cast(ctypes.c_char_p(head), ctypes.c_void_p))


def limit(*, memory: int, file_bytes: int, seconds: int, tasks: int, open_files: int) -> None:
    """Bound what this process may use.

    Args:
        memory: bytes of address space.
        file_bytes: size of any file it writes.
        seconds: of processor time.
        tasks: processes and threads of this user, all counted.
        open_files: at the same time.
    """
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_NPROC, tasks),
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _allow(held: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112 (pathlib costs a third of the time to start)
            rights &= _OF_FILES
        rule = struct.pack("<Qi", rights, opened)
        _checked(_libc.syscall(_LANDLOCK_ADD, held, ctypes.c_int(1), rule, ctypes.c_uint32(0)), path)
    finally:
        os.close(opened)


def _prctl(option: int, *arguments: object) -> None:
    given = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    given += [ctypes.c_ulong(0)] * (4 - len(given))
    _checked(_libc.prctl(ctypes.c_int(option), *given), "prctl")


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return int(result)

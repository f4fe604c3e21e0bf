"""What the process that reads documents gives up before it reads the first: memory, files, system calls."""

from __future__ import annotations

import importlib.util
import mimetypes
import os
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib")
_SHARED = ("/etc/ld.so.cache", "/usr/share/zoneinfo", "/dev/null", "/dev/urandom")


@dataclass(frozen=True, slots=True)
class Isolation:
    """What holds the process that reads documents on this machine; its limits of time and output always do.

    Attributes:
        memory: it cannot have more than its limit.
        files: it can open nothing but programs and libraries, and nothing for writing.
        calls: it can open no connection and start no program.
        missing: why something of this is not in force, a sentence each.
    """

    memory: bool
    files: bool
    calls: bool
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = {"memory": self.memory, "files": self.files, "system calls": self.calls}
        held = ", ".join(word for word, is_held in words.items() if is_held) or "nothing but time"
        return " ".join((f"Readers of documents are bounded in {held}.", *self.missing))


def shut_in(memory: int) -> Isolation:
    """Give up, for good, what reading needs not: the last thing before a document is read.

    Args:
        memory: bytes of address space that this process may have.
    """
    missing: list[str] = []
    held = {
        "memory": _limit(memory, missing),
        "files": _attempt("files", _only_libraries, missing),
        "calls": _attempt("system calls", _only_calls, missing),
    }
    return Isolation(**held, missing=tuple(missing))


def _limit(memory: int, missing: list[str]) -> bool:
    if importlib.util.find_spec("resource") is None:
        missing.append("Memory is not limited on this system.")
        return False
    import resource

    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(what, (most, most))
        except (OSError, ValueError):
            missing.append("Memory is not limited: the system refused it.")
            return False
    if sys.platform != "linux":  # the others take the limit and do not keep it
        missing.append("Memory is not limited on this system.")
        return False
    return True


def _attempt(what: str, give_up: Callable[[], None], missing: list[str]) -> bool:
    if sys.platform != "linux":
        missing.append(f"Access to {what} is restricted on Linux only.")
        return False
    try:
        give_up()
    except (OSError, NotImplementedError) as error:
        missing.append(f"Access to {what} is not restricted: {getattr(error, 'strerror', None) or error}.")
        return False
    return True


def _only_libraries() -> None:
    from tierwise_tools.sandbox.inside import kernel

    base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    interpreter = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib", vars=base), f"{sys.base_prefix}/lib")
    readable = [*filter(None, sys.path), *interpreter, *_LIBRARIES, *_SHARED, *mimetypes.knownfiles]
    kernel.no_new_privileges()
    kernel.only_files([str(Path(path).resolve()) for path in readable], own="")


def _only_calls() -> None:
    from tierwise_tools.sandbox.inside import kernel
    from tierwise_tools.sandbox.inside.syscalls import filter_program

    kernel.no_new_privileges()
    kernel.only_calls(filter_program(os.uname().machine, os.getpid()))

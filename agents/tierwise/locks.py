"""Locks between processes: one writer at a time, and nobody in a folder while it changes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tierwise.errors import StoreBusy, StoreError

_STEP = 0.02

if sys.platform == "win32":  # Windows knows no shared locks: readers take turns there
    import msvcrt

    _FAR = 1 << 30  # the locked byte lies behind the text, so that others can read who holds it

    def _try_lock(fd: int, shared: bool) -> bool:
        os.lseek(fd, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(fd: int) -> None:
        os.lseek(fd, _FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(fd: int, shared: bool) -> bool:
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)


@contextmanager
def hold(path: Path, *, wait: float, shared: bool = False) -> Iterator[None]:
    """Hold a lock on ``path`` (made if missing); the system frees it when the process dies, however it dies.

    Args:
        path: the lock's file. An exclusive holder writes its process number into it.
        wait: how long to wait for the others, in seconds.
        shared: any number may hold it so, but not beside an exclusive holder.

    Raises:
        StoreBusy: if it was not free in time.
        StoreError: if the file cannot be made.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            f"{path.parent} cannot be written: {error.strerror or error}.",
            fix="Check its permissions, or set TIERWISE_HOME elsewhere.",
        ) from error
    try:
        deadline = time.monotonic() + wait
        while not _try_lock(fd, shared):
            if time.monotonic() >= deadline:
                raise StoreBusy(
                    f"Another process{_holder(fd)} has been writing to {path.parent} for more than {wait:g} s.",
                    fix="Wait until it is done, or stop it, and try again.",
                )
            time.sleep(_STEP)
        try:
            if not shared:
                os.lseek(fd, 0, os.SEEK_SET)
                os.write(fd, str(os.getpid()).ljust(20).encode())
            yield
        finally:
            _unlock(fd)
    finally:
        os.close(fd)


def _holder(fd: int) -> str:
    os.lseek(fd, 0, os.SEEK_SET)
    pid = os.read(fd, 32).decode("ascii", "replace").strip()
    return f" (process {pid})" if pid.isdigit() else ""

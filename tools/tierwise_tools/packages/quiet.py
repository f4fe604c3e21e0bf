"""Keeps what a package prints at import out of stdout, where programs read JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import Any, cast

_lock = Lock()


class _ByThread:
    """Stands in for ``sys.stdout``: some threads write to ``sys.stderr``, all others where they always did."""

    def __init__(self, stdout: Any) -> None:
        self.stdout = stdout
        self.quiet: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr if get_ident() in self.quiet else self.stdout, name)


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """What this thread prints meanwhile goes to stderr.

    ``contextlib.redirect_stdout`` would take the output of all other threads with it. This leaves them alone, and a
    logging handler that keeps the stand-in goes on to write to the real stream. What is written past ``sys.stdout``,
    to file descriptor 1, cannot be told apart by thread and is let through.
    """
    me = get_ident()
    with _lock:
        if not isinstance(sys.stdout, _ByThread):
            sys.stdout = cast(Any, _ByThread(sys.stdout))
        stand_in = cast(_ByThread, sys.stdout)
        stand_in.quiet.add(me)
    try:
        yield
    finally:
        with _lock:
            stand_in.quiet.discard(me)
            if not stand_in.quiet and sys.stdout is cast(Any, stand_in):
                sys.stdout = stand_in.stdout

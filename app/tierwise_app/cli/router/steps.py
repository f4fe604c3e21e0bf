"""Progress of work that comes in named stages, each with its own number of steps."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tierwise_app.console import err
from tierwise_app.progress import bar

_PLAIN_EVERY = 5.0


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Yield what to call with ``(what, done, total)``: a bar a stage, or a line now and then without a terminal."""
    with ExitStack() as stack:
        current, at = "", 0
        advance: Callable[[], None] = lambda: None  # noqa: E731
        last = time.monotonic()

        def show(what: str, done: int, total: int) -> None:
            nonlocal current, at, advance, last
            if not sys.stderr.isatty():
                if time.monotonic() - last >= _PLAIN_EVERY:
                    last = time.monotonic()
                    err().print(f"{what}: {done} of {total}")
                return
            if what != current:
                stack.close()
                current, at, advance = what, 0, stack.enter_context(bar(what, total))
            while at < done:
                advance()
                at += 1

        yield show

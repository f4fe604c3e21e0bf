"""A message with files: they are read first, then it is asked. Both outlive the page."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tierwise_app.web.desk import Desk
from tierwise_app.web.jobs import Job


@dataclass(slots=True)
class Pending:
    """A message that waits for its files.

    Attributes:
        thread: its thread.
        asked: the message; empty if there are only files.
        job: reads the files.
        over: it was asked, given up, or there was nothing to ask.
    """

    thread: str
    asked: str
    job: Job
    over: bool = False
    _wanted: bool = field(default=True, repr=False)

    def stop(self) -> None:
        """Read no further file, and ask nothing."""
        self._wanted = False
        self.job.stop()


def ask_after(desk: Desk, pending: Pending, options: Callable[[Any], dict[str, Any]]) -> None:
    """Wait for a message's files in a thread of its own, then begin its turn.

    Args:
        desk: the server's.
        pending: the message.
        options: how to ask it, from what the job came to.
    """
    desk.pending[pending.thread] = pending

    def work() -> None:
        try:
            pending.job.ended.wait()
            if pending._wanted and pending.asked:
                desk.ask(pending.asked, thread=pending.thread, **options(pending.job.result))
        finally:
            pending.over = True

    threading.Thread(target=work, daemon=True, name="ask-after-reading").start()

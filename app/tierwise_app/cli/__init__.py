"""The ``tierwise`` command: one small file for each command or group."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; see :func:`tierwise_app.cli.commands.main`."""
    usual = signal.signal(
        signal.SIGINT, lambda *_: os._exit(130)
    )  # nothing has begun: there is nothing to put in order
    try:
        from tierwise_app.cli import commands
    finally:
        signal.signal(signal.SIGINT, usual)
    commands.main(arguments)

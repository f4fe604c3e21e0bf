"""Somebody at a terminal, who reads what appears and types."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
from contextlib import suppress
from typing import Any


class Person:
    """Sits at a terminal with a chat, and does things when a text appears."""

    def __init__(self, cli: Any, *words: str) -> None:
        self.terminal, slave = pty.openpty()
        env = {**os.environ, "TERM": "dumb", "TIERWISE_HOME": str(cli.home), **cli.env}
        command = [sys.executable, "-m", "tierwise_app", *words]
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            cwd=cli.home.parent,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # Ctrl-C reaches the program
        )
        os.close(slave)
        self.seen = ""

    def types(self, text: str, *, after: str) -> None:
        self.sees(after)
        os.write(self.terminal, text.encode())

    def sees(self, text: str) -> None:
        while text not in self.seen:
            ready, _, _ = select.select([self.terminal], [], [], 60)
            assert ready, f"{text!r} never came: {self.seen!r}"
            self.seen += os.read(self.terminal, 65536).decode()
        self.seen = self.seen.partition(text)[2]

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *failed: object) -> None:
        if failed[0] is not None:
            self.process.kill()
        with suppress(OSError):  # Linux reports the end of a terminal as an input/output error
            while os.read(self.terminal, 65536):
                pass
        os.close(self.terminal)
        assert self.process.wait(timeout=60) == 0 or failed[0]

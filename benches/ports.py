"""A port for a program that is told of it and comes to use it later."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

# Below what systems give to those who ask for any port: nobody is given it while its program starts, or starts again.
_OURS = range(20_000, 30_000)


def free_port() -> int:
    """A port that nothing listens on.

    Raises:
        OSError: if there is none.
    """
    for port in random.SystemRandom().sample(_OURS, 200):
        with socket.socket() as trial, suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")

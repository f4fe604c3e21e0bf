"""What the server logs: a line for each request, and where an unexpected error came from. Never what was said."""

from __future__ import annotations

import logging
import time
import traceback
from dataclasses import dataclass
from typing import TextIO

from tierwise.redact import install

_log = logging.getLogger("tierwise.serve")


@dataclass(frozen=True, slots=True)
class Served:
    """A request that is over.

    Attributes:
        id: of the request.
        key: id of its key; ``None`` where none is needed, or none was right.
        method: of HTTP.
        route: its template, as ``/v1/turns/{turn_id}``; ``none`` for what led nowhere.
        status: of the response; 499 if the client left before there was one.
        seconds: until its last byte.
        turn: the turn that was begun or shown.
        refused: why it did not come to a route, in one word.
    """

    id: str
    key: str | None
    method: str
    route: str
    status: int
    seconds: float
    turn: str | None = None
    refused: str | None = None


def log_to(stream: TextIO, *, debug: bool = False) -> None:
    """Write what is logged to a stream, a line each, without secrets, uvicorn's own lines included.

    Args:
        stream: of text.
        debug: also what libraries say that is of no interest when all is well.
    """
    install()
    handler = logging.StreamHandler(stream)
    form = logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    form.converter = time.gmtime
    handler.setFormatter(form)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO if debug else logging.WARNING)
    _log.setLevel(logging.INFO)


def log_request(served: Served) -> None:
    """One line."""
    words = [
        served.id,
        served.key or "-",
        served.method if served.method.isalpha() else "-",
        served.route,
        str(served.status),
        f"{served.seconds * 1000:.0f}ms",
        served.turn or "-",
    ]
    _log.info("%s", " ".join([*words, served.refused] if served.refused else words))


def log_error(request_id: str, error: BaseException) -> None:
    """Where an error came from, without its message: that may repeat what was asked."""
    lines = [f"{request_id} {type(error).__name__}"]
    lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    _log.error("%s", "\n".join(lines))


def log_note(text: str) -> None:
    """Something about the server itself."""
    _log.info("%s", text)

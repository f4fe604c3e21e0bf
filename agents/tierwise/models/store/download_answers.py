"""What a server's answer to a download says: where it goes on, how much there is, or why not."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx2

from tierwise.errors import AuthError, ModelError, ModelNotFound, ServerError

_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_FIGURE = re.compile("[0-9]{1,18}")
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)


class Dropped(Exception):
    """An attempt ended early; the next may succeed.

    Args:
        error: what to raise if no other attempt is made.
        pause: seconds the server asks for.
        anew: what is here already cannot be gone on with.
    """

    def __init__(self, error: ModelError, *, pause: float = 0.0, anew: bool = False) -> None:
        super().__init__(error.what)
        self.error = error
        self.pause = pause
        self.anew = anew


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer that brings bytes.

    Attributes:
        start: place in the file of its first byte; ``None`` if the server went on at a place it does not tell.
        total: bytes of the whole file, if it says.
        validator: what ``If-Range`` may name: a strong entity tag, else the date of the last change.
    """

    start: int | None
    total: int | None
    validator: str | None


def head_of(response: httpx2.Response, host: str) -> Head:
    """Read the head.

    Raises:
        Dropped: if it is worth another attempt.
        ModelError: if the server refuses or does not send the file as it is.
    """
    headers, status = response.headers, response.status_code
    if status not in (200, 206):
        raise _refusal(status, host, headers.get("retry-after", ""))
    encoding = headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise ServerError(f"{host} sends the file in the encoding {encoding!r}, which was not asked for.")
    tag = headers.get("etag", "")
    validator = tag if tag and not tag.startswith("W/") else headers.get("last-modified")
    if status == 206:
        found = _RANGE.fullmatch(headers.get("content-range", ""))
        if found is None:
            return Head(None, None, validator)
        return Head(int(found[1]), None if found[3] == "*" else int(found[3]), validator)
    length = headers.get("content-length", "")
    return Head(0, int(length) if _FIGURE.fullmatch(length) else None, validator)


def _refusal(status: int, host: str, retry_after: str) -> Exception:
    if status == 416:
        return Dropped(ServerError(f"{host} has no such part of the file."), anew=True)
    if status in _TRY_AGAIN:
        error = ServerError(f"{host} cannot serve the file now (HTTP {status}).")
        return Dropped(error, pause=float(retry_after) if _FIGURE.fullmatch(retry_after) else 0.0)
    if status in (401, 403):
        return AuthError(
            f"{host} gives the file to known users only (HTTP {status}).",
            fix="Get it in a browser, then run: tierwise models add PATH --name NAME",
        )
    if status in (404, 410):
        return ModelNotFound(f"{host} does not have the file (HTTP {status}).", fix="Check the address.")
    return ServerError(f"{host} refused the download (HTTP {status}).", fix="Check the address.")

"""What a request brings: so much at most, in so many seconds, and JSON that every reader understands alike."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from starlette.types import Message, Receive

from tierwise_app.serve.problems import Problem

_SECONDS = 30.0  # for a body; of an upload, between two pieces
_UPLOAD_SECONDS = 600.0
_DEEPEST = 64
_LARGEST = 2**63 - 1
_LONG = 64 << 10  # bytes; a longer body is looked through in a thread
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _TooDeep(ValueError):
    pass


async def read(receive: Receive, most: int) -> bytes:
    """The whole body.

    Args:
        receive: of the request.
        most: bytes.

    Raises:
        Problem: 413 if it is longer, 408 if it takes too long, 499 if the client leaves.
    """
    pieces, size = [], 0
    try:
        async with asyncio.timeout(_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem(499, "client_left", "The client has left.")
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                if size > most:
                    raise too_large(most)
                if not message.get("more_body", False):
                    return b"".join(pieces)
    except TimeoutError:
        raise _slow() from None


def again(body: bytes, receive: Receive) -> Receive:
    """Hands a body that was read out once more; then whatever comes."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return first.pop() if first else await receive()

    return replay


class Upload:
    """Passes a body on piece by piece, so that large ones need not fit into memory.

    Args:
        receive: of the request.
        most: bytes.

    Attributes:
        problem: what was wrong with it, once something was: readers of forms may make something else of the error.
    """

    def __init__(self, receive: Receive, most: int) -> None:
        self.problem: Problem | None = None
        self._receive, self._most, self._size, self._over = receive, most, 0, False
        self._until = asyncio.get_running_loop().time() + _UPLOAD_SECONDS

    async def __call__(self) -> Message:
        """The next piece.

        Raises:
            Problem: 413 or 408.
        """
        if self._over:
            return await self._receive()
        left = self._until - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(_SECONDS, left)):
                message = await self._receive()
        except TimeoutError:
            self._refuse(_slow())
        self._over = not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            self._refuse(too_large(self._most))
        return message

    def _refuse(self, problem: Problem) -> NoReturn:
        self.problem = problem
        raise problem


async def check_json(body: bytes) -> None:
    """Refuse JSON that one reader takes for something else than another, or that is made to choke on.

    Raises:
        Problem: 400, saying what is wrong with it.
    """
    if len(body) > _LONG:
        await asyncio.to_thread(_check, body)
    else:
        _check(body)


def _check(body: bytes) -> None:
    try:
        value = json.loads(body.decode(), parse_int=_whole, parse_float=_number, parse_constant=_constant)
        if body.count(b"[") + body.count(b"{") > _DEEPEST:
            _check_depth(value)
        if _SURROGATE.search(body):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError as error:
        raise _bad("The body is not UTF-8 text.") from error
    except json.JSONDecodeError as error:
        raise _bad(f"The body is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from error
    except (RecursionError, _TooDeep) as error:
        raise _bad(f"The body is nested more than {_DEEPEST} deep.") from error
    except ValueError as error:
        raise _bad("The body holds a number that cannot be worked with.") from error


def _whole(text: str) -> int:
    if len(text) > 20 or abs(value := int(text)) > _LARGEST:
        raise ValueError
    return value


def _number(text: str) -> float:
    if len(text) > 400 or not math.isfinite(value := float(text)):
        raise ValueError
    return value


def _constant(_: str) -> NoReturn:
    raise ValueError  # NaN, Infinity


def _check_depth(value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _within(outer) if isinstance(inner, dict | list)]
        if not level:
            return
    raise _TooDeep


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def too_large(most: int) -> Problem:
    """What to say to a body that is too large."""
    return Problem(413, "too_large", f"The body has more than {most:,} bytes.")


def _slow() -> Problem:
    return Problem(408, "too_slow", "The body took too long to come.")


def _bad(message: str) -> Problem:
    return Problem(400, "invalid_json", message)

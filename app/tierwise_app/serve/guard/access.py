"""Who asks: the key of a request, and patience with those who guess."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tierwise.errors import TierwiseError
from tierwise_app.serve.keys import Key, Keys
from tierwise_app.serve.problems import Problem

_FIRST, _LONGEST = 0.1, 5.0  # seconds that a wrong key waits for its answer; it doubles with each
_FORGET = 600.0  # seconds without a wrong key
_PEERS = 1024  # addresses that are remembered
_TOGETHER = 8  # wrong keys of one address that wait at a time


@dataclass
class _Peer:
    wrong: int = 0
    last: float = 0.0
    waiting: int = 0


class Access:
    """Finds the key of a request.

    Args:
        keys: those there are.
        needed: a request needs one though there is none: the server can be reached from elsewhere.
        clock: seconds that only go up.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        needed: bool,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._keys, self._needed, self._clock, self._sleep = keys, needed, clock, sleep
        self._peers: OrderedDict[str, _Peer] = OrderedDict()

    async def key(self, authorization: list[str], peer: str) -> Key | None:
        """The key that a request came with; ``None`` if none is needed.

        A right key is never kept waiting, whatever else comes from its address.

        Args:
            authorization: the values of the header.
            peer: the address it came from.

        Raises:
            Problem: 401 without a key or with a wrong one, 429 for one who guesses much, 503 if keys cannot be read.
        """
        try:
            # Who once needed a key goes on needing one: taking the last away must not open the door.
            self._needed = self._needed or bool(self._keys.all())
            if not self._needed:
                return None
            secret = _token(authorization)
            found = None if secret is None else self._keys.find(secret)
        except TierwiseError as error:
            raise Problem(503, "keys_unreadable", "The server cannot read its keys, so nobody is let in.") from error
        if found is not None:
            return found
        if not authorization:
            raise _unauthorized("This server needs a key.", "Send it as: Authorization: Bearer KEY")
        await self._wait(peer)
        raise _unauthorized("The key is not one of this server.", "Check it, or ask its owner for one.")

    async def _wait(self, peer: str) -> None:
        found = self._peers.setdefault(peer, _Peer())
        self._peers.move_to_end(peer)
        now = self._clock()
        if now - found.last > _FORGET:
            found.wrong = 0
        found.wrong, found.last = found.wrong + 1, now
        while len(self._peers) > _PEERS:
            self._peers.popitem(last=False)
        seconds = min(_FIRST * 2.0 ** min(found.wrong - 1, 16), _LONGEST)
        if found.waiting >= _TOGETHER:
            raise Problem(429, "too_many_wrong_keys", "Too many wrong keys.", retry_after=math.ceil(seconds))
        found.waiting += 1
        try:
            await self._sleep(seconds)
        finally:
            found.waiting -= 1


def _token(values: list[str]) -> str | None:
    """The key in ``Authorization: Bearer KEY``; ``None`` for anything else."""
    if len(values) != 1:
        return None
    scheme, _, token = values[0].strip(" ").partition(" ")
    token = token.strip(" ")
    return token if scheme.lower() == "bearer" and token and not any(c.isspace() for c in token) else None


def _unauthorized(message: str, fix: str) -> Problem:
    return Problem(401, "invalid_api_key", message, fix=fix, headers={"WWW-Authenticate": 'Bearer realm="tierwise"'})

"""The way to a server: its address and key, a client for each event loop, the clocks, the bound on what comes back."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import sys
import time
import weakref
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx2

from tierwise.config import Limits
from tierwise.errors import AuthError, ConfigError, ModelTimeout
from tierwise.models.hosted.errors import Where
from tierwise.redact import remember_variables

if TYPE_CHECKING:
    import openai

OPENAI_URL = "https://api.openai.com/v1"
MAX_REPLY = 16 * 1024 * 1024  # bytes; no answer is that long, but a broken server's line may never end
_T = TypeVar("_T")


async def load_openai() -> None:
    """Import ``openai``: it takes half a second, and who is answered on the device never needs it."""
    if "openai" not in sys.modules:
        await asyncio.to_thread(import_module, "openai")


class Endpoint:
    """Where a model is served, and the key for it.

    Args:
        model: what the server calls it.
        name: how configuration names it, for messages.
        base_url: address of the API; ``None`` is the OpenAI API itself. A query in it (Azure's ``api-version``) is sent
            with every request.
        api_key_env: variable that holds the key; ``OPENAI_API_KEY`` for the OpenAI API. That one is never sent anywhere
            else by default.

    Raises:
        ConfigError: if ``base_url`` is not an address.
    """

    def __init__(self, model: str, *, name: str, base_url: str | None, api_key_env: str | None) -> None:
        self.model = model
        self.name = name
        self.is_openai = base_url is None
        parts = urlsplit(base_url or OPENAI_URL)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"base_url {base_url!r} is not an address.", fix="Write it as http://HOST:PORT/v1.")
        # The client appends its path behind a query, so the query travels separately.
        self._url = parts._replace(query="", fragment="").geturl()
        self._query = dict(parse_qsl(parts.query))
        self._hostname = parts.hostname
        self.host = parts.netloc.rpartition("@")[2]
        self._key_env = api_key_env or ("OPENAI_API_KEY" if self.is_openai else None)
        remember_variables((self._key_env,))

    def where(self, api: str) -> Where:
        """Who is asked, with the key as it is now.

        Raises:
            AuthError: if there is no key, or one that no request can carry; nothing has been sent then.
        """
        key = os.environ.get(self._key_env, "").strip() if self._key_env else ""
        if not key and self._key_env:
            raise AuthError(
                f"{self.name} needs a key, and the variable {self._key_env} is not set.",
                fix=f"Set {self._key_env}" + (", or give the tier a base_url." if self.is_openai else "."),
                nothing_sent=True,
            )
        if not (key.isascii() and key.isprintable()):  # an HTTP header cannot carry it
            raise AuthError(
                f"The key in {self._key_env} holds a character that no key has.",
                fix=f"Set {self._key_env} again, to the key alone.",
                nothing_sent=True,
            )
        return Where(self.model, self.host, self._key_env or "the variable named in api_key_env", key, api)

    def client_options(self, where: Where) -> dict[str, Any]:
        """Arguments of an ``openai`` client, synchronous or not; the retries are ours alone."""
        return {
            "base_url": self._url,
            "api_key": where.key or "none",
            "default_query": self._query,
            "default_headers": {"api-key": where.key} if where.key and self._hostname.endswith(".azure.com") else {},
            "max_retries": 0,
        }

    def http_options(self) -> dict[str, Any]:
        """Arguments of the HTTP client below it, all but the time limits."""
        return {
            "follow_redirects": False,
            # A proxy from the environment is wanted on the way out (many networks have no other), but a request to
            # this machine must not leave it.
            "trust_env": not _is_loopback(self._hostname),
        }


@dataclass(eq=False)
class _Held:
    key: str
    client: openai.AsyncOpenAI
    users: int = 0
    replaced: bool = False


class Clients:
    """One client for each event loop: connections belong to the loop that opened them, and programs run several.

    Args:
        endpoint: where they lead.
        connect: seconds until a connection must stand.
    """

    def __init__(self, endpoint: Endpoint, *, connect: float) -> None:
        self._endpoint = endpoint
        self._connect = connect
        self._held: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Held] = weakref.WeakKeyDictionary()

    @asynccontextmanager
    async def use(self, where: Where) -> AsyncIterator[openai.AsyncOpenAI]:
        """This loop's client. One with an old key is closed as soon as nobody uses it any more."""
        loop = asyncio.get_running_loop()
        held = self._held.get(loop)
        if held is None or held.key != where.key:
            old, held = held, _Held(where.key, self._open(where))
            self._held[loop] = held
            if old is not None:
                old.replaced = True
                if not old.users:
                    await old.client.close()
        held.users += 1
        try:
            yield held.client
        finally:
            held.users -= 1
            if held.replaced and not held.users:
                await held.client.close()

    async def aclose(self) -> None:
        """Close the connections of the current loop, and of other loops that still run."""
        here = asyncio.get_running_loop()
        for loop, held in list(self._held.items()):
            if loop is here:
                await held.client.close()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(held.client.close(), loop)
        self._held.clear()

    def _open(self, where: Where) -> openai.AsyncOpenAI:
        import openai

        http = httpx2.AsyncClient(
            # Our own clocks bound everything after the connection.
            timeout=httpx2.Timeout(None, connect=self._connect),
            event_hooks={"response": [_bound]},
            **self._endpoint.http_options(),
        )
        return openai.AsyncOpenAI(http_client=http, **self._endpoint.client_options(where))


class Clock:
    """The limits after the connection: first token, between tokens, whole call."""

    def __init__(self, limits: Limits, host: str) -> None:
        self._limits, self._host = limits, host
        self._started = self._last = time.monotonic()
        self._begun = False

    def progress(self) -> None:
        """Something of the answer arrived (a ping is not)."""
        self._begun, self._last = True, time.monotonic()

    async def wait(self, work: Awaitable[_T]) -> _T:
        """Await the next thing, as long as the limits leave.

        Raises:
            ModelTimeout: naming the limit that passed.
        """
        limits = self._limits
        step, what, key = (
            (limits.between_tokens, "stopped in the middle of its answer", "between_tokens")
            if self._begun
            else (limits.first_token, "did not begin to answer", "first_token")
        )
        end = self._last + step
        if (last := self._started + limits.total) < end:
            end, step, what, key = last, limits.total, "did not finish its answer", "total"
        try:
            async with asyncio.timeout(max(0.0, end - time.monotonic())):
                return await work
        except TimeoutError as error:
            raise ModelTimeout(
                f"{self._host} {what} within {step:g} s.", fix=f"Raise limits.{key} of this tier, or use another one."
            ) from error


async def _bound(response: httpx2.Response) -> None:
    """Response hook of an asynchronous HTTP client: the body may not grow without end."""
    response.stream = _Bounded(response.stream)


def bound(response: httpx2.Response) -> None:
    """The same for a synchronous client."""
    response.stream = _Bounded(response.stream)


class _Bounded(httpx2.AsyncByteStream, httpx2.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._size = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield self._passed(part)

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            yield self._passed(part)

    def _passed(self, part: bytes) -> bytes:
        # A byte order mark before JSON would hide what a server says of a failure.
        body = part if self._size else part.removeprefix(BOM_UTF8)
        self._size += len(part)
        if self._size > MAX_REPLY:
            raise ValueError(f"the answer is longer than {MAX_REPLY >> 20} MB")
        return body

    async def aclose(self) -> None:
        await self._stream.aclose()

    def close(self) -> None:
        self._stream.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")

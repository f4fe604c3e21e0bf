"""Any server that speaks Chat Completions as a :class:`~tierwise.models.base.ChatModel`."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import weakref
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import openai

from tierwise.config import Limits, Tier
from tierwise.errors import AuthError, ConfigError
from tierwise.models.base import Capabilities, ChatRequest, Chunk
from tierwise.models.openai_errors import Where, explain, is_about, is_context_error
from tierwise.models.openai_reply import Clock, Reply, bounded
from tierwise.models.openai_wire import body, estimate_tokens

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_WINDOW = 128_000


class OpenAIChat:
    """A hosted model: the OpenAI API, Azure, vLLM, llama-server, Ollama, LM Studio and the like.

    Nothing is retried here except a request whose *form* the server rejects (an unknown ``stream_options``,
    ``max_tokens`` or ``temperature``), once for each, and that is remembered.

    Args:
        model: what the server calls it.
        name: how configuration names it; default ``openai:MODEL``.
        base_url: address of the API; ``None`` is the OpenAI API itself. A query in it (Azure's ``api-version``) is sent
            with every request.
        api_key_env: variable that holds the key; ``OPENAI_API_KEY`` for the OpenAI API. That one is never sent anywhere
            else by default.
        limits: the four time limits.
        context_window: tokens.
        on_device: the owner says that the server runs on this machine.
    """

    def __init__(
        self,
        model: str,
        *,
        name: str | None = None,
        base_url: str | None = None,
        api_key_env: str | None = None,
        limits: Limits | None = None,
        context_window: int | None = None,
        on_device: bool = False,
    ) -> None:
        self._model = model
        self._name = name or f"openai:{model}"
        self._own_api = base_url is None
        parts = urlsplit(base_url or OPENAI_URL)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"base_url {base_url!r} is not an address.", fix="Write it as http://HOST:PORT/v1.")
        # The client appends its path behind a query, so the query travels separately.
        self._url = parts._replace(query="", fragment="").geturl()
        self._query = dict(parse_qsl(parts.query))
        self._host = parts.netloc.rpartition("@")[2]
        self._hostname = parts.hostname
        self._key_env = api_key_env or ("OPENAI_API_KEY" if self._own_api else None)
        self._limits = limits or Limits()
        self._window = context_window or DEFAULT_WINDOW
        self._on_device = on_device
        self._rejected: set[str] = set()
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[str, openai.AsyncOpenAI]]
        self._clients = weakref.WeakKeyDictionary()

    @classmethod
    def from_tier(cls, tier: Tier) -> OpenAIChat:
        """The model of a tier whose ``model`` is ``openai:NAME``."""
        return cls(
            tier.model_name.removeprefix("openai:"),
            name=tier.model_name,
            base_url=tier.base_url,
            api_key_env=tier.api_key_env,
            limits=tier.limits,
            context_window=tier.context_window,
            on_device=tier.on_device,
        )

    @property
    def name(self) -> str:
        """How configuration names it."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Known without asking the server."""
        return Capabilities(context_window=self._window, on_device=self._on_device, tools="native", host=self._host)

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        """Run one model step. See :class:`~tierwise.models.base.ChatModel`."""
        where = self._where()
        clock = Clock(self._limits, where.host)
        reply = Reply(request, where)
        try:
            stream = await self._send(request, where, clock)
            try:
                async for item in reply.read(stream, clock):
                    yield item
            finally:
                await stream.close()
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, TypeError) as error:
            raise explain(error, where) from error
        yield reply.completed(self._model, sent_bytes=len(stream.response.request.content))

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Estimates: the server's tokenizer is not here."""
        return [estimate_tokens(text) for text in texts]

    async def aclose(self) -> None:
        """Close the connections of the current loop, and of other loops that still run."""
        here = asyncio.get_running_loop()
        for loop, (_, client) in list(self._clients.items()):
            if loop is here:
                await client.close()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(client.close(), loop)
        self._clients.clear()

    # -- the request ---------------------------------------------------------------------------------------------------

    def _where(self) -> Where:
        key = os.environ.get(self._key_env, "").strip() if self._key_env else ""
        if not key and self._key_env:
            raise AuthError(
                f"{self._name} needs a key, and the variable {self._key_env} is not set.",
                fix=f"Set {self._key_env}" + (", or give the tier a base_url." if self._own_api else "."),
                nothing_sent=True,
            )
        if not (key.isascii() and key.isprintable()):  # an HTTP header cannot carry it
            raise AuthError(
                f"The key in {self._key_env} holds a character that no key has.",
                fix=f"Set {self._key_env} again, to the key alone.",
                nothing_sent=True,
            )
        return Where(self._model, self._host, self._key_env or "the variable named in api_key_env", key)

    async def _send(self, request: ChatRequest, where: Where, clock: Clock) -> openai.AsyncStream[Any]:
        while True:
            call = self._accepted(body(self._model, request))
            try:
                created: openai.AsyncStream[Any] = await clock.wait(self._client(where).chat.completions.create(**call))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if is_context_error(error) or not self._learn(error, call):
                    raise
            else:
                return created

    def _accepted(self, call: dict[str, Any]) -> dict[str, Any]:
        if "max_tokens" in self._rejected:
            call["max_completion_tokens"] = call.pop("max_tokens")
        for name in self._rejected - {"max_tokens"}:
            call.pop(name, None)
        if self._own_api:
            call["store"] = False
        return call

    def _learn(self, error: openai.APIStatusError, call: dict[str, Any]) -> bool:
        """Note which parameter this server does not take; false if the error is about something else."""
        for name in ("stream_options", "max_tokens", "temperature"):
            if name in call and name not in self._rejected and is_about(error, name):
                self._rejected.add(name)
                return True
        return False

    def _client(self, where: Where) -> openai.AsyncOpenAI:
        # Connections belong to the loop that opened them, and programs run several loops, one after the other.
        loop = asyncio.get_running_loop()
        known = self._clients.get(loop)
        if known is None or known[0] != where.key:
            known = self._clients[loop] = (where.key, self._connect(where))
        return known[1]

    def _connect(self, where: Where) -> openai.AsyncOpenAI:
        headers = {"api-key": where.key} if where.key and self._hostname.endswith(".azure.com") else {}
        return openai.AsyncOpenAI(
            base_url=self._url,
            api_key=where.key or "none",
            default_query=self._query,
            default_headers=headers,
            max_retries=0,
            http_client=httpx2.AsyncClient(
                # Our own clocks bound everything after the connection.
                timeout=httpx2.Timeout(None, connect=self._limits.connect),
                follow_redirects=False,
                event_hooks={"response": [bounded]},
                # A proxy from the environment is wanted on the way out (many networks have no other), but a request
                # to this machine must not leave it.
                trust_env=not _is_loopback(self._hostname),
            ),
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")

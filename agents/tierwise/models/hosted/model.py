"""What the two flavours of hosted models share: everything but the form of requests and answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import httpx2

from tierwise.config import Limits, Tier
from tierwise.errors import AdapterError, ContextTooLong
from tierwise.models.base import Capabilities, ChatRequest, Chunk
from tierwise.models.hosted.client import Clients, Clock, Endpoint, load_openai
from tierwise.models.hosted.errors import Where, explain, is_context_error
from tierwise.models.hosted.form import Form, Format
from tierwise.models.hosted.reply import Reply
from tierwise.models.hosted.wire import estimate_prompt, estimate_tokens
from tierwise.models.tools.dialects import Dialect, Kind, dialect_for

if TYPE_CHECKING:
    import openai

DEFAULT_WINDOW = 128_000
_LEAST_WINDOW = 256  # tokens; what a server says that leaves less is not believed
_UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, RecursionError)  # what a server sent, to who reads it
_FORM_REJECTED = (400, 422, 500)  # by the book; by FastAPI; llama-cpp-python's server says 500 to what it does not know


class OpenAIModel(ABC):
    """A hosted model behind an API of OpenAI's make.

    Nothing is retried here except a request whose *form* the server rejects (a parameter it does not know, a way to ask
    for JSON), once for each, and that is remembered. So is a window that turns out to be smaller than was said.

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
        reasoning: effort of a reasoning model, as the server names it; ``None`` leaves it to the server.

    Raises:
        ConfigError: if ``base_url`` is not an address.
    """

    api: ClassVar[str]
    path: ClassVar[str]  # below the base URL
    """What the flavour is called in configuration."""

    parameters: ClassVar[tuple[str, ...]]
    """Parameters that are left out, or sent in another way, once the server rejects them."""

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
        reasoning: str | None = None,
    ) -> None:
        self._name = name or f"openai:{model}"
        self._limits = limits or Limits()
        self._window = context_window or DEFAULT_WINDOW
        self._on_device = on_device
        self.reasoning = reasoning
        self.endpoint = Endpoint(model, name=self._name, base_url=base_url, api_key_env=api_key_env)
        self.form = Form(*self.parameters)
        self._clients = Clients(self.endpoint, connect=self._limits.connect)

    @classmethod
    def from_tier(cls, tier: Tier) -> Self:
        """The model of a tier whose ``model`` is ``openai:NAME``."""
        return cls(
            tier.model_name.removeprefix("openai:"),
            name=tier.model_name,
            base_url=tier.base_url,
            api_key_env=tier.api_key_env,
            limits=tier.limits,
            context_window=tier.context_window,
            on_device=tier.on_device,
            reasoning=tier.reasoning,
        )

    @property
    def name(self) -> str:
        """How configuration names it."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Known without asking the server."""
        return Capabilities(
            context_window=self._window,
            on_device=self._on_device,
            tools="native",
            host=self.endpoint.host,
            structured="native",
        )

    async def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        """Run one model step. See :class:`~tierwise.models.base.ChatModel`."""
        if request.adapter is not None:
            raise AdapterError(
                f"{self._name} is a hosted model and cannot wear an adapter.",
                fix="Use a llama: model for it.",
                nothing_sent=True,
            )
        where = self.endpoint.where(self.api)
        await load_openai()
        import openai

        clock = Clock(self._limits, where.host)
        reply = self.reply(request, where, clock)
        try:
            async with self._clients.use(where) as client:
                stream = await self._send(client, request, clock, reply)
                try:
                    async for item in reply.read(stream.response):
                        yield item
                finally:
                    await stream.close()
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, OSError, *_UNREADABLE) as error:
            found = explain(error, where)
            found.nothing_sent = found.nothing_sent and not reply.sent_bytes
            if isinstance(found, ContextTooLong):
                self._learn_window(found.window, request)
            raise found from error
        yield reply.completed()

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Estimates: the server's tokenizer is not here."""
        return [estimate_tokens(text) for text in texts]

    async def aclose(self) -> None:
        """Close the connections of the current loop, and of other loops that still run."""
        await self._clients.aclose()

    # -- what a flavour says -------------------------------------------------------------------------------------------

    @abstractmethod
    def call(self, request: ChatRequest, way: Format, dialects: Sequence[Dialect]) -> dict[str, Any]:
        """Arguments of the streamed call, in the form that the server takes; a dialect for each tool."""

    @abstractmethod
    def reply(self, request: ChatRequest, where: Where, clock: Clock) -> Reply:
        """The reader of its answer."""

    def _learn_window(self, told: int | None, request: ChatRequest) -> None:
        """Believe the server's number if the prompt was beyond it by our count, else take three quarters of the prompt.

        Our count is an estimate: a server may find too long what seems to fit its own number.
        """
        sent = estimate_prompt(request.messages)
        if told is None or told >= sent + request.max_tokens:
            told = sent * 3 // 4
        self._window = min(self._window, max(_LEAST_WINDOW, told))

    async def _send(
        self, client: openai.AsyncOpenAI, request: ChatRequest, clock: Clock, reply: Reply
    ) -> openai.AsyncStream[Any]:
        """The stream; ``reply`` notes the bytes of all requests it took."""
        import openai

        formats = self.form.formats(request.schema)
        while True:
            kind: Kind = "openai-strict" if self.endpoint.is_openai and self.form.strict_tools else "lax"
            dialects = [dialect_for(tool.parameters, kind) for tool in request.tools]
            call = self.call(request, formats[0], dialects)
            reply.absent = {t.name: d.absent for t, d in zip(request.tools, dialects, strict=True)}
            try:
                stream = await clock.wait(_streamed(client, self.path, call))
            except openai.APIStatusError as error:
                about_form = error.status_code in _FORM_REJECTED and not is_context_error(error)
                if not about_form or not self.form.learn(error, call, formats):
                    raise
                reply.sent_bytes += len(error.response.request.content)
            else:
                reply.sent_bytes += len(stream.response.request.content)
                return stream


async def _streamed(client: openai.AsyncOpenAI, path: str, call: dict[str, Any]) -> openai.AsyncStream[Any]:
    """Send it, in the client's way and with its errors. The stream is not iterated: its body is read by us."""
    import openai

    return await client.post(path, body=call, cast_to=object, stream=True, stream_cls=openai.AsyncStream[Any])

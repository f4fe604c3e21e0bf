"""Reading one streamed answer: its clocks, its bounds, and what servers put into it."""

from __future__ import annotations

import asyncio
import json
import time
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from typing import Any, TypeVar

import httpx2
import openai

from tierwise.config import Limits
from tierwise.errors import ContentFiltered, ModelTimeout, ServerError
from tierwise.models.base import Called, ChatRequest, Completed, Delta
from tierwise.models.openai_errors import Where, no_protocol
from tierwise.models.openai_wire import CallAssembler, Characters, estimate_prompt, estimate_tokens, finish_of
from tierwise.types import Usage

MAX_REPLY = 16 * 1024 * 1024  # bytes; no answer is that long, but a broken server's line may never end
_T = TypeVar("_T")


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


class Reply:
    """Reads one answer and keeps what its end needs.

    Args:
        request: what was asked, for estimates.
        where: who was asked, for the wording of errors.
    """

    def __init__(self, request: ChatRequest, where: Where) -> None:
        self._request, self._where = request, where
        self._calls = CallAssembler()
        self._characters = Characters()
        self._text = ""
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._served = ""

    async def read(self, stream: openai.AsyncStream[Any], clock: Clock) -> AsyncIterator[Delta | Called]:
        """Yield text as it comes, then the tool calls.

        Raises:
            ServerError: if it is no chat completion, or ends before it is complete.
            ContentFiltered: if the filter left nothing.
            ModelTimeout: if a limit passes.
        """
        kind = stream.response.headers.get("content-type", "").partition(";")[0]
        if kind == "text/html":
            raise no_protocol(self._where, "answered with a web page")
        if kind == "application/json":  # some servers ignore that a stream was asked for
            for text in self._take(json.loads(await clock.wait(stream.response.aread())), "message"):
                yield Delta(text)
        else:
            chunks = aiter(stream)
            while (chunk := await clock.wait(anext(chunks, None))) is not None:
                for text in self._take(chunk, "delta", clock):
                    yield Delta(text)
        if self._finish is None and not self._text:
            raise no_protocol(self._where, "sent no chat completion")
        if self._finish is None:
            raise ServerError(f"{self._where.host} broke off its answer.", fix="Try again.")
        if rest := self._characters.rest():
            yield Delta(rest)
        for call in self._calls.calls(asked=self._where.model):
            yield Called(call)
        if self._finish == "content_filter" and not self._text:
            raise ContentFiltered(
                f"The content filter of {self._where.host} stopped the answer.", fix="Reword the question."
            )

    def completed(self, model: str, *, sent_bytes: int) -> Completed:
        """The last item of the stream; usage is estimated if the server reported none."""
        usage = self._usage or Usage(
            prompt_tokens=estimate_prompt(self._request.messages),
            completion_tokens=estimate_tokens(self._text),
            estimated=True,
        )
        return Completed(
            finish=finish_of(self._finish or "stop", called=bool(self._calls)),
            usage=usage,
            model_served=self._served or model,
            sent_bytes=sent_bytes,
        )

    def _take(self, chunk: Any, part: str, clock: Clock | None = None) -> Iterator[str]:
        self._served = str(_field(chunk, "model") or self._served)
        self._note_usage(_field(chunk, "usage"))
        for choice in (_field(chunk, "choices") or ())[:1]:
            delta = _field(choice, part)
            calls = _field(delta, "tool_calls") or ()
            for call in calls:
                function = _field(call, "function")
                self._calls.add(
                    _field(call, "index"),
                    _field(call, "id"),
                    _field(function, "name"),
                    _field(function, "arguments"),
                )
            said = _field(delta, "content") or _field(delta, "refusal") or ""
            thought = _field(delta, "reasoning_content") or _field(delta, "reasoning")
            if clock is not None and (said or thought or calls):
                clock.progress()
            if text := self._characters.feed(said):
                self._text += text
                yield text
            self._finish = _field(choice, "finish_reason") or self._finish

    def _note_usage(self, usage: Any) -> None:
        prompt, completion = _field(usage, "prompt_tokens"), _field(usage, "completion_tokens")
        if isinstance(prompt, int) and isinstance(completion, int):
            cached = _field(_field(usage, "prompt_tokens_details"), "cached_tokens")
            self._usage = Usage(prompt, completion, cached if isinstance(cached, int) else 0)


def _field(value: Any, name: str) -> Any:
    """A field of whatever the server sent; ``None`` if there is no such thing."""
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


async def bounded(response: httpx2.Response) -> None:
    """Response hook of the HTTP client: the body may not grow without end."""
    response.stream = _Bounded(response.stream)


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            # A byte order mark before the first event would hide that event from the reader.
            body = part if size else part.removeprefix(BOM_UTF8)
            size += len(part)
            if size > MAX_REPLY:
                raise ValueError(f"the answer is longer than {MAX_REPLY >> 20} MB")
            yield body

    async def aclose(self) -> None:
        await self._stream.aclose()

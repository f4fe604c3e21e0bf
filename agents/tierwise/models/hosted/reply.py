"""Reading one streamed answer, whatever its flavour: its bounds, and what servers put into it."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from itertools import chain
from typing import Any, ClassVar

import httpx2

from tierwise.errors import ContentFiltered, ServerError
from tierwise.models.base import Called, ChatRequest, Completed, Delta
from tierwise.models.hosted.client import Clock
from tierwise.models.hosted.errors import Where, no_protocol
from tierwise.models.hosted.incoming import Incoming
from tierwise.models.hosted.wire import CallAssembler, Characters, estimate_prompt, estimate_tokens, finish_of
from tierwise.models.stops import StopFilter
from tierwise.models.tools.streaming import CallReader
from tierwise.models.tools.strict_schema import Place
from tierwise.types import Usage

_MOST_TOKENS = 10**9  # a count beyond it is none
# A piece of text is hardly ever less than a token: a server that sends more pieces takes no notice of max_tokens, and a
# model that repeats itself would go on until the clock ends it.
_PIECES_A_TOKEN, _MORE_PIECES = 2, 64


class Reply(ABC):
    """Reads one answer and keeps what its end needs.

    Args:
        request: what was asked.
        where: who was asked, for the wording of errors.
        clock: told whenever something of the answer arrives.
    """

    kind: ClassVar[str]
    """What the server should have sent, in words."""

    def __init__(self, request: ChatRequest, where: Where, clock: Clock) -> None:
        self._request, self._where, self._clock = request, where, clock
        self._characters = Characters()
        self._stops = StopFilter(request.stop)
        self._reader = CallReader(request.tools) if request.tools and request.schema is None else None
        self._called = self._streamed = False
        self.calls = CallAssembler()
        self.absent: dict[str, tuple[Place, ...]] = {}  # by tool, where null means that a property is left out
        self.text = ""
        self.finish: str | None = None
        self.usage: Usage | None = None
        self.served = ""
        self.sent_bytes = 0  # of all requests it took

    @abstractmethod
    def take(self, chunk: Any) -> Iterator[str]:
        """Take one event of the stream; yield what it adds to the text."""

    @abstractmethod
    def take_whole(self, answer: Any) -> Iterator[str]:
        """Take a whole answer; yield what it adds to the text."""

    async def read(self, response: httpx2.Response) -> AsyncIterator[Delta | Called]:
        """Yield text as it comes, then the tool calls.

        An answer that is nothing but a call written as text is a call, if tools were offered.

        Raises:
            ServerError: if it is not the protocol, or ends before it is complete.
            ContentFiltered: if the filter left nothing.
            ModelTimeout: if a limit passes.
        """
        pieces, most = 0, _PIECES_A_TOKEN * self._request.max_tokens + _MORE_PIECES
        async with aclosing(self._reads(response)) as reads:
            async for texts in reads:
                for text in texts:
                    pieces += 1
                    if shown := self._shown(self._stops.feed(text)):
                        yield Delta(shown)
                    if self._stops.hit:  # not every server, and no Responses API, ends there by itself
                        self.finish, self.calls = "stop", CallAssembler()
                        for item in self._last():
                            yield item
                        return
                    if pieces > most:
                        break
                if pieces > most:
                    self.finish, self.usage = "length", None
                    break
        if self.finish is None and not self.text and not self.calls:
            missing = no_protocol(self._where, f"sent no {self.kind}")
            # A stream that ends before it has begun may come the next time; anything else is what the server says.
            raise ServerError(missing.what, fix=missing.fix) if self._streamed else missing
        if self.finish is None:
            raise ServerError(f"{self._where.host} broke off its answer.", fix="Try again.")
        if rest := self._shown(self._stops.rest() + self._characters.rest()):
            yield Delta(rest)
        for item in self._last():
            yield item
        if self.finish == "content_filter" and not self.text:
            raise ContentFiltered(
                f"The content filter of {self._where.host} stopped the answer.", fix="Reword the question."
            )

    def completed(self) -> Completed:
        """The last item of the stream; usage is estimated if the server reported none."""
        usage = self.usage or Usage(
            prompt_tokens=estimate_prompt(self._request.messages),
            completion_tokens=estimate_tokens(self.text),
            estimated=True,
        )
        return Completed(
            finish=finish_of(self.finish or "stop", called=self._called),
            usage=usage,
            model_served=self.served or self._where.model,
            sent_bytes=self.sent_bytes,
        )

    def said(self, text: Any) -> Iterator[str]:
        """Note a piece of text; yield what of it are whole characters."""
        if isinstance(text, str) and (whole := self._characters.feed(text)):
            self.text += whole
            yield whole

    def _shown(self, text: str) -> str:
        """What of a text can be shown now."""
        return text if self._reader is None else self._reader.feed(text)

    def _last(self) -> list[Delta | Called]:
        """What was held back because it might be a call, and the calls; one that came both ways comes once."""
        cut = finish_of(self.finish or "", called=False) == "length"
        calls = self.calls.calls(self._request.tools, cut=cut, absent=self.absent)
        known = [(call.name, call.arguments) for call in calls]
        held = self._reader.finish(cut=cut) if self._reader is not None else []
        fresh = [i for i in held if isinstance(i, Delta) or (i.call.name, i.call.arguments) not in known]
        last = [*fresh, *map(Called, calls)]
        self._called = any(isinstance(item, Called) for item in last)
        return last

    async def _reads(self, response: httpx2.Response) -> AsyncGenerator[Iterator[str], None]:
        """What each read adds to the text."""
        kind = response.headers.get("content-type", "").partition(";")[0]
        if kind == "text/html":
            raise no_protocol(self._where, "answered with a web page")
        if kind == "application/json":  # some servers ignore that a stream was asked for
            yield self.take_whole(json.loads(await self._clock.wait(response.aread())))
            return
        self._streamed = True
        async with aclosing(Incoming(response, self._clock).reads()) as reads:
            async for values in reads:
                yield chain.from_iterable(map(self.take, values))


def field_of(value: Any, name: str) -> Any:
    """A field of whatever the server sent; ``None`` if there is no such thing."""
    return value.get(name) if isinstance(value, dict) else None


def usage_of(prompt: Any, completion: Any, cached: Any) -> Usage | None:
    """Usage from what the server reported; ``None`` unless it reported both counts."""
    if not (_is_count(prompt) and _is_count(completion)):
        return None
    return Usage(prompt, completion, cached if _is_count(cached) else 0)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= _MOST_TOKENS

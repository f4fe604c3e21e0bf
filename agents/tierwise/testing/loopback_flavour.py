"""What the loopback server must know of a flavour of the protocol: how to read a request, how to write an answer."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from tierwise.models.base import ChatRequest, Completed
from tierwise.types import ToolCall

Event = dict[str, Any] | str
Events = Iterator[Event]


class Flavour(ABC):
    """One request and its answer.

    Args:
        data: the request's body.
        model: what the model is called if the request does not say.

    Raises:
        KeyError | TypeError | ValueError | AttributeError: if it is no such request.
    """

    def __init__(self, data: dict[str, Any], model: str) -> None:
        self.data = data
        self.model = str(data.get("model", model))
        self.request: ChatRequest = self.read(data)

    @staticmethod
    @abstractmethod
    def read(data: dict[str, Any]) -> ChatRequest:
        """The model step that is asked for."""

    @abstractmethod
    def whole(self, text: str, calls: Sequence[ToolCall], done: Completed, *, usage: bool) -> dict[str, Any]:
        """The answer in one piece."""

    @abstractmethod
    def text(self, text: str) -> Events:
        """A piece of text."""

    @abstractmethod
    def call(self, call: ToolCall) -> Events:
        """A tool call."""

    @abstractmethod
    def end(self, done: Completed, *, usage: bool) -> Events:
        """The end of the stream."""

    @abstractmethod
    def failure(self, message: str) -> Events:
        """The end of a stream that broke off."""

    def line(self, event: Event) -> str:
        """An event on the wire."""
        return f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n"


def text_of(content: Any) -> str:
    """The text of a message, which may come in parts."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return str(content or "")

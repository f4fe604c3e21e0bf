"""Chat Completions, as the loopback server speaks them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

from tierwise.models.base import ChatRequest, Completed, ToolSpec
from tierwise.testing.loopback_flavour import Events, Flavour, text_of
from tierwise.types import Message, ToolCall


class ChatFlavour(Flavour):
    """One chat completion."""

    def __init__(self, data: dict[str, Any], model: str) -> None:
        super().__init__(data, model)
        self._base = {"id": f"chatcmpl-{uuid.uuid4().hex[:16]}", "created": int(time.time()), "model": self.model}
        self._calls = 0

    @staticmethod
    def read(data: dict[str, Any]) -> ChatRequest:
        """The model step that is asked for."""
        stop = data.get("stop") or ()
        return ChatRequest(
            messages=tuple(_read_message(m) for m in data["messages"]),
            max_tokens=int(data.get("max_completion_tokens") or data.get("max_tokens") or 512),
            temperature=float(data.get("temperature") or 0.0),
            seed=data.get("seed"),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            tools=tuple(_read_tool(t["function"]) for t in data.get("tools") or ()),
            evidence=False,
            schema=_read_schema(data.get("response_format") or {}),
            must_call=data.get("tool_choice") == "required",
        )

    def whole(self, text: str, calls: Sequence[ToolCall], done: Completed, *, usage: bool) -> dict[str, Any]:
        """The answer in one piece."""
        asked = [_call_json(call, n) for n, call in enumerate(calls)]
        message = {"role": "assistant", "content": text or None, **({"tool_calls": asked} if asked else {})}
        choice = {"index": 0, "message": message, "finish_reason": done.finish}
        extra = {"usage": _usage_json(done)} if usage else {}
        return {**self._base, "object": "chat.completion", "choices": [choice], **extra}

    def text(self, text: str) -> Events:
        """A piece of text."""
        yield self._chunk({"content": text})

    def call(self, call: ToolCall) -> Events:
        """A tool call."""
        yield self._chunk({"tool_calls": [_call_json(call, self._calls)]})
        self._calls += 1

    def end(self, done: Completed, *, usage: bool) -> Events:
        """The end of the stream; usage comes if it was asked for."""
        yield self._chunk({}, done.finish)
        if usage and (self.data.get("stream_options") or {}).get("include_usage"):
            yield {**self._base, "object": "chat.completion.chunk", "choices": [], "usage": _usage_json(done)}
        yield "[DONE]"

    def failure(self, message: str) -> Events:
        """The end of a stream that broke off."""
        yield {"error": {"message": message, "type": "server_error"}}
        yield "[DONE]"

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**self._base, "object": "chat.completion.chunk", "choices": [choice]}


def _usage_json(done: Completed) -> dict[str, Any]:
    prompt, completion = done.usage.prompt_tokens, done.usage.completion_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": done.usage.cached_tokens},
    }


def _call_json(call: ToolCall, index: int) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    return {"index": index, "id": call.id, "type": "function", "function": function}


def _read_schema(response_format: dict[str, Any]) -> dict[str, Any] | None:
    match response_format.get("type", "text"):
        case "json_schema":
            return dict(response_format["json_schema"]["schema"])
        case "json_object":
            return {"type": "object"}
        case "text":
            return None
        case other:
            raise ValueError(f"response_format {other!r}")


def _read_tool(function: dict[str, Any]) -> ToolSpec:
    return ToolSpec(function["name"], function.get("description", ""), function.get("parameters") or {"type": "object"})


def _read_message(message: dict[str, Any]) -> Message:
    role = {"developer": "system"}.get(message["role"], message["role"])
    calls = tuple(
        ToolCall(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"] or "{}"))
        for c in message.get("tool_calls") or ()
    )
    return Message(role, text_of(message.get("content")), calls, message.get("tool_call_id"))

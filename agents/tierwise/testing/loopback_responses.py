"""The Responses API, as the loopback server speaks it: stateless, with function tools and typed events."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from tierwise.models.base import ChatRequest, Completed, ToolSpec
from tierwise.testing.loopback_flavour import Event, Events, Flavour, text_of
from tierwise.types import Message, ToolCall

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class ResponsesFlavour(Flavour):
    """One response."""

    def __init__(self, data: dict[str, Any], model: str) -> None:
        super().__init__(data, model)
        self._id, self._created = f"resp_{uuid.uuid4().hex[:16]}", int(time.time())
        self._output: list[dict[str, Any]] = []  # finished items
        self._message: dict[str, Any] | None = None  # the one being written
        self._events = 0

    @staticmethod
    def read(data: dict[str, Any]) -> ChatRequest:
        """The model step that is asked for."""
        if data.get("previous_response_id") or data.get("conversation"):
            raise ValueError("this server stores nothing: send the whole conversation as input")
        given = data["input"]
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        system = [Message("system", data["instructions"])] if data.get("instructions") else []
        return ChatRequest(
            messages=(*system, *_read_items(items)),
            max_tokens=int(data.get("max_output_tokens") or 512),
            temperature=float(data.get("temperature") or 0.0),
            tools=tuple(_read_tool(t) for t in data.get("tools") or ()),
            evidence=False,
            schema=_read_schema((data.get("text") or {}).get("format") or {}),
            must_call=data.get("tool_choice") == "required",
        )

    def whole(self, text: str, calls: Sequence[ToolCall], done: Completed, *, usage: bool) -> dict[str, Any]:
        """The answer in one piece."""
        if text:
            self._output.append(_message_json(text))
        self._output += [_call_json(call) for call in calls]
        return self._response(_status(done), done=done, usage=usage)

    def text(self, text: str) -> Events:
        """A piece of text; the first opens the response and its message."""
        yield from self._open()
        if self._message is None:
            self._message = _message_json("", status="in_progress")
            opened = {**self._message, "content": []}
            yield self._event("response.output_item.added", output_index=len(self._output), item=opened)
            yield self._event("response.content_part.added", **self._part(), part=self._message["content"][0])
        self._message["content"][0]["text"] += text
        yield self._event("response.output_text.delta", **self._part(), delta=text, logprobs=[])

    def call(self, call: ToolCall) -> Events:
        """A tool call."""
        yield from self._open()
        yield from self._close_message()
        item, index = _call_json(call), len(self._output)
        opened = {**item, "arguments": "", "status": "in_progress"}
        yield self._event("response.output_item.added", output_index=index, item=opened)
        place = {"item_id": item["id"], "output_index": index}
        yield self._event("response.function_call_arguments.delta", **place, delta=item["arguments"])
        yield self._event(
            "response.function_call_arguments.done", **place, name=item["name"], arguments=item["arguments"]
        )
        yield self._event("response.output_item.done", output_index=index, item=item)
        self._output.append(item)

    def end(self, done: Completed, *, usage: bool) -> Events:
        """The end of the stream, with the whole response."""
        yield from self._open()
        yield from self._close_message()
        status = _status(done)
        yield self._event(f"response.{status}", response=self._response(status, done=done, usage=usage))

    def failure(self, message: str) -> Events:
        """The end of a stream that broke off."""
        error = {"code": "server_error", "message": message}
        yield self._event("response.failed", response={**self._response("failed"), "error": error})

    def line(self, event: Event) -> str:
        """An event on the wire, with its name."""
        assert isinstance(event, dict)
        return f"event: {event['type']}\n{super().line(event)}"

    def _open(self) -> Events:
        if not self._events:
            yield self._event("response.created", response=self._response("in_progress"))
            yield self._event("response.in_progress", response=self._response("in_progress"))

    def _close_message(self) -> Events:
        if self._message is not None:
            message = {**self._message, "status": "completed"}
            text = message["content"][0]["text"]
            yield self._event("response.output_text.done", **self._part(), text=text, logprobs=[])
            yield self._event("response.content_part.done", **self._part(), part=message["content"][0])
            yield self._event("response.output_item.done", output_index=len(self._output), item=message)
            self._output.append(message)
            self._message = None

    def _part(self) -> dict[str, Any]:
        assert self._message is not None
        return {"item_id": self._message["id"], "output_index": len(self._output), "content_index": 0}

    def _event(self, kind: str, **fields: Any) -> dict[str, Any]:
        self._events += 1
        return {"type": kind, "sequence_number": self._events - 1, **fields}

    def _response(self, status: str, *, done: Completed | None = None, usage: bool = False) -> dict[str, Any]:
        reason = _INCOMPLETE.get(done.finish) if done is not None else None
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "model": self.model,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "instructions": self.data.get("instructions"),
            "metadata": {},
            "output": list(self._output),
            "parallel_tool_calls": True,
            "temperature": self.request.temperature,
            "tool_choice": "auto",
            "tools": self.data.get("tools") or [],
            "top_p": 1.0,
            "max_output_tokens": self.request.max_tokens,
            "store": False,
            "usage": _usage_json(done) if done is not None and usage else None,
        }


def _status(done: Completed) -> str:
    return "incomplete" if done.finish in _INCOMPLETE else "completed"


def _message_json(text: str, *, status: str = "completed") -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "id": f"msg_{uuid.uuid4().hex[:16]}",
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [part],
    }


def _call_json(call: ToolCall) -> dict[str, Any]:
    return {
        "id": f"fc_{uuid.uuid4().hex[:16]}",
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": json.dumps(call.arguments),
        "status": "completed",
    }


def _usage_json(done: Completed) -> dict[str, Any]:
    prompt, completion = done.usage.prompt_tokens, done.usage.completion_tokens
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": done.usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }


def _read_items(items: Sequence[dict[str, Any]]) -> Iterator[Message]:
    """The conversation; calls that follow each other, or a text of the assistant, are one message."""
    said, calls = "", []
    for item in [*items, None]:
        if item is not None and item.get("type") == "function_call":
            calls.append(ToolCall(item["call_id"], item["name"], json.loads(item["arguments"] or "{}")))
            continue
        if calls or said:
            yield Message("assistant", said, tuple(calls))
            said, calls = "", []
        if item is None or item.get("type") == "reasoning":
            continue
        if item.get("type") == "function_call_output":
            yield Message("tool", text_of(item["output"]), (), item["call_id"])
        elif item["role"] == "assistant":
            said = text_of(item["content"])
        else:
            yield Message("user" if item["role"] == "user" else "system", text_of(item["content"]))


def _read_schema(text_format: dict[str, Any]) -> dict[str, Any] | None:
    match text_format.get("type", "text"):
        case "json_schema":
            return dict(text_format["schema"])
        case "json_object":
            return {"type": "object"}
        case "text":
            return None
        case other:
            raise ValueError(f"text.format {other!r}")


def _read_tool(tool: dict[str, Any]) -> ToolSpec:
    if tool["type"] != "function":
        raise ValueError(f"a tool of type {tool['type']!r}")
    return ToolSpec(tool["name"], tool.get("description") or "", tool.get("parameters") or {"type": "object"})

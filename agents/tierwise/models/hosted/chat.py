"""Any server that speaks Chat Completions as a :class:`~tierwise.models.base.ChatModel`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tierwise.models.base import ChatRequest, ToolSpec
from tierwise.models.hosted.client import Clock
from tierwise.models.hosted.errors import Where
from tierwise.models.hosted.form import Format, messages_for
from tierwise.models.hosted.model import OpenAIModel
from tierwise.models.hosted.reply import Reply, field_of, usage_of
from tierwise.models.schemas.strict import strict_form
from tierwise.models.tools.dialects import Dialect
from tierwise.types import Message


class OpenAIChat(OpenAIModel):
    """A hosted model by Chat Completions: vLLM, llama-server, Ollama, LM Studio, Azure, the OpenAI API and the like.

    Its arguments are those of :class:`~tierwise.models.hosted.model.OpenAIModel`.
    """

    api = "chat"
    path = "/chat/completions"
    parameters = ("stream_options", "max_tokens", "temperature", "reasoning_effort", "tool_choice")

    def call(self, request: ChatRequest, way: Format, dialects: Sequence[Dialect]) -> dict[str, Any]:
        """Arguments of ``chat.completions.create``."""
        data: dict[str, Any] = {
            "model": self.endpoint.model,
            "messages": [_message(m) for m in messages_for(request, way)],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self.reasoning is not None:
            data["reasoning_effort"] = self.reasoning
        if request.tools:
            data["tools"] = [_tool(tool, dialect) for tool, dialect in zip(request.tools, dialects, strict=True)]
            if request.must_call:
                data["tool_choice"] = "required"
        if "max_tokens" in self.form.rejected:
            data["max_completion_tokens"] = data["max_tokens"]
        for name in self.form.rejected:
            data.pop(name, None)
        if request.seed is not None:
            data["seed"] = request.seed
        if request.stop:
            data["stop"] = list(request.stop)
        if request.schema is not None and way != "text":
            data["response_format"] = _response_format(request.schema, way)
        if self.endpoint.is_openai:
            data["store"] = False
        return data

    def reply(self, request: ChatRequest, where: Where, clock: Clock) -> Reply:
        """The reader of its answer."""
        return _ChatReply(request, where, clock)


def _message(message: Message) -> dict[str, Any]:
    data: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        data["content"] = message.content or None
        data["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": json.dumps(c.arguments)}}
            for c in message.tool_calls
        ]
    if message.role == "tool":
        data["tool_call_id"] = message.tool_call_id
    return data


def _tool(tool: ToolSpec, dialect: Dialect) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dialect.parameters}
    return {"type": "function", "function": {**function, "strict": True} if dialect.strict else function}


def _response_format(schema: dict[str, Any], way: Format) -> dict[str, Any]:
    if way == "object":
        return {"type": "json_object"}
    strict = strict_form(schema) if way == "strict" else None
    inner = {"name": "answer", "schema": strict or schema, "strict": strict is not None}
    return {"type": "json_schema", "json_schema": inner}


class _ChatReply(Reply):
    kind = "chat completion"

    def take(self, chunk: Any) -> Iterator[str]:
        return self._take(chunk, "delta")

    def take_whole(self, answer: Any) -> Iterator[str]:
        return self._take(answer, "message")

    def _take(self, chunk: Any, part: str) -> Iterator[str]:
        self.served = str(field_of(chunk, "model") or self.served)
        if usage := field_of(chunk, "usage"):
            cached = field_of(field_of(usage, "prompt_tokens_details"), "cached_tokens")
            counted = usage_of(field_of(usage, "prompt_tokens"), field_of(usage, "completion_tokens"), cached)
            self.usage = counted or self.usage
        for choice in (field_of(chunk, "choices") or ())[:1]:
            delta = field_of(choice, part)
            calls = field_of(delta, "tool_calls") or ()
            for call in calls:
                function = field_of(call, "function")
                self.calls.add(
                    field_of(call, "index"),
                    field_of(call, "id"),
                    field_of(function, "name"),
                    field_of(function, "arguments"),
                )
            said = field_of(delta, "content") or field_of(delta, "refusal")
            if said or calls or field_of(delta, "reasoning_content") or field_of(delta, "reasoning"):
                self._clock.progress()
            if said:
                yield from self.said(said)
            self.finish = field_of(choice, "finish_reason") or self.finish

"""The Responses API as a :class:`~tierwise.models.base.ChatModel`.

Stateless: every request carries the whole conversation, and nothing is stored at the server (``store`` is false).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tierwise.models.base import ChatRequest, ToolSpec
from tierwise.models.hosted.client import Clock
from tierwise.models.hosted.errors import Where
from tierwise.models.hosted.form import Format, messages_for
from tierwise.models.hosted.model import OpenAIModel
from tierwise.models.hosted.reply import Reply
from tierwise.models.hosted.responses_reply import ResponsesReply
from tierwise.models.schemas.strict import strict_form
from tierwise.models.tools.dialects import Dialect
from tierwise.types import Message

_LEAST_TOKENS = 16  # of the OpenAI API; servers of others take any number


class OpenAIResponses(OpenAIModel):
    """A hosted model by the Responses API.

    Its arguments are those of :class:`~tierwise.models.hosted.model.OpenAIModel`. The API has no stop texts and no
    seed: the answer is cut, and the connection closed, at the first stop text; a seed is not sent.
    """

    api = "responses"
    path = "/responses"
    parameters = ("temperature", "reasoning", "max_output_tokens", "tool_choice")

    def call(self, request: ChatRequest, way: Format, dialects: Sequence[Dialect]) -> dict[str, Any]:
        """Arguments of ``responses.create``."""
        messages = messages_for(request, way)
        system = messages[0].content if messages and messages[0].role == "system" else None
        data: dict[str, Any] = {
            "model": self.endpoint.model,
            "input": _items(messages if system is None else messages[1:]),
            "max_output_tokens": request.max_tokens,
            "temperature": request.temperature,
            "stream": True,
            "store": False,
        }
        if system is not None:
            data["instructions"] = system
        if self.reasoning is not None:
            data["reasoning"] = {"effort": self.reasoning}
        if request.tools:
            data["tools"] = [_tool(tool, dialect) for tool, dialect in zip(request.tools, dialects, strict=True)]
            if request.must_call:
                data["tool_choice"] = "required"
        for name in self.form.rejected - {"max_output_tokens"}:
            data.pop(name, None)
        if "max_output_tokens" in self.form.rejected:
            data["max_output_tokens"] = max(_LEAST_TOKENS, request.max_tokens)
        if request.schema is not None and way != "text":
            data["text"] = {"format": _format(request.schema, way)}
        return data

    def reply(self, request: ChatRequest, where: Where, clock: Clock) -> Reply:
        """The reader of its answer."""
        return ResponsesReply(request, where, clock)


def _items(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [item for message in messages for item in _items_of(message)]


def _items_of(message: Message) -> Iterator[dict[str, Any]]:
    if message.role == "tool":
        yield {"type": "function_call_output", "call_id": message.tool_call_id, "output": message.content}
        return
    if message.content or not message.tool_calls:
        yield {"type": "message", "role": message.role, "content": message.content}
    for call in message.tool_calls:
        arguments = json.dumps(call.arguments)
        yield {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments}


def _tool(tool: ToolSpec, dialect: Dialect) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": dialect.parameters,
        "strict": dialect.strict,  # without a word, it is taken for true
    }


def _format(schema: dict[str, Any], way: Format) -> dict[str, Any]:
    if way == "object":
        return {"type": "json_object"}
    strict = strict_form(schema) if way == "strict" else None
    return {"type": "json_schema", "name": "answer", "schema": strict or schema, "strict": strict is not None}

"""What a server takes of what we would like to send, learned from what it rejects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from tierwise.models.base import ChatRequest
from tierwise.models.hosted.errors import is_about, is_bad_schema
from tierwise.models.schemas.strict import strict_form
from tierwise.types import Message

if TYPE_CHECKING:
    import openai

Format = Literal["strict", "schema", "object", "text"]
"""How an answer that must fit a schema is asked for: natively (strict or not), as any JSON object, in words alone."""

_FORMAT_NAMES = ("response_format", "text.format", "json_schema", "json_object")


class Form:
    """The form of requests to one model: what was rejected once is not sent again.

    Args:
        parameters: names that may be left out, or be sent in another way.

    Attributes:
        rejected: those of them that were rejected.
        strict_tools: the schemas of tools may be sent in strict mode.
    """

    def __init__(self, *parameters: str) -> None:
        self._parameters = parameters
        self._formats: set[Format] = set()
        self.rejected: set[str] = set()
        self.strict_tools = True

    def formats(self, schema: dict[str, Any] | None) -> list[Format]:
        """Ways to ask for an answer that fits the schema, best first; the last cannot be rejected."""
        if schema is None:
            return ["text"]
        ways: tuple[Format, ...] = ("strict", "schema", "object") if strict_form(schema) else ("schema", "object")
        return [*(way for way in ways if way not in self._formats), "text"]

    def learn(self, error: openai.APIStatusError, call: dict[str, Any], formats: list[Format]) -> bool:
        """Change what the server complains about; false if that is nothing we could do without.

        Args:
            error: what the server said to it.
            call: what was sent.
            formats: what :meth:`formats` gave; the first is what was sent, and taken out if it was rejected.
        """
        if len(formats) > 1 and any(is_about(error, name) for name in _FORMAT_NAMES):
            rejected = formats.pop(0)
            if not is_bad_schema(error):
                self._formats.add(rejected)
            return True
        if _has_strict_tools(call) and (is_bad_schema(error) or str(error.param or "").startswith("tools")):
            self.strict_tools = False
            return True
        for name in self._parameters:
            if name in call and name not in self.rejected and is_about(error, name):
                self.rejected.add(name)
                return True
        return False


def _has_strict_tools(call: dict[str, Any]) -> bool:
    return any(tool.get("strict") or tool.get("function", {}).get("strict") for tool in call.get("tools", ()))


def messages_for(request: ChatRequest, way: Format) -> Sequence[Message]:
    """The conversation; a schema that the server is not given is told to the model in words."""
    if request.schema is None or way in ("strict", "schema"):
        return request.messages
    schema = json.dumps(request.schema, ensure_ascii=False, separators=(",", ":"))
    told = f"Answer with one JSON value and nothing else. It must fit this JSON Schema: {schema}"
    first, rest = request.messages[:1], request.messages[1:]
    if first and first[0].role == "system":
        return (Message("system", f"{first[0].content}\n\n{told}"), *rest)
    return (Message("system", told), *request.messages)

"""Tiers whose answers follow from what they are asked, so that one server serves many tests."""

from __future__ import annotations

from tierwise.errors import ContextTooLong, Unreachable
from tierwise.models import ChatRequest
from tierwise.testing import Step
from tierwise.types import ToolCall
from tierwise_tools import tool

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@tool(effects="write")
def send(text: str) -> str:
    """Send a message to Ann.

    Args:
        text: what to say.
    """
    raise AssertionError("nobody said yes")


def asked(request: ChatRequest) -> str:
    """What the user said last."""
    return next(message.content for message in reversed(request.messages) if message.role == "user")


def quick(request: ChatRequest) -> str | Step:
    """The tier on the device; it is unsure of what is hard."""
    question, last = asked(request), request.messages[-1]
    offered = {spec.name for spec in request.tools}
    if last.role == "tool":
        return f"The tool says: {last.content}"
    if "weather" in question and "get_weather" in offered:
        cities = [city for city in ("Rome", "Oslo") if city in question]
        return Step(calls=tuple(ToolCall(f"call_{n}", "get_weather", {"city": c}) for n, c in enumerate(cities)))
    if "Tell Ann" in question:
        return Step(calls=(ToolCall("call_0", "send", {"text": "hello"}),))
    if "person" in question:
        return '{"name": "Ann", "age": 41}'
    if "hard" in question:
        return "UNSURE: it may be four, or so they say."
    if "slow" in question:
        return Step("word " * 2000, delay=0.01)
    if "nobody" in question:
        return Step(error=Unreachable("The server at /srv/models/secret.gguf is not there."))
    if "endless" in question:
        return Step(error=ContextTooLong("The prompt does not fit the window."))
    if "everything" in question:
        return " | ".join(f"{m.role}: {m.content}" for m in request.messages)
    text = "Paris is the capital of France, and Lyon is not."
    return Step(text, finish="length" if request.max_tokens < 9 else None)


def deep(request: ChatRequest) -> str | Step:
    """The tier that is not on the device."""
    question = asked(request)
    if "nobody" in question:
        return Step(error=Unreachable("No connection."))
    if "endless" in question:
        return Step(error=ContextTooLong("The prompt does not fit the window."))
    if "slow" in question:
        return Step("five " * 2000, delay=0.01)
    return "It is five, and that is certain."

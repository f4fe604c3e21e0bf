"""Scripted models that call tools, and tools whose effects can be counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tierwise.models import ChatRequest
from tierwise.testing import Step
from tierwise.types import ToolCall
from tierwise_tools import Tool, tool


def calling(*calls: tuple[str, dict[str, Any]], text: str = "") -> Step:
    """A step that asks for tools."""
    return Step(text, calls=tuple(ToolCall(f"id{n}", name, arguments) for n, (name, arguments) in enumerate(calls)))


def results(request: ChatRequest) -> list[str]:
    """What the model reads as results of its calls."""
    return [m.content for m in request.messages if m.role == "tool"]


def echo(request: ChatRequest) -> Step:
    """An answer that says what the tools gave."""
    return Step(" | ".join(results(request)))


@dataclass
class Outbox:
    """Counts what was really sent."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    @property
    def send(self) -> Tool[..., Any]:
        """A tool that changes something outside."""

        @tool(effects="write")
        def send(to: str, text: str) -> str:
            """Send a message.

            Args:
                to: who gets it.
                text: what it says.
            """
            self.sent.append((to, text))
            return f"sent to {to}"

        return send

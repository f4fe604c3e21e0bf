"""What both flavours of the protocol have in common: estimates, half characters, tool calls in pieces."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from tierwise.models.base import ToolSpec
from tierwise.models.tools.reading import as_tool_call, read_arguments
from tierwise.models.tools.strict_schema import Place
from tierwise.types import Finish, Message, ToolCall

_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def finish_of(word: object, *, called: bool) -> Finish:
    """Our word for a server's ``finish_reason``; some say ``stop`` though they ask for a tool."""
    return "tool_calls" if called and word in ("stop", "eos") else _FINISH.get(str(word), "stop")


def estimate_tokens(text: str) -> int:
    """Tokens of a text by its size: four bytes of UTF-8 a token, rounded up."""
    return math.ceil(len(text.encode("utf-8", "replace")) / 4)


def estimate_prompt(messages: Sequence[Message]) -> int:
    """The same for a conversation, with four tokens a message for what surrounds it."""
    return sum(4 + estimate_tokens(m.content) for m in messages)


class CallAssembler:
    """Puts tool calls together from the pieces of a stream, which servers cut and number in different ways."""

    def __init__(self) -> None:
        self._parts: dict[int, dict[str, str]] = {}

    def __len__(self) -> int:
        return len(self._parts)

    def add(self, index: int | None, call_id: Any, name: Any, arguments: Any) -> None:
        """Take one piece. A missing index means: the call in work, or a new one if the id is new."""
        call_id = str(call_id or "")
        if index is None:
            last = max(self._parts, default=-1)
            is_new = last < 0 or (call_id and call_id != self._parts[last]["id"])
            index = last + 1 if is_new else last
        part = self._parts.setdefault(index, {"id": "", "name": "", "arguments": ""})
        part["id"] = part["id"] or call_id
        part["name"] = part["name"] or str(name or "")
        # By the protocol they are a text; some servers send the object itself.
        piece = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
        # Some send the whole once more at the end; the same object again is not a different wish.
        if piece != part["arguments"] or not _is_object(piece):
            part["arguments"] += piece

    def calls(self, tools: Sequence[ToolSpec], *, cut: bool, absent: Mapping[str, tuple[Place, ...]]) -> list[ToolCall]:
        """The finished calls in order; one that cannot be run has a problem, one without an id is given one.

        Args:
            tools: what was offered.
            cut: the answer came to its limit.
            absent: see :func:`~tierwise.models.tools.reading.read_arguments`.
        """
        parts = [part for _, part in sorted(self._parts.items())]
        return [
            as_tool_call(
                read_arguments(part["arguments"], part["name"], tools, cut=cut and part is parts[-1], absent=absent),
                part["id"] or f"call_{number}",
            )
            for number, part in enumerate(parts)
        ]


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


class Characters:
    """Joins surrogate pairs that a server split over two chunks, so that no half character passes."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Add text; what can be shown now."""
        text = self._half + text
        self._half = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        if text.isascii():
            return text
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def rest(self) -> str:
        """A replacement character if the last pair was never completed."""
        half, self._half = self._half, ""
        return "\ufffd" if half else ""

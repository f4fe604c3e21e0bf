"""Telling calls from text while an answer comes in: text passes at once, a call is never shown as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tierwise.models.base import Called, Delta, ToolSpec
from tierwise.models.schemas.scalars import MAX_LENGTH
from tierwise.models.tool_text import OPEN
from tierwise.models.tools.reading import Bad, Call, as_tool_call, read_marked, read_text
from tierwise.models.tools.text_forms import may_become_call
from tierwise.types import ToolCall


class CallReader:
    """Reads one answer.

    An answer is held back while its beginning may still become a call in one of the forms of
    :mod:`tierwise.models.tools.text_forms`, and is one only if all of it is. A model that is shown its tools in the
    prompt may say something first: there a call begins wherever ``<tool_call>`` does, and only what may still become
    that mark is held back. What begins so is a call for better or worse: one that is cut off has a problem, and is not
    shown as text.

    Args:
        tools: what was offered.
        marked: a call may come behind text, at the mark.
        closes: a call is brought to its end by force when its room runs short: it is whole then, and marked as cut.
    """

    def __init__(self, tools: Sequence[ToolSpec], *, marked: bool = False, closes: bool = False) -> None:
        self._tools, self._marked, self._closes = tools, marked, closes
        self._names = [tool.name for tool in tools]
        self._held = ""
        self._may_be_whole = True

    def feed(self, text: str) -> str:
        """Take a piece of the answer; what of it can be shown."""
        self._held += text
        if self._may_be_whole and may_become_call(self._held, self._names):
            return ""
        self._may_be_whole = False
        known = _begin(self._held, OPEN) if self._marked else len(self._held)
        shown, self._held = self._held[:known], self._held[known:]
        return shown

    def finish(self, *, cut: bool) -> list[Delta | Called]:
        """The answer is over; what was held back.

        Args:
            cut: it came to its limit.
        """
        text, self._held = self._held, ""
        at = text.find(OPEN) if self._marked else -1
        calls: Sequence[Call | Bad] = ()
        rest = ""
        if self._may_be_whole and at != 0 and (calls := read_text(text, self._tools, cut=cut)):
            text = ""
        elif at >= 0:
            # A grammar writes whole calls there: what lacks anything is cut, by the limit or by a stop text.
            calls, rest = read_marked(text[at:], self._tools, cut=True)
            text = text[:at]
        called = [Called(self._told(call, cut=cut)) for call in calls]
        items: tuple[Delta | Called, ...] = (Delta(text), *called, Delta(rest))
        return [item for item in items if isinstance(item, Called) or item.text]

    def _told(self, call: Call | Bad, *, cut: bool) -> ToolCall:
        """The call; cut if the limit, or the bound that the grammar sets for a text, has ended it and not the model."""
        at_bound = self._marked and any(len(text) == MAX_LENGTH for text in _texts(call.arguments))
        ended = isinstance(call, Call) and (at_bound or (cut and self._closes))
        return replace(as_tool_call(call), cut=ended)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _begin(text: str, mark: str) -> int:
    """Where in a text a mark begins, or may begin once more of the text is there."""
    at = text.find(mark)
    if at >= 0:
        return at
    part = next((n for n in range(min(len(mark) - 1, len(text)), 0, -1) if mark.startswith(text[-n:])), 0)
    return len(text) - part

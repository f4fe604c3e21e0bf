"""Reading the typed events of one streamed response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx2

from tierwise.models.hosted.reply import Reply, field_of, usage_of

if TYPE_CHECKING:
    import openai

_SAYS = ("response.output_text.delta", "response.refusal.delta")
_ENDS = ("response.completed", "response.incomplete", "response.failed")
_FINISH = {"max_output_tokens": "length", "content_filter": "content_filter"}


class ResponsesReply(Reply):
    """Reads one response. A refusal is the answer's text, as it is in Chat Completions."""

    kind = "response"

    def take(self, chunk: Any) -> Iterator[str]:
        """Take one event of the stream; yield what it adds to the text."""
        match str(field_of(chunk, "type") or ""):
            case kind if kind in _SAYS:
                self._clock.progress()
                yield from self.said(field_of(chunk, "delta"))
            case "response.output_item.done":
                self._clock.progress()
                self._note_call(field_of(chunk, "item"))
            case "response.created" | "response.in_progress":
                self.served = str(field_of(field_of(chunk, "response"), "model") or self.served)
            case kind if kind in _ENDS:
                yield from self.take_whole(field_of(chunk, "response"))
            case "error":
                raise _as_error(chunk)
            case kind if kind.endswith((".delta", ".added")):  # it thinks, or writes arguments
                self._clock.progress()

    def take_whole(self, answer: Any) -> Iterator[str]:
        """Take the finished response: of its output, what the stream has not brought already."""
        self.served = str(field_of(answer, "model") or self.served)
        usage = field_of(answer, "usage")
        cached = field_of(field_of(usage, "input_tokens_details"), "cached_tokens")
        # Reasoning tokens are among the output tokens.
        self.usage = usage_of(field_of(usage, "input_tokens"), field_of(usage, "output_tokens"), cached) or self.usage
        match field_of(answer, "status"):
            case "failed" | "cancelled":
                raise _as_error(field_of(answer, "error"))
            case "completed":
                self.finish = "stop"
            case "incomplete":
                reason = field_of(field_of(answer, "incomplete_details"), "reason")
                self.finish = _FINISH.get(str(reason), "length")
        silent, uncalled = not self.text, not self.calls
        for item in field_of(answer, "output") or ():
            if uncalled:
                self._note_call(item)
            if silent and field_of(item, "type") == "message":
                for part in field_of(item, "content") or ():
                    yield from self.said(field_of(part, "text") or field_of(part, "refusal"))

    def _note_call(self, item: Any) -> None:
        if field_of(item, "type") == "function_call":
            call_id = field_of(item, "call_id") or field_of(item, "id")
            self.calls.add(len(self.calls), call_id, field_of(item, "name"), field_of(item, "arguments"))


def _as_error(said: Any) -> openai.APIError:
    """What the server reports inside of a stream, as the client's own error for it."""
    body = {name: field_of(said, name) for name in ("code", "message", "param", "type")}
    # The client attaches a request to every error of its own; nothing reads this one.
    import openai

    request = httpx2.Request("POST", "http://localhost/")
    return openai.APIError(str(body["message"] or "it failed"), request, body=body)

"""A chat completion as it is sent: in one piece, or in chunks."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from tierwise import Answer, TierwiseError, ToolCall
from tierwise_app.serve import sse
from tierwise_app.serve.openai.held import Piece, Queued, Told, as_problem
from tierwise_app.serve.openai.telling import extension_of
from tierwise_app.serve.problems import Problem
from tierwise_app.serve.turns import Watched


def completion(answer: Answer, model: str, waited: float | None = None) -> dict[str, Any]:
    """The object ``chat.completion``.

    Args:
        answer: the answer.
        model: what was asked for, where no tier answered.
        waited: seconds that the turn stood in the line.
    """
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None, "annotations": []}
    if answer.calls:
        message["content"] = answer.text or None
        message["tool_calls"] = [_call(call) for call in answer.calls]
    return {
        "id": f"chatcmpl-{answer.turn_id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": answer.tier or model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(answer)}],
        "usage": usage_of(answer),
        "tierwise": extension_of(answer, waited),
    }


async def chunks(
    parts: AsyncGenerator[Told, None], watched: Watched, model: str, *, usage: bool
) -> AsyncGenerator[str, None]:
    """The events of a stream; what goes wrong in the middle is an event, and then nothing comes.

    Args:
        parts: what may be shown of the turn; closed at the end.
        watched: the turn.
        model: what was asked for, where no tier answered.
        usage: with a chunk of usage.
    """
    writer = _Writer(watched, model, usage)
    ready: list[str] = []
    try:
        async with aclosing(parts):
            async for told in parts:
                if isinstance(told, Queued):
                    yield sse.comment(told.words)
                elif isinstance(told, Piece) and watched.answer is None:
                    yield writer.piece(told)
                elif isinstance(told, Piece):  # all that is left is there, and is sent at once
                    ready.append(writer.piece(told))
                else:
                    yield "".join([*ready, *writer.end(told.answer)])
    except (Problem, TierwiseError) as error:
        yield "".join([*ready, sse.event(json.dumps(as_problem(error).body))])
    except Exception:
        problem = Problem(500, "internal", "Something unexpected went wrong.")
        yield "".join([*ready, sse.event(json.dumps(problem.body))])
        raise


class _Writer:
    def __init__(self, watched: Watched, model: str, usage: bool) -> None:
        self._watched, self._model, self._usage = watched, model, usage
        self._created = int(time.time())
        self._id: str | None = None

    def piece(self, piece: Piece) -> str:
        """A piece of text; the first says who speaks."""
        return self._chunk(self._first() | {"content": piece.text}, piece.tier)

    def end(self, answer: Answer) -> Iterator[str]:
        """Calls, how it ended, what it took."""
        if self._id is None:  # not a word
            yield self._chunk(self._first() | {"content": ""}, answer.tier)
        for n, call in enumerate(answer.calls):
            yield self._chunk({"tool_calls": [{"index": n, **_call(call)}]}, answer.tier)
        yield self._chunk({}, answer.tier, _finish(answer), tierwise=extension_of(answer, self._watched.waited))
        if self._usage:
            yield self._event([], answer.tier, usage=usage_of(answer))
        yield sse.event("[DONE]")

    def _first(self) -> dict[str, Any]:
        if self._id is not None:
            return {}
        self._id = f"chatcmpl-{self._watched.turn_id}"
        return {"role": "assistant", "refusal": None}

    def _chunk(self, delta: dict[str, Any], tier: str | None, finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._event([choice], tier, **({"usage": None} if self._usage else {}), **more)

    def _event(self, choices: list[Any], tier: str | None, **more: Any) -> str:
        chunk = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": tier or self._model,
            "choices": choices,
            **more,
        }
        return sse.event(
            json.dumps(chunk, separators=(",", ":"))
        )  # in ASCII: some clients end a line at any mark that ends one somewhere


def usage_of(answer: Answer) -> dict[str, Any]:
    """The tokens of all attempts of the turn."""
    used = answer.usage
    return {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "total_tokens": used.prompt_tokens + used.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
    }


def _finish(answer: Answer) -> str:
    if answer.calls:
        return "tool_calls"
    return answer.finish if answer.finish in ("length", "content_filter") else "stop"


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}

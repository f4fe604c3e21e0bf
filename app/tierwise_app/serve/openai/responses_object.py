"""The response object: what was asked, and what became of it."""

from __future__ import annotations

from typing import Any

from tierwise import Answer
from tierwise.types import Finish, Usage
from tierwise_app.serve.openai.responses_input import Item, call_item, message_item, shown
from tierwise_app.serve.openai.telling import extension_of, problem_of
from tierwise_app.serve.problems import Problem

Object = dict[str, Any]
PREFIX = "resp_"
_INCOMPLETE: dict[Finish | None, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
_STATUS = {"running": "in_progress", "needs_approval": "in_progress", "stopped": "cancelled"}
# The codes of errors that programs know; what is not named is the server's own failure.
_CODES = {
    "rate_limited": "rate_limit_exceeded",
    "context_length_exceeded": "invalid_prompt",
    "blocked": "invalid_prompt",
}
_MADE = 11  # hexadecimal digits of milliseconds that a turn's id begins with


def response_id(turn_id: str) -> str:
    """The id of a turn's response."""
    return f"{PREFIX}{turn_id}"


def begun(turn_id: str, said: Object, model: str, status: str = "in_progress") -> Object:
    """A response without output.

    Args:
        turn_id: the turn.
        said: fields of the request that come back.
        model: what was asked for, or the tier that answered.
        status: of the response.
    """
    return {
        "id": response_id(turn_id),
        "object": "response",
        "created_at": created(turn_id),
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "top_p": None,
        "truncation": "auto",
        "usage": None,
        **said,
    }


def created(turn_id: str) -> int:
    """When a turn was begun, in seconds since 1970, by its id."""
    return int(turn_id[:_MADE], 16) // 1000


def finished(answer: Answer, said: Object, model: str, problem: Problem | None = None) -> Object:
    """The response of a turn as it stands.

    Args:
        answer: the turn.
        said: as for :func:`begun`.
        model: what was asked for; named if no tier answered.
        problem: why there is no answer; by default what the turn itself tells.
    """
    incomplete = _INCOMPLETE.get(answer.finish) if answer.status == "done" else None
    status = (
        "incomplete" if incomplete else _STATUS.get(answer.status, "completed" if answer.status == "done" else "failed")
    )
    response = begun(answer.turn_id, said, answer.tier or model, status)
    response["incomplete_details"] = {"reason": incomplete} if incomplete else None
    response["tierwise"] = extension_of(answer)
    if answer.status == "done":
        response["output"] = output_of(answer)
        response["usage"] = usage_of(answer.usage)
        response["completed_at"] = created(answer.turn_id) + round(answer.ms / 1000)
    elif status == "failed":
        problem = problem or problem_of(answer)
        response["error"] = {
            "code": _CODES.get(problem.code, "server_error"),
            "message": problem.message,
            "type": problem.code,
        }
    return response


def output_of(answer: Answer) -> list[Object]:
    """What an answer says and asks for: a message, unless there are only calls, then the calls."""
    output = [message(answer.turn_id, answer.text)] if answer.text or not answer.calls else []
    return [*output, *calls_of(answer)]


def message(turn_id: str, text: str, status: str = "completed") -> Object:
    """The answer's words as an item of the output."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": f"msg_{turn_id}", "type": "message", "role": "assistant", "status": status, "content": [part]}


def calls_of(answer: Answer) -> list[Object]:
    """The calls of the caller's tools as items of the output."""
    return [shown(call_item(call), f"fc_{answer.turn_id}_{place}") for place, call in enumerate(answer.calls)]


def kept_output(answer: Answer) -> list[Item]:
    """What the conversation holds of an answer when it goes on."""
    words = [message_item("assistant", answer.text)] if answer.text or not answer.calls else []
    return [*words, *map(call_item, answer.calls)]


def usage_of(usage: Usage) -> Object:
    """What all attempts of the turn read and wrote, in tokens."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }

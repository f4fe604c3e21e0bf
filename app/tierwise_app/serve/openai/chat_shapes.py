"""Responses of the OpenAI kind as the OpenAPI document describes them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

_COMPLETION = {
    "id": "chatcmpl-019ab3c4d5e6f7a8b9c",
    "object": "chat.completion",
    "created": 1764000000,
    "model": "quick",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Paris.", "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 31,
        "completion_tokens": 3,
        "total_tokens": 34,
        "prompt_tokens_details": {"cached_tokens": 0},
    },
    "tierwise": {
        "turn_id": "019ab3c4d5e6f7a8b9c",
        "thread": "api-5f0c",
        "status": "done",
        "tier": "quick",
        "stage": "post",
        "reasons": [{"code": "sure", "text": "The draft is sure enough.", "value": 0.93, "threshold": 0.7}],
        "p_good": {"quick": 0.93},
        "attempts": [
            {"n": 1, "tier": "quick", "model_served": "llama:smollm2-135m", "outcome": "accepted", "ms": 212.4}
        ],
        "citations": [],
        "notices": [],
        "sent_out": {"bytes": 0, "passages": 0, "hosts": []},
        "cost_usd": 0.0,
        "ms": 231.0,
        "waited_ms": 0.0,
    },
}
_CHUNK = (
    'data: {"id":"chatcmpl-019ab3c4d5e6f7a8b9c","object":"chat.completion.chunk","created":1764000000,"model":"quick",'
    '"choices":[{"index":0,"delta":{"role":"assistant","content":"Paris."},"logprobs":null,"finish_reason":null}]}\n\n'
)


class ErrorBody(BaseModel):
    """What went wrong; some codes come with more fields."""

    message: str = Field(description="What happened, why, and the one thing to do.")
    type: str = Field(description="As OpenAI's clients know it.")
    param: str | None = Field(description="Which part of the request.")
    code: str = Field(description="One word, for programs.")


class ErrorAnswer(BaseModel):
    """The body of every error."""

    error: ErrorBody


def _error(text: str) -> dict[str, Any]:
    return {"model": ErrorAnswer, "description": text}


ERRORS: dict[int | str, dict[str, Any]] = {
    400: _error("The request cannot be done as it is meant, or the prompt is too long for every tier."),
    401: _error("A key is needed."),
    403: _error("A lock, guard or budget refused the turn, or the key does not reach so far."),
    404: _error("There is no such model, thread, collection or document."),
    409: _error("The turn waits for a person (`needs_approval`), or another turn of the thread runs."),
    429: _error("Too much at a time, or the key has spent what it may."),
    502: _error("No tier could answer; `code` says why."),
    503: _error("Too many turns wait, or the server ends."),
}
COMPLETION: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; with `stream`, events of it.",
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": _COMPLETION},
            "text/event-stream": {"schema": {"type": "string"}, "example": _CHUNK},
        },
    },
    **ERRORS,
}

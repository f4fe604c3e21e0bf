"""Responses of ``/v1/responses`` as the OpenAPI document describes them."""

from __future__ import annotations

from typing import Any

from tierwise_app.serve.openai.chat_shapes import COMPLETION, ERRORS

_TURN = "019ab3c4d5e6f7a8b9c"
_RESPONSE = {
    "id": f"resp_{_TURN}",
    "object": "response",
    "created_at": 1764000000,
    "status": "completed",
    "model": "quick",
    "output": [
        {
            "id": f"msg_{_TURN}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Paris.", "annotations": [], "logprobs": []}],
        }
    ],
    "usage": {
        "input_tokens": 31,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 34,
    },
    "previous_response_id": None,
    "error": None,
    "incomplete_details": None,
    "tierwise": COMPLETION[200]["content"]["application/json"]["example"]["tierwise"],
}
_EVENT = (
    "event: response.output_text.delta\n"
    f'data: {{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_{_TURN}","output_index":0,'
    '"content_index":0,"delta":"Paris.","logprobs":[]}\n\n'
)
_JSON = {"schema": {"type": "object"}, "example": _RESPONSE}
_LIST = {
    "object": "list",
    "data": [
        {
            "id": f"item_{_TURN}_0",
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "What is the capital of France?"}],
            "status": "completed",
        }
    ],
    "first_id": f"item_{_TURN}_0",
    "last_id": f"item_{_TURN}_0",
    "has_more": False,
}
_GONE = {"id": f"resp_{_TURN}", "object": "response", "deleted": True}


def _found(what: str, example: dict[str, Any], *errors: int) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"schema": {"type": "object"}, "example": example}}
    return {
        200: {"description": what, "content": content},
        **{status: ERRORS[status] for status in (400, 401, *errors)},
    }


CREATED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The response; with `stream`, its events.",
        "content": {
            "application/json": _JSON,
            "text/event-stream": {"schema": {"type": "string"}, "example": _EVENT},
        },
    },
    **ERRORS,
}
FOUND = _found("The response.", _RESPONSE, 404, 409)
ITEMS = _found("A page of items.", _LIST, 404)
DELETED = _found("It is gone.", _GONE, 404, 409)

"""What a response tells of its turn: enough to see why, and nothing of where files lie on this machine."""

from __future__ import annotations

import json

import pytest

from tierwise import Answer, Citation, Notice, Reason
from tierwise.turns import Attempt
from tierwise.types import Decision
from tierwise_app.serve.openai.telling import early_headers, extension_of, headers_of, problem_of

FOLDER = "/srv/private"
ANSWER = Answer(
    "turn-1",
    "t-1",
    "done",
    "It is red.",
    "deep",
    citations=(
        Citation(1, f"{FOLDER}/manual.pdf", 3, 0, 3, "red", 0.9),
        Citation(2, "https://a.example/b", None, 0, 1, "x", 1),
    ),
    attempts=(
        Attempt(1, "quick", "llama:x", f"llama:{FOLDER}/models/small.gguf", "failed", "secret draft"),
        Attempt(2, "deep", "openai:m", "m-2026:latest", "accepted", "It is red."),
    ),
    decision=Decision(
        "fallback", {"quick": 0.2}, (Reason("tier_failed", f"quick failed: {FOLDER}/models/small.gguf is cut."),)
    ),
    cost_usd=0.00123,
    notices=(Notice("fallback", f"quick failed: {FOLDER}/models/small.gguf is cut."),),
)


def test_the_extension_tells_names_and_no_folders() -> None:
    told = extension_of(ANSWER)
    assert [one["source"] for one in told["citations"]] == ["manual.pdf", "https://a.example/b"]
    assert [one["model_served"] for one in told["attempts"]] == ["llama:small.gguf", "m-2026:latest"]
    assert told["reasons"][0] == {
        "code": "tier_failed", "text": "quick failed: small.gguf is cut.", "value": None, "threshold": None,
    }  # fmt: skip
    assert FOLDER not in json.dumps(told)
    assert "secret draft" not in json.dumps(told)


def test_headers_are_one_line_of_ascii_each() -> None:
    headers = headers_of(ANSWER, thread="holiday", ignored=("top_p", "größe\r\nX-Evil: 1"))
    assert headers == {
        "X-Tierwise-Turn": "turn-1", "X-Tierwise-Thread": "holiday", "X-Tierwise-Tier": "deep",
        "X-Tierwise-Stage": "fallback", "X-Tierwise-Reasons": "tier_failed", "X-Tierwise-Cost-Usd": "0.001230",
        "X-Tierwise-Sent-Bytes": "0", "X-Tierwise-Ignored": "top_p,gr??e??X-Evil:?1",
    }  # fmt: skip
    assert early_headers(None) == {}


@pytest.mark.parametrize(
    ("status", "code", "http", "told", "again"),
    [
        ("blocked", None, 403, "blocked", False),
        ("needs_approval", None, 409, "needs_approval", False),
        ("stopped", None, 503, "stopped", True),
        ("failed", "context_too_long", 400, "context_length_exceeded", False),
        ("failed", "unreachable", 502, "unreachable", True),
        ("failed", "auth", 502, "auth", False),
        ("failed", "internal", 500, "internal", False),
    ],
)
def test_how_a_turn_ended_is_a_status(status: str, code: str | None, http: int, told: str, again: bool) -> None:
    answer = Answer("turn-1", "t-1", status, "", None, error=f"{FOLDER}/x.gguf went wrong.")  # type: ignore[arg-type]
    response = problem_of(answer, code).response
    assert (response.status_code, response.headers["X-Tierwise-Turn"]) == (http, "turn-1")
    assert response.headers.get("X-Should-Retry") == (None if again else "false")
    error = json.loads(bytes(response.body))["error"]
    assert (error["code"], error["turn_id"]) == (told, "turn-1")
    assert FOLDER not in error["message"]

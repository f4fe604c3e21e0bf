"""Feedback over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from serving import Server, serving

from tierwise.errors import ServerError
from tierwise.models import ChatRequest
from tierwise.testing import Step


def play(request: ChatRequest) -> Step:
    if "fail" in request.messages[-1].content:
        return Step(error=ServerError("It broke."))
    return Step("An answer.")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving([play]) as server:
        yield server


def asked(server: Server, question: str) -> str:
    told = server.client.post("/v1/turns", json={"question": question, "stream": False}).json()
    return str(told["turn_id"])


def judge(server: Server, turn_id: str, **body: Any) -> Any:
    return server.client.post(f"/v1/turns/{turn_id}/feedback", json=body)


def test_feedback_is_kept_and_may_change(server: Server) -> None:
    turn_id = asked(server, "Good?")
    assert judge(server, turn_id, verdict="up").json() == {"turn_id": turn_id, "feedback": "up"}
    said = judge(server, turn_id, verdict="down", reason=" too\n long: see above ")
    assert said.json()["feedback"] == "down: too long: see above"
    assert server.client.get(f"/v1/turns/{turn_id}").json()["feedback"] == "down: too long: see above"
    assert judge(server, turn_id, verdict="up", reason="  ").json()["feedback"] == "up"


def test_a_turn_without_an_answer_is_not_judged(server: Server) -> None:
    turn_id = asked(server, "Please fail.")
    response = judge(server, turn_id, verdict="up")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "no_answer")
    assert judge(server, "last", verdict="up").status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"verdict": "good"}, {"verdict": "up", "reason": "x" * 501}, {"verdict": "up", "n": 1}]
)
def test_what_is_no_feedback(server: Server, body: dict[str, Any]) -> None:
    assert judge(server, asked(server, "Which?"), **body).status_code == 400

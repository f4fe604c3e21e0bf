"""A whole turn on a hosted tier, in either flavour: tools, the account of what left, and what stays when it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tierwise import Copilot, Settings, Tier
from tierwise.testing import Fault, LoopbackServer, ScriptedModel, Step
from tierwise.types import ToolCall

SUM = Step("Let me see.", calls=(ToolCall("c1", "calculator", {"expression": "40 + 2"}),))


@pytest.fixture(params=["chat", "responses"])
def api(request: pytest.FixtureRequest) -> Any:
    return request.param


def copilot_on(server: LoopbackServer, api: Any, home: Path) -> Copilot:
    tier = Tier("deep", "openai:big", base_url=server.url, api=api, reasoning="low")
    return Copilot([tier], settings=Settings(home=home), retriever=None)


def test_a_turn_with_a_tool_counts_every_byte_that_left(api: Any, own_home: Path) -> None:
    model = ScriptedModel([SUM, "It is 42."])
    with LoopbackServer(model) as server, copilot_on(server, api, own_home) as copilot:
        answer = copilot.ask("What is 40 + 2?")
        record = copilot.record.get(answer.turn_id)
    assert (answer.status, answer.text) == ("done", "Let me see.\n\nIt is 42.")
    assert [step.result for step in record.tools] == ["42"]
    assert model.requests[1].messages[-1].role == "tool"
    assert server.paths == [{"chat": "/v1/chat/completions", "responses": "/v1/responses"}[api]] * 2
    assert answer.sent_out.hosts == (server.url.split("/")[2],)
    # Bodies are sent as compact JSON.
    assert answer.sent_out.bytes == sum(
        len(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()) for body in server.requests
    )
    assert answer.usage.completion_tokens == 6
    assert not answer.usage.estimated


def test_a_failure_in_passing_is_asked_again_and_a_lasting_one_is_told(api: Any, own_home: Path) -> None:
    with LoopbackServer(ScriptedModel(["Hello."])) as server, copilot_on(server, api, own_home) as copilot:
        server.faults.append(Fault(503, headers={"Retry-After": "0"}))
        assert copilot.ask("Hi").text == "Hello."
        server.faults.append(Fault(401, '{"error": {"message": "no such key"}}'))
        answer = copilot.ask("Hi")
    assert answer.status == "failed"
    assert "refused the key" in str(answer.error)
    assert len(server.requests) == 3


@pytest.mark.parametrize("how", [{"lock": True}, {"offline": True}])
def test_under_a_lock_nothing_is_sent(api: Any, own_home: Path, how: Any) -> None:
    with LoopbackServer(ScriptedModel(["Hello."])) as server, copilot_on(server, api, own_home) as copilot:
        assert copilot.ask("Hi", **how).status == "blocked"
    assert server.connections == 0

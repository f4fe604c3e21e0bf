"""The testing kit is a product: it must itself be trustworthy."""

from __future__ import annotations

import json
import socket
import urllib.request

import pytest

from tierwise.models.base import Called, ChatRequest, Completed, Delta
from tierwise.testing import Fault, LoopbackServer, NetworkBlocked, ScriptedModel, Step, block_network, make_copilot
from tierwise.types import Message, ToolCall

ASK = ChatRequest((Message("user", "hello"),))


async def play(model: ScriptedModel) -> list[object]:
    return [chunk async for chunk in model.stream(ASK)]


async def test_a_scripted_model_plays_its_steps_in_order() -> None:
    model = ScriptedModel(["one  two\n", Step("x", calls=(ToolCall("1", "f", {}),)), lambda request: "third"])
    chunks = await play(model)
    assert "".join(c.text for c in chunks if isinstance(c, Delta)) == "one  two\n"
    assert isinstance(chunks[-1], Completed)
    chunks = await play(model)
    assert [c.call.name for c in chunks if isinstance(c, Called)] == ["f"]
    assert chunks[-1].finish == "tool_calls"  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="1 scripted steps were not played"):
        model.assert_complete()
    await play(model)
    model.assert_complete()
    with pytest.raises(AssertionError, match="only 3 steps were scripted"):
        await play(model)
    assert len(model.requests) == 4


def test_the_network_block_stops_everything_and_keeps_the_addresses() -> None:
    with block_network() as tried:
        with pytest.raises(NetworkBlocked):
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        with pytest.raises(NetworkBlocked):
            urllib.request.urlopen("http://example.invalid/")
        with pytest.raises(NetworkBlocked), socket.socket() as plain:
            plain.connect_ex(("127.0.0.1", 9))
    assert tried == ["192.0.2.1", "example.invalid", "127.0.0.1"]


def test_the_network_block_can_leave_loopback_open() -> None:
    with (
        LoopbackServer(ScriptedModel([], name="m")) as server,
        block_network(loopback=True) as tried,
        urllib.request.urlopen(f"{server.url}/models") as reply,
    ):
        assert json.load(reply)["data"][0]["id"] == "m"
    assert tried == []


def post(url: str, body: object, key: str = "") -> tuple[int, dict[str, object]]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/chat/completions", data, headers)
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_loopback_server_answers_counts_and_fails_on_demand() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]}
    model = ScriptedModel(["well, hello"], repeat=True)
    with LoopbackServer(model, api_key="secret") as server:
        assert post(server.url, body)[0] == 401
        status, reply = post(server.url, body, "secret")
        assert (status, reply["choices"][0]["message"]["content"]) == (200, "well, hello")  # type: ignore[index]
        assert reply["usage"]["completion_tokens"] == 2  # type: ignore[index]
        assert model.requests[0].messages == (Message("user", "hello"),)
        server.faults.append(Fault(503, '{"error": "busy"}', {"Retry-After": "7"}))
        assert post(server.url, body, "secret") == (503, {"error": "busy"})
        assert post(server.url, b"not json", "secret")[0] == 400
        assert post(server.url, {"messages": 3}, "secret")[0] == 400
        assert len(server.requests) == 2
        assert server.connections >= 5


def test_a_ready_made_copilot_needs_nothing() -> None:
    with block_network() as tried, make_copilot(["Hello."]) as copilot:
        assert copilot.ask("hi").text == "Hello."
    assert tried == []

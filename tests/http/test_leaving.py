"""Clients that leave: the model stops, wherever the turn is, and the place in the line is free."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from raw_http import request
from serving import Server, serving
from waiting import until

from tierwise import Caller
from tierwise.serve_settings import ServeSettings
from tierwise.testing import ScriptedModel, Step

LONG = Step("word " * 5000, delay=0.01)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(ScriptedModel([LONG], repeat=True), serve=ServeSettings(working=1)) as server:
        yield server


def ask(server: Server, path: str, body: dict[str, Any]) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", server.parts.settings.port), timeout=60)
    line.sendall(request(path, method="POST", body=json.dumps(body).encode(), Content_Type="application/json"))
    return line


CHAT = {"model": "auto", "messages": [{"role": "user", "content": "Write much."}]}
WAYS = [
    pytest.param("/v1/chat/completions", CHAT, id="chat"),
    pytest.param("/v1/chat/completions", {**CHAT, "stream": True}, id="chat, held stream"),
    pytest.param(
        "/v1/chat/completions", {**CHAT, "stream": True, "tierwise": {"hold": "live"}}, id="chat, live stream"
    ),
    pytest.param("/v1/turns", {"question": "Write much."}, id="turn"),
    pytest.param("/v1/turns", {"question": "Write much.", "stream": False}, id="turn, whole"),
]


@pytest.mark.parametrize(("path", "body"), WAYS)
def test_who_leaves_stops_the_model(server: Server, path: str, body: dict[str, Any]) -> None:
    model, turns = server.models["quick"], server.parts.turns
    asked, cancelled = len(model.requests), model.cancelled
    line = ask(server, path, body)
    until(lambda: len(model.requests) > asked)
    line.close()
    until(lambda: turns.running == 0)
    assert model.cancelled == cancelled + 1
    newest = server.copilot.record.get("last")
    assert newest.status == "stopped"


@pytest.mark.parametrize(("path", "body"), WAYS)
def test_who_leaves_the_line_was_never_there(server: Server, path: str, body: dict[str, Any]) -> None:
    model, turns = server.models["quick"], server.parts.turns

    async def occupy() -> Any:
        return turns.ask("Write much.", caller=Caller("k-other"))

    at_work = server.run(occupy())
    until(lambda: turns.line.working == 1)
    asked = len(model.requests)
    line = ask(server, path, body)
    until(lambda: turns.line.waiting == 1)
    line.close()
    until(lambda: turns.line.waiting == 0)
    server.loop.call_soon_threadsafe(at_work.stop)
    until(lambda: turns.running == 0)
    assert len(model.requests) <= asked + 1  # the other's own


def test_nothing_stays_behind(server: Server) -> None:
    import asyncio

    async def tasks() -> set[str]:
        return {task.get_name() for task in asyncio.all_tasks()} - {asyncio.current_task().get_name()}  # type: ignore[union-attr]

    before = len(server.run(tasks()))
    for _ in range(5):
        for way in WAYS:
            ask(server, *way.values).close()
    until(lambda: server.parts.turns.running == 0 and len(server.run(tasks())) <= before)

"""Threads over HTTP: made, named, locked, read and deleted by whoever owns them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import Server, serving

from tierwise.models import ChatRequest
from tierwise.testing import Step
from tierwise_app.serve.keys import Keys


def play(request: ChatRequest) -> Step:
    return Step("word " * 5000, delay=0.02) if "for ever" in request.messages[-1].content else Step("An answer.")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving([play], ["A deeper answer."]) as server:
        yield server


def answer(server: Server, thread: str, **body: Any) -> dict[str, Any]:
    headers = body.pop("headers", {})
    asked = {"question": "What?", "thread": thread, "stream": False, **body}
    response = server.client.post("/v1/turns", json=asked, headers=headers)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_a_thread_is_made_named_locked_read_and_deleted(server: Server) -> None:
    made = server.client.post("/v1/threads", json={"thread": "rome", "title": "  Summer\nin Rome ", "locked": True})
    assert (made.status_code, made.headers["Location"]) == (201, "/v1/threads/rome")
    assert (made.json()["title"], made.json()["locked"], made.json()["turns"]) == ("Summer in Rome", True, 0)
    assert server.client.get("/v1/threads/rome").json()["page"] == {"object": "list", "data": [], "has_more": False}

    blocked = answer(server, "rome", tier="deep")  # the lock holds before the first turn
    assert blocked["status"] == "blocked"
    told = answer(server, "rome")
    found = server.client.get("/v1/threads/rome", params={"limit": 1}).json()
    assert (found["title"], found["turns"], found["locked"]) == ("Summer in Rome", 2, True)
    assert ([t["turn_id"] for t in found["page"]["data"]], found["page"]["has_more"]) == ([told["turn_id"]], True)

    changed = server.client.patch("/v1/threads/rome", json={"title": "Autumn", "locked": False}).json()
    assert (changed["title"], changed["locked"]) == ("Autumn", False)
    assert answer(server, "rome", tier="deep")["status"] == "done"

    assert server.client.delete("/v1/threads/rome").json() == {"thread": "rome", "deleted": 3}
    assert code(server.client.get("/v1/threads/rome")) == (404, "unknown_thread")
    assert code(server.client.delete("/v1/threads/rome")) == (404, "unknown_thread")
    assert code(server.client.get(f"/v1/turns/{told['turn_id']}")) == (404, "unknown_turn")


def test_an_empty_thread_may_go_too(server: Server) -> None:
    name = server.client.post("/v1/threads", json={}).json()["thread"]
    assert server.client.delete(f"/v1/threads/{name}").json() == {"thread": name, "deleted": 0}


def test_a_name_that_is_taken(server: Server) -> None:
    answer(server, "taken")
    assert code(server.client.post("/v1/threads", json={"thread": "taken"})) == (409, "thread_exists")


@pytest.mark.parametrize("name", ["..", "a b", "-a", "a" * 129, "a\u00e9", "%2e%2e", "a;b", "$where"])
def test_names_that_are_none(server: Server, name: str) -> None:
    before = len(server.copilot.record.threads(1000, passing=True))
    assert server.client.post("/v1/threads", json={"thread": name}).status_code == 400
    assert server.client.post("/v1/turns", json={"question": "x", "thread": name}).status_code == 400
    for way in ("GET", "PATCH", "DELETE"):
        response = server.client.request(way, f"/v1/threads/{name}", json={} if way == "PATCH" else None)
        assert response.status_code in (400, 404, 405)
    assert len(server.copilot.record.threads(1000, passing=True)) == before


@pytest.mark.parametrize(
    "body", [{"title": ""}, {"title": "\x07"}, {"title": "x" * 61}, {"locked": 1}, {"owner": "me"}]
)
def test_changes_that_are_none(server: Server, body: dict[str, Any]) -> None:
    answer(server, "unchanged")
    before = server.client.get("/v1/threads/unchanged").json()
    assert server.client.patch("/v1/threads/unchanged", json=body).status_code == 400
    assert server.client.get("/v1/threads/unchanged").json() == before


def test_a_thread_that_is_being_answered_is_not_deleted(server: Server) -> None:
    body = {"question": "Write for ever.", "thread": "busy", "background": True}
    turn_id = server.client.post("/v1/turns", json=body).json()["turn_id"]
    assert code(server.client.delete("/v1/threads/busy")) == (409, "thread_busy")
    server.client.post(f"/v1/turns/{turn_id}/stop")
    with server.client.stream("GET", f"/v1/turns/{turn_id}/events") as response:
        response.read()
    assert server.client.delete("/v1/threads/busy").json()["deleted"] == 1


def test_threads_belong_to_the_key_that_began_them(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    ann, bob, chief = (
        {"Authorization": f"Bearer {keys.add(name, sees=sees)[1]}"}
        for name, sees in (("ann", "own"), ("bob", "own"), ("chief", "all"))
    )
    with serving([play], ["Deep."], home=tmp_path) as server:
        server.client.post("/v1/threads", json={"thread": "made", "locked": True}, headers=ann)
        answer(server, "asked", headers=ann)
        answer(server, "made", headers=ann)
        for thread in ("made", "asked"):
            path = f"/v1/threads/{thread}"
            assert code(server.client.get(path, headers=bob)) == (404, "unknown_thread")
            assert code(server.client.patch(path, json={"locked": False}, headers=bob)) == (404, "unknown_thread")
            assert code(server.client.delete(path, headers=bob)) == (404, "unknown_thread")
            asked = {"question": "x", "thread": thread, "stream": False}
            assert server.client.post("/v1/turns", json=asked, headers=bob).status_code == 404
            # Who sees all may look, and no more.
            assert server.client.get(path, headers=chief).status_code == 200
            assert code(server.client.patch(path, json={"locked": False}, headers=chief)) == (403, "not_yours")
            assert code(server.client.delete(path, headers=chief)) == (403, "not_yours")
        assert server.copilot.record.is_locked("made")
        for headers, names in ((ann, {"made", "asked"}), (bob, set()), (chief, {"made", "asked"})):
            listed = server.client.get("/v1/threads", headers=headers).json()["data"]
            assert {thread["thread"] for thread in listed} == names
        assert server.client.delete("/v1/threads/asked", headers=ann).status_code == 200

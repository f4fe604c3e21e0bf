"""Turns over HTTP: asked, followed, stopped, asked again, by whoever may."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from event_stream import Text, sent
from parts import Shelf, passage
from raw_http import request
from serving import Server, serving
from waiting import until

from tierwise import Settings, to_json
from tierwise.events import TextDelta
from tierwise.models import ChatRequest
from tierwise.record import answer_of
from tierwise.serve_settings import ServeSettings
from tierwise.testing import ScriptedModel, Step
from tierwise_app.serve.keys import Keys

SLOW = "One two three four five six seven eight nine ten."


def play(request: ChatRequest) -> Step:
    """Slowly if it is asked to be slow; else at once."""
    asked = request.messages[-1].content.lower()
    if "for ever" in asked:
        return Step(SLOW * 500, delay=0.02)
    if "slow" in asked:
        return Step(SLOW, delay=0.02)
    return Step("An answer.")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving([play], [lambda _: Step("A deeper answer.")]) as server:
        yield server


def ask(server: Server, question: str, **body: Any) -> Any:
    headers = body.pop("headers", {})
    return server.client.post("/v1/turns", json={"question": question, **body}, headers=headers)


def answer(server: Server, question: str, **body: Any) -> dict[str, Any]:
    response = ask(server, question, stream=False, **body)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def writes(server: Server, thread: str) -> bool:
    """Whether the first words of a thread's latest turn are there."""
    latest = server.copilot.record.page(1, thread=thread)
    watched = server.parts.turns.find(latest[0].turn_id) if latest else None
    return watched is not None and any(isinstance(item, TextDelta) for item in watched.items)


def status(server: Server, turn_id: str) -> str:
    return str(server.client.get(f"/v1/turns/{turn_id}").json()["status"])


def test_a_turn_streams_every_event_with_its_place(server: Server) -> None:
    with server.client.stream("POST", "/v1/turns", json={"question": "What?", "thread": "events"}) as response:
        events = list(sent(response))
        turn_id = response.headers["X-Tierwise-Turn"]
    assert [event.id for event in events] == [f"1-{n}" for n in range(1, len(events) + 1)]
    assert [event.data["seq"] for event in events] == list(range(1, len(events) + 1))
    assert all(event.data["type"] == event.name for event in events)
    assert events[0].name == "turn.started"
    text = Text()
    for event in events:
        text.take(event)
    assert text.shown == "An answer."
    assert text.answer == answer_in_record(server, turn_id)


def answer_in_record(server: Server, turn_id: str) -> Any:
    return to_json(answer_of(server.copilot.record.get(turn_id)))


def test_the_answer_in_one_piece_and_the_record_behind_it(server: Server) -> None:
    told = answer(server, "In one piece?", thread="piece")
    assert (told["status"], told["text"], told["thread"]) == ("done", "An answer.", "piece")
    assert told == answer_in_record(server, told["turn_id"])
    record = server.client.get(f"/v1/turns/{told['turn_id']}").json()
    assert record == to_json(server.copilot.record.get(told["turn_id"]))
    assert record["caller"] == "local"


def test_a_thread_is_remembered_and_a_question_without_one_is_not_listed(server: Server) -> None:
    answer(server, "My cat is called Pixel.", thread="cats")
    answer(server, "What is my cat called?", thread="cats")
    asked = [m.content for m in server.models["quick"].requests[-1].messages]
    assert any("Pixel" in text for text in asked)
    alone = answer(server, "Nothing to do with it.")
    assert alone["thread"].startswith("api-")
    listed = [t["thread"] for t in server.client.get("/v1/threads").json()["data"]]
    assert "cats" in listed
    assert alone["thread"] not in listed


def test_what_is_said_about_a_question_reaches_the_turn(server: Server) -> None:
    told = answer(
        server,
        "All of it?",
        tier="quick",
        dial="quality",
        lock=True,
        offline=True,
        documents="off",
        instructions="Answer like a pirate.",
        sampling={"temperature": 0, "max_tokens": 1, "stop": ["END"], "seed": 7},
    )
    record = server.copilot.record.get(told["turn_id"])
    assert (record.requested_tier, record.dial, record.locked, record.offline) == ("quick", "quality", True, True)
    request = server.models["quick"].requests[-1]
    assert request.messages[0].content.startswith("Answer like a pirate.")
    assert (request.temperature, request.max_tokens, request.stop, request.seed) == (0, 1, ("END",), 7)
    assert told["text"] == "An"


def test_an_answer_that_fits_a_schema() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    model = ScriptedModel(['{"city": "Rome"}'], structured="native", repeat=True)
    with serving(model) as server:
        assert answer(server, "Where?", schema=schema)["text"] == '{"city": "Rome"}'
        refused = ask(server, "Where?", schema={"not": {}}, stream=False)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "schema")


def test_in_the_background_it_goes_on_whoever_watches(server: Server) -> None:
    begun = ask(server, "Something slow.", background=True, thread="later")
    assert begun.status_code == 202
    turn_id = begun.json()["turn_id"]
    assert begun.json() == {"turn_id": turn_id, "thread": "later", "status": "running"}
    assert begun.headers["Location"] == f"/v1/turns/{turn_id}"
    with server.client.stream("GET", f"/v1/turns/{turn_id}/events") as response:
        assert next(sent(response)).name == "turn.started"  # and leaves
    until(lambda: status(server, turn_id) != "running")
    assert server.client.get(f"/v1/turns/{turn_id}").json()["text"] == SLOW


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_stops_its_turn(server: Server, stream: bool) -> None:
    before = server.models["quick"].cancelled
    body = {"question": f"Write for ever: {stream}.", "thread": f"left-{stream}", "stream": stream}
    if stream:
        with server.client.stream("POST", "/v1/turns", json=body) as response:
            for event in sent(response):
                if event.name == "text.delta":
                    break
    else:
        with socket.create_connection(("127.0.0.1", server.parts.settings.port), timeout=60) as line:
            data = json.dumps(body).encode()
            line.sendall(request("/v1/turns", method="POST", body=data, Content_Type="application/json"))
            until(lambda: writes(server, f"left-{stream}"))
    until(lambda: server.models["quick"].cancelled > before)
    until(lambda: server.copilot.record.turns(f"left-{stream}")[0].status == "stopped")
    assert server.copilot.record.turns(f"left-{stream}")[0].text.startswith("One ")
    until(lambda: server.parts.turns.running == 0)


def test_stopping_keeps_what_was_written(server: Server) -> None:
    turn_id = ask(server, "Go on for ever.", background=True).json()["turn_id"]
    text = Text()
    with server.client.stream("GET", f"/v1/turns/{turn_id}/events") as response:
        for event in sent(response):
            text.take(event)
            if event.name == "text.delta" and text.names.count("text.delta") == 12:
                stopped = server.client.post(f"/v1/turns/{turn_id}/stop")
                assert (stopped.status_code, stopped.json()["turn_id"]) == (202, turn_id)
    assert text.names[-2:] == ["snapshot", "turn.failed"]
    assert text.answer is not None
    assert (text.answer["status"], text.answer["text"]) == ("stopped", text.shown)
    again = server.client.post(f"/v1/turns/{turn_id}/stop")
    assert (again.status_code, again.json()["status"]) == (200, "stopped")


def test_asked_again_on_another_tier_the_new_answer_takes_the_place(server: Server) -> None:
    old = answer(server, "Twice?", thread="twice", tier="quick")
    new = server.client.post(f"/v1/turns/{old['turn_id']}/again", json={"tier": "deep", "stream": False}).json()
    assert (new["thread"], new["tier"], new["text"]) == ("twice", "deep", "A deeper answer.")
    assert server.client.get(f"/v1/turns/{old['turn_id']}").json()["overruled"] == "escalate"
    assert server.client.get(f"/v1/turns/{new['turn_id']}").json()["caller"] == "local"
    refused = server.client.post(f"/v1/turns/{old['turn_id']}/again", json={"tier": "deep"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_input")


def test_a_repeated_key_gets_the_same_turn(server: Server) -> None:
    headers = {"Idempotency-Key": "order-1"}
    first = ask(server, "A slow one, once.", background=True, headers=headers).json()
    second = ask(server, "A slow one, once.", background=True, headers=headers).json()
    assert second["turn_id"] == first["turn_id"]
    until(lambda: status(server, first["turn_id"]) == "done")
    third = ask(server, "A slow one, once.", background=True, stream=False, headers=headers)
    assert (third.status_code, third.json()["status"]) == (202, "done")
    other = ask(server, "Something else.", headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    streamed = {"Idempotency-Key": "order-2"}
    told = answer(server, "Streamed later.", headers=streamed)
    with server.client.stream("POST", "/v1/turns", json={"question": "Streamed later."}, headers=streamed) as response:
        assert next(e for e in sent(response) if e.name == "answer.ready").data["answer"] == told
    for bad in ("", "x" * 256, "with blank"):
        refused = ask(server, "Never asked.", headers={"Idempotency-Key": bad})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "Idempotency-Key")


def test_a_key_whose_turn_never_began_is_free_again(server: Server) -> None:
    headers = {"Idempotency-Key": "order-3"}
    body = {"schema": {"not": {}}, "stream": False, "headers": headers}
    assert ask(server, "Never begins.", **body).status_code == 400
    assert answer(server, "Begins.", headers=headers)["status"] == "done"


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"question": ""}, 400, "question"),
        ({"question": "   "}, 400, None),
        ({}, 400, "question"),
        ({"question": "x", "thread": "../etc"}, 400, "thread"),
        ({"question": "x", "thread": "a\nevent: answer.ready"}, 400, "thread"),
        ({"question": "x", "model": "gpt"}, 400, "model"),
        ({"question": "x", "lock": "yes"}, 400, "lock"),
        ({"question": "x", "dial": 2}, 400, None),
        ({"question": "x", "tier": "huge"}, 404, "tier"),
        ({"question": "x", "adapter": "/etc/passwd"}, 400, "adapter"),
        ({"question": "x", "adapter": "none-such"}, 404, "adapter"),
        ({"question": "x", "documents": "off", "collection": "club"}, 400, "documents"),
        ({"question": "x", "sampling": {"max_tokens": 0}}, 400, None),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_stored(
    server: Server, body: dict[str, Any], status: int, param: str | None
) -> None:
    before = len(server.copilot.record.page(200))
    response = server.client.post("/v1/turns", json=body)
    error = response.json()["error"]
    assert response.status_code == status, error
    assert param is None or param in error["param"]
    assert len(server.copilot.record.page(200)) == before


def test_a_turn_that_fails_tells_why(server: Server) -> None:
    with server.client.stream("POST", "/v1/turns", json={"question": "x", "collection": "none-such"}) as response:
        events = list(sent(response))
    assert [event.name for event in events] == ["turn.started", "turn.failed"]
    assert "none-such" in events[-1].data["message"]
    turn_id = events[-1].data["turn_id"]
    assert status(server, turn_id) == "failed"
    with server.client.stream("GET", f"/v1/turns/{turn_id}/events") as response:
        assert [event.data for event in sent(response)] == [event.data for event in events]
    told = answer(server, "x", collection="none-such")
    assert (told["status"], told["error"]) == ("failed", events[-1].data["message"])


def test_pages_of_turns(server: Server) -> None:
    asked = [answer(server, f"Page {n}?", thread="pages")["turn_id"] for n in range(5)]
    first = server.client.get("/v1/turns", params={"thread": "pages", "limit": 3}).json()
    assert ([t["turn_id"] for t in first["data"]], first["has_more"]) == (asked[:1:-1], True)
    rest = server.client.get(
        "/v1/turns", params={"thread": "pages", "limit": 3, "before": first["data"][-1]["turn_id"]}
    ).json()
    assert ([t["turn_id"] for t in rest["data"]], rest["has_more"]) == (asked[1::-1], False)
    turn_id = ask(server, "For ever, in a list.", background=True).json()["turn_id"]
    running = server.client.get("/v1/turns", params={"status": "running"}).json()["data"]
    assert [t["turn_id"] for t in running] == [turn_id]
    server.client.post(f"/v1/turns/{turn_id}/stop")
    until(lambda: status(server, turn_id) == "stopped")


def test_a_turn_that_waits_in_the_line_is_told_its_place() -> None:
    with serving([play], serve=ServeSettings(working=1)) as server:
        turn_id = ask(server, "First, for ever.", background=True).json()["turn_id"]
        text = Text()
        with server.client.stream("POST", "/v1/turns", json={"question": "Second."}) as response:
            for event in sent(response):
                text.take(event)
                if event.name == "begun":
                    waited = event.data["waited_ms"]
                    assert event.id is None
                if event.name == "queued":
                    assert (event.id, event.data["ahead"]) == (None, 0)
                    assert event.data["seconds"] > 0
                    server.client.post(f"/v1/turns/{turn_id}/stop")
        assert "x-tierwise-waited-ms" not in response.headers
        assert text.names[:3] == ["queued", "begun", "turn.started"]
        assert text.shown == "An answer."
        assert waited > 0


def test_a_turn_that_finds_room_says_so_in_its_headers(server: Server) -> None:
    for stream in (True, False):
        response = server.client.post("/v1/turns", json={"question": "Is there room?", "stream": stream})
        assert float(response.headers["X-Tierwise-Waited-Ms"]) >= 0
        assert "event: begun" not in response.text


def test_what_leaves_is_shown_at_least_as_the_server_wants(server: Server) -> None:
    told = answer(server, "What leaves?", tier="deep", show_before_sending="always")
    assert told["status"] == "needs_approval"
    with serving([play], ["Deep."], settings=Settings(show_before_sending="always")) as strict:
        told = answer(strict, "What leaves?", tier="deep", show_before_sending="never")
        assert told["status"] == "needs_approval"


def test_turns_of_another_key_are_not_there(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    ann, bob, chief = (
        {"Authorization": f"Bearer {keys.add(name, sees=sees)[1]}"}
        for name, sees in (("ann", "own"), ("bob", "own"), ("chief", "all"))
    )
    with serving([play], home=tmp_path) as server:
        told = answer(server, "Mine.", thread="ann", headers=ann)
        turn = f"/v1/turns/{told['turn_id']}"
        for way, path, body in (
            ("GET", turn, None),
            ("GET", f"{turn}/events", None),
            ("POST", f"{turn}/stop", None),
            ("POST", f"{turn}/again", {}),
            ("POST", f"{turn}/go-on", {}),
            ("POST", f"{turn}/feedback", {"verdict": "up"}),
        ):
            response = server.client.request(way, path, json=body, headers=bob)
            assert (response.status_code, response.json()["error"]["code"]) == (404, "unknown_turn"), path
        assert server.client.get(turn, headers=chief).status_code == 200
        taken = ask(server, "Let me in.", thread="ann", headers=bob)
        assert taken.status_code == 404
        for headers, count in ((ann, 1), (bob, 0), (chief, 1)):
            assert len(server.client.get("/v1/turns", headers=headers).json()["data"]) == count
        # The same Idempotency-Key of two callers names two turns.
        same = {"Idempotency-Key": "one"}
        assert (
            answer(server, "A.", headers=ann | same)["turn_id"] != answer(server, "A.", headers=bob | same)["turn_id"]
        )


def test_a_key_without_documents_gets_none(tmp_path: Path) -> None:
    keys, shelf = Keys(tmp_path), Shelf(passage("The next meeting is on 4 March in room 12."))
    none, read = ({"Authorization": f"Bearer {keys.add(right, documents=right)[1]}"} for right in ("none", "read"))
    with serving([play], home=tmp_path, retriever=shelf) as server:
        told = answer(server, "When is the next meeting?", headers=none)
        record = server.copilot.record.get(told["turn_id"])
        assert (shelf.asked, record.passages, record.offered) == ([], (), ())
        assert not any("4 March" in m.content for m in server.models["quick"].requests[-1].messages)
        for body in ({"collection": "club"}, {"documents": "only"}, {"only": {"kinds": ["text"]}}):
            refused = ask(server, "When?", headers=none, **body)
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "no_documents"), body
        answer(server, "When is the next meeting?", headers=read)
        assert any("4 March" in m.content for m in server.models["quick"].requests[-1].messages)
        before = len(shelf.asked)
        answer(server, "And without looking?", documents="off", headers=read)
        assert len(shelf.asked) == before

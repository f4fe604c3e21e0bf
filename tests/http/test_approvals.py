"""A person's yes and no over HTTP: stored once, run once, by whoever may decide."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from event_stream import Text, sent
from serving import Server, serving
from tool_steps import Outbox, calling, echo, results

from tierwise.models import ChatRequest
from tierwise.testing import Step
from tierwise_app.serve.keys import Keys
from tierwise_tools import tool


def play(request: ChatRequest) -> Step:
    """Send what is asked for, then say what became of it."""
    if results(request):
        return echo(request)
    asked = request.messages[-1].content
    calls = [("send", {"to": name, "text": "hi"}) for name in ("ann", "bob") if name in asked]
    return calling(*calls, text="I write. ") if calls else Step("Nothing to send.")


def waits(server: Server, question: str = "Write to ann.", **body: Any) -> dict[str, Any]:
    """A turn that waits for a person."""
    headers = body.pop("headers", {})
    told = server.client.post("/v1/turns", json={"question": question, "stream": False, **body}, headers=headers)
    found: dict[str, Any] = told.json()
    assert found["status"] == "needs_approval", found
    return found


def decide(server: Server, turn_id: str, **body: Any) -> Any:
    headers = body.pop("headers", {})
    return server.client.post(f"/v1/turns/{turn_id}/approvals", json={"stream": False, **body}, headers=headers)


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


@pytest.fixture(scope="module")
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture(scope="module")
def server(outbox: Outbox) -> Any:
    with serving([play], ["A deeper answer."], tools=[outbox.send]) as server:
        yield server


def test_a_call_waits_and_runs_once_after_yes(server: Server, outbox: Outbox) -> None:
    outbox.sent.clear()
    told = waits(server)
    (call,) = told["waiting"]
    assert (call["name"], call["arguments"], call["effects"]) == ("send", {"to": "ann", "text": "hi"}, ["write"])
    listed = server.client.get("/v1/approvals").json()["data"]
    (mine,) = [turn for turn in listed if turn["turn_id"] == told["turn_id"]]
    assert (mine["asked"], mine["waiting"], mine["outgoing"]) == ("Write to ann.", [call], None)
    waiting = server.client.get("/v1/turns", params={"status": "waiting"}).json()["data"]
    assert told["turn_id"] in [turn["turn_id"] for turn in waiting]
    assert outbox.sent == []

    done = decide(server, told["turn_id"], call_id=call["id"], allow=True).json()
    assert (done["status"], done["turn_id"]) == ("done", told["turn_id"])
    assert "sent to ann" in done["text"]
    assert outbox.sent == [("ann", "hi")]
    assert told["turn_id"] not in [turn["turn_id"] for turn in server.client.get("/v1/approvals").json()["data"]]
    assert code(decide(server, told["turn_id"], call_id=call["id"], allow=True)) == (409, "not_waiting")
    assert code(decide(server, told["turn_id"], allow=False)) == (409, "not_waiting")
    assert outbox.sent == [("ann", "hi")]


def test_a_no_is_told_to_the_model_and_nothing_runs(server: Server, outbox: Outbox) -> None:
    outbox.sent.clear()
    told = waits(server)
    done = decide(server, told["turn_id"], allow=False, reason="Not on a Sunday.").json()
    assert (done["status"], outbox.sent) == ("done", [])
    assert "Not on a Sunday." in done["text"]


def test_the_turn_goes_on_as_events_that_follow_what_was_shown(server: Server) -> None:
    text = Text()
    with server.client.stream("POST", "/v1/turns", json={"question": "Write to ann."}) as response:
        for event in sent(response):
            text.take(event)
    assert text.names[-1] == "answer.ready"
    assert text.answer is not None
    turn_id = text.answer["turn_id"]
    assert text.shown == "I write. "
    with server.client.stream("POST", f"/v1/turns/{turn_id}/approvals", json={"allow": True}) as response:
        for event in sent(response):
            assert event.id is None or event.id.partition("-")[0] != "1"
            text.take(event)
    record = server.copilot.record.get(turn_id)
    assert text.shown == record.attempts[-1].text
    # Whoever comes back with a place of the first run gets all of it.
    late = Text()
    with server.client.stream("GET", f"/v1/turns/{turn_id}/events", headers={"Last-Event-ID": "1-3"}) as response:
        for event in sent(response):
            late.take(event)
    assert late.names[0] == "snapshot"
    assert late.shown == text.shown
    assert late.answer == text.answer


def test_other_arguments_run_if_they_fit(server: Server, outbox: Outbox) -> None:
    outbox.sent.clear()
    turn_id = waits(server)["turn_id"]
    assert code(decide(server, turn_id, allow=True, arguments={"to": 7})) == (400, "invalid_input")
    assert code(decide(server, turn_id, allow=False, arguments={"to": "a", "text": "b"})) == (400, "invalid_value")
    assert outbox.sent == []
    decide(server, turn_id, allow=True, arguments={"to": "eve", "text": "hello"})
    assert outbox.sent == [("eve", "hello")]


def test_of_two_calls_one_by_one(server: Server, outbox: Outbox) -> None:
    outbox.sent.clear()
    told = waits(server, "Write to ann and bob.")
    first, second = (call["id"] for call in told["waiting"])
    assert code(decide(server, told["turn_id"], call_id="nonsense", allow=True)) == (404, "unknown_call")
    assert code(decide(server, told["turn_id"], call_id=first[:5], allow=True)) == (404, "unknown_call")
    halfway = decide(server, told["turn_id"], call_id=first, allow=True).json()
    assert (halfway["status"], [call["id"] for call in halfway["waiting"]]) == ("needs_approval", [second])
    assert code(decide(server, told["turn_id"], call_id=first, allow=True)) == (409, "not_waiting")
    assert decide(server, told["turn_id"], call_id=second, allow=False).json()["status"] == "done"
    assert outbox.sent == [("ann", "hi")]


def test_decided_at_the_same_moment_it_runs_once(server: Server, outbox: Outbox) -> None:
    outbox.sent.clear()
    told = waits(server)
    at_once = threading.Barrier(6)

    def yes(_: int) -> Any:
        at_once.wait()
        return decide(server, told["turn_id"], call_id=told["waiting"][0]["id"], allow=True)

    with ThreadPoolExecutor(6) as pool:
        responses = list(pool.map(yes, range(6)))
    assert sorted(response.status_code for response in responses) == [200, *[409] * 5]
    assert outbox.sent == [("ann", "hi")]


def test_two_calls_decided_at_the_same_moment_both_run(server: Server, outbox: Outbox) -> None:
    outbox.sent.clear()
    told = waits(server, "Write to ann and bob.")
    at_once = threading.Barrier(2)

    def yes(call: dict[str, Any]) -> Any:
        at_once.wait()
        return decide(server, told["turn_id"], call_id=call["id"], allow=True)

    with ThreadPoolExecutor(2) as pool:
        responses = list(pool.map(yes, told["waiting"]))
    assert [response.status_code for response in responses] == [200, 200]
    assert server.copilot.record.get(told["turn_id"]).status == "done"
    assert sorted(outbox.sent) == [("ann", "hi"), ("bob", "hi")]


def test_who_decides_a_moment_too_late_is_told_so_though_another_call_waits(
    server: Server, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = waits(server, "Write to ann and bob.")
    first, second = (call["id"] for call in told["waiting"])
    copilot = server.copilot
    real = copilot.decide

    async def late(turn_id: str, call_id: str, **options: Any) -> str:
        await real(turn_id, call_id, allow=False)  # somebody else, in this very moment
        return await real(turn_id, call_id, **options)

    with monkeypatch.context() as patch:
        patch.setattr(copilot, "decide", late)
        assert code(decide(server, told["turn_id"], call_id=first, allow=True)) == (409, "not_waiting")
    assert decide(server, told["turn_id"], call_id=second, allow=False).json()["status"] == "done"


def test_decided_on_two_servers_it_runs_once(tmp_path: Path) -> None:
    outboxes = Outbox(), Outbox()
    with (
        serving([play], home=tmp_path, tools=[outboxes[0].send]) as one,
        serving([play], home=tmp_path, tools=[outboxes[1].send]) as other,
    ):
        for _ in range(3):
            told = waits(one)
            at_once = threading.Barrier(2)

            def yes(server: Server, told: Any = told, at_once: Any = at_once) -> Any:
                at_once.wait()
                return decide(server, told["turn_id"], call_id=told["waiting"][0]["id"], allow=True)

            with ThreadPoolExecutor(2) as pool:
                responses = list(pool.map(yes, (one, other)))
            assert sorted(response.status_code for response in responses) == [200, 409]
        assert len(outboxes[0].sent) + len(outboxes[1].sent) == 3
        # A server that ran only the beginning knows that the turn has gone on elsewhere.
        told = waits(one)
        decide(other, told["turn_id"], allow=True)
        late = Text()
        with one.client.stream("GET", f"/v1/turns/{told['turn_id']}/events") as response:
            for event in sent(response):
                late.take(event)
        assert late.names == ["snapshot", "answer.ready"]
        assert late.answer is not None
        assert late.answer["status"] == "done"


def test_in_the_background_the_turn_goes_on_by_itself(server: Server, outbox: Outbox) -> None:
    outbox.sent.clear()
    turn_id = waits(server)["turn_id"]
    later = decide(server, turn_id, allow=True, background=True)
    assert (later.status_code, later.headers["Location"]) == (202, f"/v1/turns/{turn_id}")
    end = time.monotonic() + 60
    while server.client.get(f"/v1/turns/{turn_id}").json()["status"] != "done":
        assert time.monotonic() < end
        time.sleep(0.01)
    assert outbox.sent == [("ann", "hi")]
    assert code(server.client.post(f"/v1/turns/{turn_id}/go-on", json={})) == (409, "not_waiting")
    assert code(server.client.post(f"/v1/turns/{turn_id}/go-on")) == (409, "not_waiting")


def test_a_turn_that_was_decided_on_elsewhere_goes_on(server: Server, outbox: Outbox) -> None:
    outbox.sent.clear()
    told = waits(server)
    server.run(server.copilot.decide(told["turn_id"], allow=True))  # as the terminal does
    done = server.client.post(f"/v1/turns/{told['turn_id']}/go-on", json={"stream": False}).json()
    assert (done["status"], outbox.sent) == ("done", [("ann", "hi")])


def test_who_may_decide_and_who_may_allow_for_good(tmp_path: Path) -> None:
    keys, outbox = Keys(tmp_path), Outbox()
    ann, bob, chief = (
        {"Authorization": f"Bearer {keys.add(name, sees=sees)[1]}"}
        for name, sees in (("ann", "own"), ("bob", "own"), ("chief", "all"))
    )
    with serving([play], home=tmp_path, tools=[outbox.send]) as server:
        told = waits(server, headers=ann)
        assert code(decide(server, told["turn_id"], allow=True, headers=bob)) == (403, "not_yours")
        assert server.client.get("/v1/approvals", headers=bob).json()["data"] == []
        assert code(decide(server, told["turn_id"], allow=True, always=True, headers=ann)) == (403, "not_for_good")
        assert code(decide(server, "0" * 19, allow=True, headers=bob)) == (404, "unknown_turn")
        assert outbox.sent == []
        assert len(server.client.get("/v1/approvals", headers=ann).json()["data"]) == 1
        done = decide(server, told["turn_id"], allow=True, always=True, headers=chief)
        assert done.json()["status"] == "done"
        assert server.copilot.record.get(told["turn_id"]).caller == keys.all()[0].id
        quick = server.client.post("/v1/turns", json={"question": "Write to ann.", "stream": False}, headers=bob)
        assert quick.json()["status"] == "done"  # the tool need not ask any more


def test_what_would_leave_is_shown_and_decided_on(server: Server) -> None:
    body = {"question": "What leaves?", "tier": "deep", "show_before_sending": "always", "thread": "leaving"}
    told = waits(server, **body)
    outgoing = told["outgoing"]
    assert outgoing["tier"] == "deep"
    (mine,) = [t for t in server.client.get("/v1/approvals").json()["data"] if t["turn_id"] == told["turn_id"]]
    assert (mine["waiting"], mine["outgoing"]) == ([], outgoing)
    turn_id = told["turn_id"]
    assert code(decide(server, turn_id, outgoing_id="other", allow=True)) == (409, "not_waiting")
    question = next(item["id"] for item in outgoing["items"] if item["kind"] == "question")
    refused = decide(server, turn_id, outgoing_id=outgoing["id"], allow=True, without=[question])
    assert code(refused) == (400, "invalid_input")
    unknown = decide(server, turn_id, outgoing_id=outgoing["id"], allow=True, without=["nothing"])
    assert unknown.status_code == 404
    assert code(decide(server, turn_id, allow=True)) == (409, "not_waiting")  # no call waits
    done = decide(server, turn_id, outgoing_id=outgoing["id"], allow=True).json()
    assert (done["status"], done["text"]) == ("done", "A deeper answer.")
    assert code(decide(server, turn_id, outgoing_id=outgoing["id"], allow=True)) == (409, "not_waiting")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"allow": "yes"},
        {"allow": True, "call": "x"},
        {"outgoing_id": "x"},
        {"outgoing_id": "x", "allow": True, "call_id": "y"},
        {"outgoing_id": "x", "allow": True, "without": "all"},
    ],
)
def test_what_is_no_decision(server: Server, body: dict[str, Any]) -> None:
    response = server.client.post(f"/v1/turns/{'0' * 19}/approvals", json=body)
    assert response.status_code == 400, response.text


def test_a_tool_that_may_run_without_asking_never_waits(tmp_path: Path) -> None:
    @tool(effects="read")
    def send(to: str, text: str) -> str:
        """Look something up.

        Args:
            to: where.
            text: what.
        """
        return f"found {text} at {to}"

    with serving([play], home=tmp_path, tools=[send]) as server:
        told = server.client.post("/v1/turns", json={"question": "Write to ann.", "stream": False}).json()
        assert (told["status"], told["waiting"]) == ("done", [])

"""A turn's events after a break: the same events, or a snapshot and what comes after it; never another text."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from event_stream import Sent, Text, sent
from halting import HALVES, Halting
from hypothesis import given
from hypothesis import strategies as st
from serving import Server, serving

from tierwise import Event, event_to_json
from tierwise.events import AttemptDiscarded, AttemptStarted, TextDelta
from tierwise.models import ChatRequest
from tierwise.testing import Step
from tierwise_app.serve.own.events import Drafts, Place
from tierwise_app.serve.problems import Problem

TEXT = " ".join(f"word{n}" for n in range(40))


def play(request: ChatRequest) -> Step:
    asked = request.messages[-1].content
    if "very slow" in asked:  # its text is stored several times on the way
        return Step(TEXT, delay=0.04)
    return Step(TEXT, delay=0.01) if "slow" in asked else Step("An answer.")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(Halting([play], repeat=True), ["A deeper answer."]) as server:
        yield server


def begin(server: Server, question: str = "A slow one.", **body: Any) -> str:
    told = server.client.post("/v1/turns", json={"question": question, "background": True, **body})
    assert told.status_code == 202, told.text
    return str(told.json()["turn_id"])


def follow(server: Server, turn_id: str, last_id: str | None = None, *, most: int = 10_000) -> list[Sent]:
    """The events of a turn after a place; the connection is closed after ``most``."""
    events: list[Sent] = []
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    with server.client.stream("GET", f"/v1/turns/{turn_id}/events", headers=headers) as response:
        for event in sent(response):
            events.append(event)
            if len(events) == most:
                break
    return events


def put_together(*parts: list[Sent]) -> Text:
    text = Text()
    for part in parts:
        for event in part:
            text.take(event)
    return text


def stored(server: Server, turn_id: str) -> str:
    return server.copilot.record.get(turn_id).text


def test_after_a_break_exactly_what_was_missed_comes(server: Server) -> None:
    turn_id = begin(server)
    first = follow(server, turn_id, most=12)
    second = follow(server, turn_id, first[-1].id, most=7)
    third = follow(server, turn_id, second[-1].id)
    ids = [event.id for part in (first, second, third) for event in part]
    assert ids == [f"1-{n}" for n in range(1, len(ids) + 1)]
    text = put_together(first, second, third)
    assert "snapshot" not in text.names
    assert text.shown == TEXT == stored(server, turn_id)
    # All of it once more, now that it is over; and nothing for who has all.
    assert [event.id for event in follow(server, turn_id)] == ids
    rest = server.client.get(f"/v1/turns/{turn_id}/events", params={"last_event_id": ids[-1]})
    assert (rest.status_code, rest.content) == (204, b"")


@pytest.mark.parametrize("place", ["9-3", "0-0", "1-999999"])
def test_from_a_place_that_nobody_knows_a_snapshot_comes_first(server: Server, place: str) -> None:
    on = server.models["quick"].on
    on.clear()
    turn_id = begin(server, f"A slow one {HALVES}.")
    with server.client.stream("GET", f"/v1/turns/{turn_id}/events", headers={"Last-Event-ID": place}) as response:
        told = sent(response)
        events = [next(told)]
        on.set()
        events += told
    assert (events[0].name, events[0].id, events[0].data["status"]) == ("snapshot", None, "running")
    assert put_together(events).shown == TEXT
    assert events[-1].name == "answer.ready"
    # Half of it from the snapshot, the other half as events.
    turn_id = begin(server)
    first = follow(server, turn_id, most=20)
    text = put_together(first, follow(server, turn_id, place))
    assert (text.shown, text.names.count("snapshot")) == (TEXT, 1)


@pytest.mark.parametrize("place", ["1", "x-1", "1-", "-1-2", "1-2-3", "1-02", "\u0661-1", "1-2\u2028", "1" * 30 + "-1"])
def test_a_place_that_is_none_is_refused(server: Server, place: str) -> None:
    turn_id = begin(server, "Quick?")
    response = server.client.get(f"/v1/turns/{turn_id}/events", params={"last_event_id": place})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_event_id")


@given(st.text(max_size=40))
def test_whatever_stands_in_the_header_is_read_or_refused(text: str) -> None:
    try:
        place = Place.read(text)
    except Problem as problem:
        assert problem.status == 400
    else:
        assert f"{place.run}-{place.seen}" == text


def test_two_watch_and_one_may_leave(server: Server) -> None:
    with server.client.stream("POST", "/v1/turns", json={"question": "A slow one for two."}) as asking:
        turn_id = asking.headers["X-Tierwise-Turn"]
        with server.client.stream("GET", f"/v1/turns/{turn_id}/events") as watching:
            events = sent(watching)
            first = next(events)
            asking.close()
            text = put_together([first], list(events))
    assert text.shown == TEXT == stored(server, turn_id)


def test_a_turn_that_is_over_and_forgotten_is_told_from_its_record(server: Server) -> None:
    turn_id = begin(server)
    events = follow(server, turn_id)
    while not server.parts.turns.find(turn_id).over:  # it puts things in order
        time.sleep(0.01)
    server.parts.turns._kept.clear()
    again = follow(server, turn_id, events[5].id)
    assert [event.name for event in again] == ["snapshot", "answer.ready"]
    assert put_together(again).shown == TEXT
    assert again[-1].data["answer"] == events[-1].data["answer"]


def test_a_turn_that_another_server_runs_is_followed_from_its_record(tmp_path: Path) -> None:
    model = Halting([play], repeat=True)
    with serving(model, home=tmp_path) as one, serving([play], home=tmp_path) as other:
        turn_id = begin(one, f"A very slow one {HALVES}.")
        events: list[Sent] = []
        with other.client.stream("GET", f"/v1/turns/{turn_id}/events") as response:
            for event in sent(response):
                events.append(event)
                if put_together(events).shown:
                    model.on.set()
        assert {event.name for event in events[:-1]} == {"snapshot"}
        assert events[-1].name == "answer.ready"
        texts = [put_together(events[:n]).shown for n in range(1, len(events))]
        assert texts[-1] == TEXT
        assert all(TEXT.startswith(text.rstrip()) for text in texts)
        assert any(0 < len(text) < len(TEXT) for text in texts)
        model.on.clear()
        turn_id = begin(one, f"A very slow one {HALVES}.")
        refused = other.client.post(f"/v1/turns/{turn_id}/stop")
        model.on.set()
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "runs_elsewhere")
        told = follow(one, turn_id)[-1].data["answer"]
        assert other.client.get(f"/v1/turns/{turn_id}").json()["text"] == told["text"] == TEXT


def test_a_discarded_draft_is_in_no_snapshot(server: Server) -> None:
    old = server.client.post("/v1/turns", json={"question": "First?", "tier": "quick", "stream": False}).json()
    server.parts.turns._kept.clear()
    (snapshot, _) = follow(server, old["turn_id"])
    assert snapshot.data["attempts"] == [{"attempt": 1, "tier": "quick", "text": "An answer."}]


numbers = st.integers(1, 3)
happenings = st.lists(
    st.one_of(
        st.builds(lambda n: AttemptStarted(turn_id="t", seq=1, attempt=n, tier="quick", model="m"), numbers),
        st.builds(lambda n, text: TextDelta(turn_id="t", seq=1, attempt=n, text=text), numbers, st.text(max_size=5)),
        st.builds(lambda n: AttemptDiscarded(turn_id="t", seq=1, attempt=n, why="so"), numbers),
    ),
    max_size=20,
)


@given(happenings, st.integers(0, 20))
def test_a_snapshot_anywhere_and_the_rest_is_the_same_text(events: list[Event], cut: int) -> None:
    def client(*first: Sent, of: list[Event]) -> Any:
        return put_together([*first, *(Sent(event.type, event_to_json(event), None) for event in of)]).attempts

    snapshot = Sent("snapshot", {"attempts": Drafts().take(events[:cut]).told}, None)
    assert client(snapshot, of=events[cut:]) == client(of=events)

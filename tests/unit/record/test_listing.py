"""Pages of turns, and turns as they stand while they run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tierwise.errors import InvalidInput
from tierwise.record import Partial, Record
from tierwise.turns import Attempt, DecisionRecord, WaitingCall


def turn(turn_id: str, thread: str = "t", caller: str | None = None) -> DecisionRecord:
    return DecisionRecord(turn_id, thread, f"question {turn_id}", "running", float(int(turn_id, 36)), caller=caller)


def ended(record: Record, begun: DecisionRecord, status: str = "done") -> None:
    record.finish(replace(begun, status=status, text="An answer.", final="quick"))  # type: ignore[arg-type]


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    record = Record(tmp_path)
    yield record
    record.close()


def test_pages_are_of_one_caller_thread_and_state(record: Record) -> None:
    for n, (thread, caller) in enumerate([("a", None), ("b", "k-1"), ("b", "k-1"), ("c", "k-2")]):
        begun = turn(f"t{n}", thread, caller)
        record.start(begun)
        if n != 1:
            ended(record, begun)

    def ids(**limits: object) -> list[str]:
        return [one.turn_id for one in record.page(**limits)]  # type: ignore[arg-type]

    assert ids() == ["t3", "t2", "t1", "t0"]
    assert ids(limit=2) == ["t3", "t2"]
    assert ids(limit=2, before="t2") == ["t1", "t0"]
    assert ids(before="none") == []
    assert ids(thread="b") == ["t2", "t1"]
    assert ids(caller="k-1", status="running") == ["t1"]
    assert ids(caller="k-2", status="running") == ids(status="waiting") == ids(caller="k-3") == []


def test_a_turn_that_runs_stands_as_far_as_it_is_stored(record: Record) -> None:
    assert record.standing("t1") is None
    begun = turn("t1")
    record.start(begun)
    record.keep_partial("t1", 1, "quick", "m", "A first")
    record.keep_partial("t1", 1, "quick", "m", "A first word")
    now = record.standing("t1")
    assert now is not None
    assert (now.record.status, now.parked, now.partials) == ("running", None, (Partial(1, "quick", "A first word"),))
    assert now.epoch == record.epoch("t1")

    record.finish(
        replace(begun, status="stopped", attempts=(Attempt(1, "quick", "m", "m", "stopped", "A first word"),)),
        parked="crashed",
    )
    parked = record.standing("t1")
    assert parked is not None
    assert (parked.parked, parked.partials) == ("crashed", ())
    record.go_on("t1")
    again = record.standing("t1")
    assert again is not None
    assert (again.record.status, again.record.attempts[0].text) == ("running", "A first word")
    assert again.epoch > parked.epoch


def test_a_call_was_asked_about_whatever_was_said_to_it(record: Record) -> None:
    from tierwise.record import CallKey

    record.start(turn("t1"))
    call = WaitingCall("c1", "t1", "send", {}, ("write",), "it writes", "quick", "own")
    record.ask_for([(CallKey("t1", 0, 0), call)])
    record.decide(call, allow=False)
    assert record.was_asked("t1", "c1")
    assert not record.was_asked("t1", "c2")
    assert not record.was_asked("t2", "c1")


def test_a_thread_before_its_first_turn(record: Record) -> None:
    made = record.make_thread("new", caller="k-1", title=" A \n title ", locked=True)
    assert (made.title, made.turns, made.locked, made.caller) == ("A title", 0, True, "k-1")
    assert record.empty_thread("new") == made
    assert (record.is_locked("new"), record.owner_of("new"), record.threads()) == (True, "k-1", [])
    with pytest.raises(InvalidInput, match="already"):
        record.make_thread("new")
    with pytest.raises(InvalidInput, match="title"):
        record.make_thread("other", title="\x00")
    assert record.empty_thread("other") is None
    begun = turn("t1", "new", "k-1")
    record.start(begun)
    ended(record, begun)
    assert record.empty_thread("new") is None
    assert record.delete_thread("new") == 1
    record.make_thread("new")
    assert record.delete_thread("new") == 0

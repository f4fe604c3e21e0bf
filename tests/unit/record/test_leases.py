"""One writer a thread: the line, the lease, and what a writer may still do after another took its turn up."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.errors import InvalidInput, StoreError, TakenOver, ThreadBusy
from tierwise.record import CallKey, Record, leases
from tierwise.record.owner import own_id, sign_of
from tierwise.turns import DecisionRecord, ToolStep, WaitingCall


def turn(turn_id: str, thread: str = "t", status: str = "running", **fields: object) -> DecisionRecord:
    return DecisionRecord(turn_id, thread, f"What of {turn_id}?", status, 1.0, **fields)  # type: ignore[arg-type]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE", 0.05)


@pytest.fixture
def one(own_home: Path) -> Iterator[Record]:
    with_it = Record(own_home)
    yield with_it
    with_it.close()


@pytest.fixture
def other(own_home: Path, one: Record) -> Iterator[Record]:
    """Another program's, for what leases are about: it runs none of the first one's turns."""
    with_it = Record(own_home)
    yield with_it
    with_it.close()


def test_turns_stand_in_line_in_the_order_in_which_they_were_stored(one: Record, other: Record) -> None:
    one.start(turn("a"))
    other.start(turn("b"))
    one.start(turn("c"))
    one.start(turn("z", thread="u"))
    assert [one.ahead("a"), other.ahead("b"), one.ahead("c"), one.ahead("z")] == [0, 1, 2, 0]
    one.finish(turn("a", status="done"))
    assert [other.ahead("b"), one.ahead("c")] == [0, 1]
    other.finish(turn("b", status="failed"))
    assert one.ahead("c") == 0


def test_a_turn_that_waits_for_a_person_holds_nobody_up_and_comes_last_when_it_goes_on(
    one: Record, other: Record
) -> None:
    one.start(turn("a"))
    one.finish(turn("a", status="needs_approval"), parked="waiting")
    other.start(turn("b"))
    assert other.ahead("b") == 0
    one.go_on("a")
    assert (other.ahead("b"), one.ahead("a")) == (0, 1)


def test_whoever_is_not_to_wait_is_refused_and_nothing_is_stored(one: Record, other: Record) -> None:
    one.start(turn("p"))
    one.finish(turn("p", status="needs_approval"), parked="waiting")
    one.start(turn("a"))
    with pytest.raises(ThreadBusy, match="being answered") as refused:
        other.start(turn("b"), busy="refuse")
    assert "begin another thread" in str(refused.value)
    with pytest.raises(ThreadBusy):
        other.go_on("p", busy="refuse")
    assert [t.turn_id for t in one.turns("t")] == ["p", "a"]
    assert one.get("p").status == "needs_approval"
    other.start(turn("c", thread="u"), busy="refuse")
    one.finish(turn("a", status="done"))
    other.start(turn("b"), busy="refuse")


def test_a_turn_cannot_wait_for_the_one_whose_tool_asks(one: Record) -> None:
    one.start(turn("a"))
    with pytest.raises(ThreadBusy, match="own thread"):
        one.start(turn("b"), within="a")
    one.start(turn("c", thread="u"), within="a")


WAITING = WaitingCall("i", "a", "send", {}, (), "why", "quick", "built-in")
WRITES: dict[str, Callable[[Record], object]] = {
    "lock": lambda r: r.lock_turn("a"),
    "text": lambda r: r.keep_partial("a", 1, "quick", "m", "more"),
    "end": lambda r: r.finish(turn("a", status="done", text="Late.")),
    "call": lambda r: r.begin_call(CallKey("a", 0, 1), "send", {}, may_repeat=False),
    "over": lambda r: r.end_call(CallKey("a", 0, 0), ToolStep(1, 0, "send", {}, True, "sent", 1.0)),
    "ask": lambda r: r.ask_for(
        [(CallKey("a", 0, 0), WaitingCall("i", "a", "send", {}, (), "why", "quick", "built-in"))]
    ),
    "sent": lambda r: r.note_sent("a", "h"),
    "repeats": lambda r: r.note_repeats("a", "quick"),
    "sign of life": lambda r: r.renew("a"),
    "line": lambda r: r.ahead("a"),
    "once more": lambda r: r.start(turn("a")),
}


@pytest.mark.parametrize("taken", ["ended", "taken up", "over"])
def test_nothing_is_written_for_a_turn_that_another_took_up(
    own_home: Path, one: Record, other: Record, short: None, taken: str
) -> None:
    one.start(turn("a"))
    one.keep_partial("a", 1, "quick", "m", "some")
    one.begin_call(CallKey("a", 0, 0), "send", {}, may_repeat=False)
    time.sleep(0.06)
    if taken == "ended":
        other.free("t")
    else:
        other.go_on("a")
    if taken == "over":
        other.finish(turn("a", status="done", text="In time."))
    before = list(one._db.iterdump())
    for write in WRITES.values():
        with pytest.raises(TakenOver):
            write(one)
    assert list(one._db.iterdump()) == before
    assert [entry.state for entry in one.calls("a")] == ["begun"], "nobody knows whether it was done: a person is asked"
    one.let_go("a")
    assert not one.has_running


def test_a_turn_is_taken_from_a_process_that_lives_only_when_somebody_wants_it(
    own_home: Path, one: Record, short: None
) -> None:
    one.start(turn("a"))
    one.keep_partial("a", 1, "quick", "m", "some")
    time.sleep(0.06)
    other = Record(own_home)
    assert other.get("a").status == "running"
    assert other.repair() == []
    other.start(turn("b"))
    assert other.ahead("b") == 0
    found = other.get("a")
    assert (found.status, found.text) == ("stopped", "some")
    assert other.parked_turn("t") is None, "the thread goes on with a later message"
    other.close()


def test_a_turn_with_a_sign_of_life_is_not_taken(one: Record, other: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(leases, "time", SimpleNamespace(monotonic=lambda: now))
    one.start(turn("a"))
    for _ in range(4):
        now += 0.6 * leases.LEASE
        one.renew("a")
        with pytest.raises(InvalidInput, match="is running"):
            other.go_on("a")
    assert one.ahead("a") == 0


def test_a_process_that_was_paused_does_not_take_its_own_turns(one: Record, short: None) -> None:
    one.start(turn("a"))
    one.start(turn("b"))
    time.sleep(0.06)  # as long as it was paused, nothing in it gave a sign of life
    assert one.ahead("b") == 1
    one.renew("a")
    one.finish(turn("a", status="done"))


def test_a_lease_from_before_the_machine_was_started_is_over() -> None:
    assert not leases.has_lapsed(leases.new_lease())
    assert leases.has_lapsed(time.monotonic() + 1_000_000)
    assert leases.has_lapsed(0.0)


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_clock_that_is_set_neither_ends_nor_keeps_a_lease(
    one: Record, other: Record, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    one.start(turn("a"))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    other.start(turn("b"))
    assert (one.ahead("a"), other.ahead("b")) == (0, 1)
    assert other.repair() == []
    one.renew("a")
    one.finish(turn("a", status="done"))
    assert other.ahead("b") == 0


def test_a_thread_that_is_deleted_while_it_is_answered(one: Record, other: Record) -> None:
    one.start(turn("a"))
    other.delete_thread("t")
    with pytest.raises(StoreError, match="deleted"):
        one.finish(turn("a", status="done"))


def test_the_dead_are_told_from_the_living_whatever_the_clock_says() -> None:
    assert sign_of(own_id()) == "alive"
    assert sign_of("gone") == sign_of("") == "dead"
    assert sign_of(f"{os.getpid()}:1700000000.123") == "dead", "written by an older tierwise, which does not run"
    code = "from tierwise.record.owner import own_id; print(own_id(), flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdin is not None
    owner = child.stdout.readline().strip()
    assert sign_of(owner) == "alive"
    pid, start, place = owner.split(":", 2)
    assert sign_of(f"{pid}:{int(start) + 1}:{place}") == "dead", "its number was given to another"
    boot = place.split(":")[0]
    assert sign_of(f"{pid}:{start}:{boot}:1") == "unknown", "another container counts by itself"
    child.kill()
    assert child.wait() is not None
    assert sign_of(owner) == "dead"
    child.stdin.close()
    child.stdout.close()


def test_a_fork_is_another_process(own_home: Path) -> None:
    reading, writing = os.pipe()
    own = own_id()
    child = os.fork()
    if child == 0:
        os.write(writing, own_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 200).decode() != own
    os.close(reading)
    os.close(writing)


_STEPS = st.lists(st.tuples(st.sampled_from(["ask", "end", "park", "on", "pause"]), st.integers(0, 2)), max_size=25)


@settings(max_examples=25)
@given(steps=_STEPS)
def test_at_most_one_turn_is_at_the_head_of_a_thread(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """Whatever three programs do, whoever is told to go on is alone, and everybody comes to it."""
    home = tmp_path_factory.mktemp("home")
    programs = [Record(home) for _ in range(3)]
    running: dict[str, Record] = {}
    parked: list[str] = []
    left: set[str] = set()  # in the middle; a new message gives them up
    for number, (what, who) in enumerate(steps):
        record, name = programs[who], f"turn-{number:04}"
        heads = [t for t, r in running.items() if r.ahead(t) == 0]
        assert len(heads) == bool(running)
        if what == "ask":
            record.start(turn(name))
            running[name] = record
            parked = [one for one in parked if one not in left]
        elif what in ("end", "park") and heads:
            waits = what == "park"
            status = "needs_approval" if waits else "done"
            running.pop(heads[0]).finish(turn(heads[0], status=status), parked="waiting" if waits else None)
            parked += [heads[0]] if waits else []
        elif what == "on" and parked:
            running[parked[0]] = record
            left.discard(parked[0])
            record.go_on(parked.pop(0))
        elif what == "pause" and heads:  # it is ended by whoever wants the thread
            running[heads[0]]._db.execute("UPDATE turns SET lease = 1.0 WHERE turn_id = ?", (heads[0],))
            taker = programs[(programs.index(running[heads[0]]) + 1) % 3]
            taker.free("t")
            zombie = running.pop(heads[0])
            with pytest.raises(TakenOver):
                zombie.finish(turn(heads[0], status="done"))
            zombie.let_go(heads[0])
            parked.append(heads[0])
            left.add(heads[0])
    while running:
        (head,) = [t for t, r in running.items() if r.ahead(t) == 0]
        running.pop(head).finish(turn(head, status="done"))
    for record in programs:
        record.close()

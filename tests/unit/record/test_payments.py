"""Money is set aside before it is spent: whoever asks, from wherever, a bound is passed by one request at most."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.record import Bound, Record, Spent
from tierwise.turns import DecisionRecord

NOW = time.time()
TODAY = NOW - 3600


@pytest.fixture
def record(own_home: Path) -> Iterator[Record]:
    store = Record(own_home)
    yield store
    store.close()


def begin(store: Record, turn: str, thread: str = "t", at: float = NOW) -> DecisionRecord:
    begun = DecisionRecord(turn, thread, "why?", "running", at)
    store.start(begun)
    return begun


def spent(store: Record, scope: str, turn: str | None = "a", since: float = TODAY) -> Spent:
    (found,) = store.spent_under([Bound(scope, 0.0, since)], turn)  # type: ignore[arg-type]
    return found


def test_what_is_set_aside_counts_for_all_until_it_is_settled(record: Record) -> None:
    begin(record, "a"), begin(record, "b"), begin(record, "c", "other")
    bounds = [Bound("thread", 1.0), Bound("day", 5.0, TODAY)]
    assert record.set_aside("a", 1, 0.9, bounds) == (True, [Spent(0, 0), Spent(0, 0)])
    assert record.set_aside("b", 1, 0.9, bounds) == (True, [Spent(0, 0.9), Spent(0, 0.9)])  # the last one
    assert record.set_aside("b", 2, 0.9, bounds)[0] is False
    assert record.set_aside("c", 1, 0.9, bounds) == (True, [Spent(0, 0), Spent(0, 1.8)])
    record.settle("a", 1, 0.1)
    assert (spent(record, "turn"), spent(record, "thread"), spent(record, "day")) == (
        Spent(0.1, 0), Spent(0.1, 0.9), Spent(0.1, 1.8),
    )  # fmt: skip
    record.settle("b", 1, 0.2)
    assert record.set_aside("b", 3, 0.9, bounds)[0] is True
    assert record.spent(TODAY) == pytest.approx(0.1 + 0.2 + 0.9 + 0.9)
    assert record.spent_in("t") == pytest.approx(0.1 + 0.2 + 0.9)


def test_an_end_makes_payments_the_cost_of_the_turn(record: Record) -> None:
    begun = begin(record, "a")
    record.set_aside("a", 1, 0.9, [])
    record.settle("a", 1, 0.25)
    record.finish(replace(begun, status="done", cost_usd=0.25))
    assert spent(record, "turn") == Spent(0.25, 0)
    assert record.spent(TODAY) == record.spent_in("t") == 0.25


def test_what_no_attempt_tells_of_is_kept(record: Record) -> None:
    begun = begin(record, "a")
    record.set_aside("a", 1, 0.9, [])
    record.finish(replace(begun, status="stopped", cost_usd=0.0))
    assert record.get("a").cost_usd == 0.9
    assert record.stats().cost_usd == record.spent(TODAY) == 0.9


def test_a_turn_that_goes_on_pays_on_top(record: Record) -> None:
    begun = begin(record, "a")
    record.set_aside("a", 1, 0.9, [])
    record.settle("a", 1, 0.25)
    record.finish(replace(begun, status="needs_approval", cost_usd=0.25), parked="waiting")
    record.go_on("a")
    assert spent(record, "turn") == Spent(0.25, 0)
    record.set_aside("a", 1, 0.9, [])
    assert spent(record, "turn") == Spent(0.25, 0.9)
    record.settle("a", 1, 0.5)
    record.finish(replace(begun, status="done", cost_usd=0.75))
    assert (record.get("a").cost_usd, record.spent(TODAY)) == (0.75, 0.75)


def test_who_was_stopped_while_it_was_set_aside_has_paid_nothing(record: Record) -> None:
    """The thread that sets aside may come to it after the turn has been stopped."""
    begin(record, "a")
    record.settle("a", 7, 0.0)
    record.set_aside("a", 7, 0.9, [])
    assert spent(record, "turn") == Spent(0, 0)


def test_a_turn_over_midnight_counts_today_while_it_runs(record: Record) -> None:
    begin(record, "a", at=TODAY - 60)
    record.set_aside("a", 1, 0.9, [])
    assert record.set_aside("a", 2, 0.1, [Bound("day", 0.9, TODAY)])[0] is False


def test_deleting_a_thread_gives_back_nothing_of_what_runs(record: Record) -> None:
    begin(record, "a")
    record.set_aside("a", 1, 0.9, [])
    record.delete_thread("t")
    assert record.spent(TODAY) == 0.9


def test_before_it_is_stored_nothing_is_spent_on_a_turn(record: Record) -> None:
    begin(record, "a")
    record.set_aside("a", 1, 0.9, [])
    assert spent(record, "turn", None) == spent(record, "thread", None) == Spent(0, 0)
    assert spent(record, "day", None) == Spent(0, 0.9)


def test_two_programs_that_ask_at_once_do_not_spend_the_same_money(own_home: Path) -> None:
    """Each with a record of its own, as two programs have."""
    bounds, begun = [Bound("day", 1.0, TODAY)], []

    def program(name: int) -> None:
        store = Record(own_home)
        begin(store, f"turn-{name}", f"thread-{name}")
        for number in range(10):
            begun.append(store.set_aside(f"turn-{name}", number, 0.3, bounds)[0])
        store.close()

    threads = [threading.Thread(target=program, args=(name,)) for name in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (len(begun), sum(begun)) == (40, 4)  # 3 x 0.3 is less than 1


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0.01, 0.5), st.floats(0, 1)), max_size=40),
    st.floats(0, 2),
)
def test_no_order_of_events_spends_more_than_one_request_too_much(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, bool, float, float]], cap: float
) -> None:
    """Requests begin, and end for a part of what was set aside, in any order."""
    store = Record(tmp_path_factory.mktemp("money"))
    try:
        for turn in "abc":
            begin(store, turn, f"t{turn}")
        running: list[tuple[str, int, float]] = []
        paid = most = 0.0
        for number, (turn, begins, usd, share) in enumerate(events):
            if begins:
                if store.set_aside(turn, number, usd, [Bound("day", cap, TODAY)])[0]:
                    running.append((turn, number, usd))
                    most = max(most, usd)
            elif running:
                turn, n, usd = running.pop(0)
                store.settle(turn, n, usd * share)
                paid += usd * share
        paid += sum(usd for _, _, usd in running)
        assert paid < cap + most + 1e-9 or not most
        assert store.spent(TODAY) == pytest.approx(paid)
    finally:
        store.close()

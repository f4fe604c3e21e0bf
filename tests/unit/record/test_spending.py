"""What was spent is summed without reading records, and nothing makes it forgotten."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tierwise.record import Record
from tierwise.record.database import dump
from tierwise.record.file.schema import _MIGRATIONS
from tierwise.turns import DecisionRecord

NOW = time.time()
DAY = datetime.fromtimestamp(NOW).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


@pytest.fixture
def record(own_home: Path) -> Iterator[Record]:
    store = Record(own_home)
    yield store
    store.close()


def spend(store: Record, usd: float, *, at: float = NOW, thread: str = "t", end: bool = True) -> None:
    turn_id = f"turn-{thread}-{at}-{usd}-{time.perf_counter_ns()}"
    begun = DecisionRecord(turn_id, thread, "why?", "running", at)
    store.start(begun)
    if end:
        store.finish(replace(begun, status="done", cost_usd=usd))


def test_money_is_summed_from_a_moment_on(record: Record) -> None:
    assert record.spent(0) == 0
    spend(record, 0.25, at=DAY - 1)
    spend(record, 0.02, at=DAY)
    spend(record, 0.03)
    assert record.spent(DAY) == pytest.approx(0.05)
    assert record.spent(0) == pytest.approx(0.30)
    assert record.spent(NOW + 1) == 0


def test_a_turn_that_fails_has_cost_what_it_has_cost(record: Record) -> None:
    begun = DecisionRecord("a", "t", "why?", "running", NOW)
    record.start(begun)
    record.finish(replace(begun, status="failed", cost_usd=0.1))
    assert record.spent(DAY) == pytest.approx(0.1)


def test_deleting_a_thread_gives_no_money_back(record: Record) -> None:
    spend(record, 0.25, thread="dear")
    spend(record, 0.0, thread="dear")
    spend(record, 0.05)
    record.delete_thread("dear")
    assert record.spent(DAY) == pytest.approx(0.30)
    assert record.spent(NOW + 1) == 0


def test_habits_are_read_off_the_last_days_with_turns(record: Record) -> None:
    assert (record.spending(DAY).turns, record.spending(DAY).turns_a_day, record.spending(DAY).cost) == (0, None, None)
    for days, turns in ((1, 4), (3, 8), (90, 50)):  # the last one is too long ago
        for _ in range(turns):
            spend(record, 0.0, at=DAY - days * 86400 + 3600)
    spend(record, 0.04)
    spend(record, 0.02)
    spend(record, 0.0)
    spend(record, 0.0, end=False)  # still runs
    found = record.spending(DAY)
    assert (found.turns, found.turns_a_day) == (3, 6)
    assert found.cost == pytest.approx(0.03)


def test_only_seven_days_make_a_usual_one(record: Record) -> None:
    for days in range(1, 15):
        for _ in range(2 if days <= 7 else 9):
            spend(record, 0.0, at=DAY - days * 86400 + 7200)
    assert record.spending(DAY).turns_a_day == 2


def file_of_version_2(home: Path, costs: list[float]) -> None:
    home.mkdir(mode=0o700, exist_ok=True)
    db = sqlite3.connect(home / "record.sqlite")
    db.create_function("told", 2, lambda record, name: None)
    for script in _MIGRATIONS[:2]:
        db.executescript(script)
    db.execute("INSERT INTO threads (thread, created) VALUES ('t', ?)", (NOW,))
    for n, usd in enumerate(costs):
        record = DecisionRecord(f"turn-{n}", "t", "why?", "done", NOW, cost_usd=usd)
        db.execute(
            "INSERT INTO turns (turn_id, thread, created, status, owner, asked, record)"
            " VALUES (?, 't', ?, 'done', '1:0', 'why?', ?)",
            (record.turn_id, NOW, dump(record)),
        )
    db.execute("PRAGMA user_version = 2")
    db.commit()
    db.close()


def test_a_file_of_version_2_gets_its_sums(own_home: Path) -> None:
    file_of_version_2(own_home, [0.25, 0.05, 0.0])

    store = Record(own_home)
    assert store.spent(DAY) == pytest.approx(0.30)
    assert store.spending(DAY).turns == 3
    spend(store, 0.1)
    assert store.spent(DAY) == pytest.approx(0.40)
    store.close()
    Record(own_home).close()  # and once more

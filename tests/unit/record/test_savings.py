"""What the device answered for nothing, and what it would have cost elsewhere."""

from __future__ import annotations

import time
from pathlib import Path

from tierwise import Price
from tierwise.record import LocalWork, Record, saved
from tierwise.turns import Attempt, DecisionRecord, SentOut
from tierwise.types import TurnStatus, Usage

PRICE = Price(2.0, 10.0)


def turn(
    name: str, *, status: TurnStatus = "done", out: int = 0, usd: float = 0.0, created: float = 100.0
) -> DecisionRecord:
    local = Attempt(1, "quick", "m", "m", "accepted", "a", usage=Usage(1000, 100))
    thrown = Attempt(0, "quick", "m", "m", "discarded", "x", usage=Usage(7, 7))
    return DecisionRecord(
        name, "t", "q", status, created, final="quick", text="a", attempts=(thrown, local), sent_out=SentOut(out),
        usage=Usage(1007, 107), cost_usd=usd,
    )  # fmt: skip


def test_only_answers_that_cost_nothing_and_stayed_count_as_saved(tmp_path: Path) -> None:
    record = Record(tmp_path)
    turns = [turn("a1"), turn("a2", out=10, usd=0.5), turn("a3", usd=0.25), turn("a4", status="failed"), turn("a5")]
    for one in (*turns, turn("a0", created=1.0)):
        record.start(one)
        record.finish(one)
    work = record.local_work(50.0)
    assert work == LocalWork(answered=4, local=3, free=2, prompt_tokens=2000, completion_tokens=200)
    assert work.share == 0.75
    assert saved(work, PRICE) == 2 * (1000 * 2 + 100 * 10) / 1e6
    assert record.spent_in("t") == 0.75
    assert record.spent_in("other") == 0.0


def test_new_turns_and_deleted_threads_are_noticed(tmp_path: Path) -> None:
    record, other = Record(tmp_path), Record(tmp_path)
    assert record.local_work(0.0) == LocalWork()
    assert LocalWork().share is None
    other.start(turn("a1"))
    assert record.local_work(0.0).answered == 0  # it runs
    other.finish(turn("a1"))
    assert record.local_work(0.0).answered == 1
    other.delete_thread("t")
    assert record.local_work(0.0) == LocalWork()


def test_a_record_is_read_once(tmp_path: Path) -> None:
    record = Record(tmp_path)
    for n in range(20):
        record.start(turn(f"a{n}", created=time.time()))
        record.finish(turn(f"a{n}", created=time.time()))
    record.local_work(0.0)
    read: list[str] = []
    record._db.set_trace_callback(read.append)
    assert record.local_work(0.0).answered == 20
    assert not any("FROM turns" in sql for sql in read)  # nothing has changed
    record.start(turn("b0", created=time.time()))
    read.clear()
    assert record.local_work(0.0).answered == 20
    assert sum("FROM turns" in sql for sql in read) == 1

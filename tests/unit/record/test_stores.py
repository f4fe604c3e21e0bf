"""A record that was damaged: what is brought back, what is said, what is never shown as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.damage import damages, take_news
from tierwise.errors import StoreError
from tierwise.record import Record, backups
from tierwise.record.at_rest import AtRest
from tierwise.record.file import openfile
from tierwise.record.file.backups import EVERY, KEPT, back_up
from tierwise.record.file.pages import Pages
from tierwise.turns import DecisionRecord


def turn(n: int, **fields: object) -> DecisionRecord:
    text = f"Answer {n}: " + "word " * (30 + 300 * (n % 4))
    return DecisionRecord(
        f"{n:019x}", f"t{n // 5}", f"Question {n}?", "done", 100.0 + n, text=text, final="quick", **fields
    )


def fill(home: Path, *numbers: int) -> None:
    with closing(Record(home)) as record:
        for n in numbers:
            record.start(replace(turn(n), status="running", text=""))
            record.finish(turn(n))


def read(home: Path) -> list[DecisionRecord]:
    with closing(Record(home)) as record:
        return record.records()


@pytest.fixture
def filled(own_home: Path) -> Path:
    """A home with a backup of eight turns, and ten turns."""
    fill(own_home, *range(8))
    assert len(backups(own_home)) == 1
    fill(own_home, 8, 9)
    return own_home


def overwrite(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)


def test_turns_that_the_file_still_holds_come_from_it_and_the_others_from_the_backup(filled: Path) -> None:
    path = filled / "record.sqlite"
    data = path.read_bytes()
    overwrite(path, data.index(b"Answer 3"), b"Anzwer 3")  # one letter, which SQLite does not notice
    overwrite(path, 0, bytes(4096))  # and no tree leads anywhere
    assert read(filled) == [turn(n) for n in range(10)]
    (news,) = take_news(filled)
    assert "10 turns were restored, 1 of them from the backup" in news
    assert not take_news(filled)
    (aside,) = filled.glob("record.sqlite.damaged-*")
    assert aside.stat().st_size == len(data)
    assert [one.aside for one in damages(filled)] == [aside.name]


def test_a_turn_that_neither_holds_is_missing_and_counted(filled: Path) -> None:
    path = filled / "record.sqlite"
    data = path.read_bytes()
    place = data.index(b"Question 9?")
    overwrite(path, place, b"Question 7?")
    assert read(filled) == [turn(n) for n in range(9)]
    (news,) = take_news(filled)
    assert "9 of 10 turns were restored; 1 is missing" in news
    assert read(filled) == [turn(n) for n in range(9)]
    assert not take_news(filled)


def test_what_was_written_last_and_went_with_the_log_is_told(filled: Path) -> None:
    with closing(Record(filled)) as record:
        record.start(replace(turn(10), status="running", text=""))
        record.finish(turn(10))
        copy = filled.with_name("copy")
        shutil.copytree(filled, copy)
    (copy / "record.sqlite-wal").unlink()
    assert read(copy) == [turn(n) for n in range(10)]
    (news,) = take_news(copy)
    assert "what was written last is missing" in news


def test_a_damaged_log_is_read_past_its_damage(filled: Path) -> None:
    with closing(Record(filled)) as record:
        for n in (10, 11, 12):
            record.start(replace(turn(n), status="running", text=""))
            record.finish(turn(n))
        copy = filled.with_name("copy")
        shutil.copytree(filled, copy)
    overwrite(copy / "record.sqlite-wal", 32 + 24 + 8, b"x")  # SQLite itself drops everything from here on
    found = read(copy)
    assert [one for one in found if one.status == "done"][-1] == turn(12)
    assert take_news(copy)


def test_damage_that_is_met_while_it_is_open_is_mended_and_the_reading_goes_on(filled: Path) -> None:
    with closing(Record(filled)) as record, closing(Record(filled)) as other:
        record._empty_log()
        other._db.execute("PRAGMA cache_size = 0")
        overwrite(filled / "record.sqlite", 4096, random.Random(1).randbytes(8 * 4096))
        record._db.execute("PRAGMA shrink_memory")
        with closing(sqlite3.connect(filled / "record.sqlite")) as db, pytest.raises(sqlite3.DatabaseError):
            db.execute("SELECT * FROM turns").fetchall()
        fresh = Record(filled)  # mends it
        assert [one.turn_id for one in fresh.records()] == [turn(n).turn_id for n in range(10)]
        fresh.start(replace(turn(20), status="running"))
        assert other.get(turn(20).turn_id).status == "running"  # the others follow to the new file
        record.set_feedback(turn(0).turn_id, "up")
        assert fresh.get(turn(0).turn_id).feedback == "up"
        fresh.close()


def test_a_deleted_thread_comes_back_neither_from_the_file_nor_from_a_backup(filled: Path) -> None:
    with closing(Record(filled)) as record:
        record.delete_thread("t0")
    everything = b"".join(path.read_bytes() for path in filled.rglob("*") if path.is_file())
    assert b"Question 2?" not in everything
    overwrite(filled / "record.sqlite", 2 * 4096, bytes(4096))
    assert not {one.thread for one in read(filled)} & {"t0"}


def test_a_lock_that_is_not_known_any_more_holds(filled: Path) -> None:
    fill_locked = replace(turn(10), locked=True)
    with closing(Record(filled)) as record:
        record.start(replace(fill_locked, status="running"))
        record.finish(fill_locked)
        record.lock_thread("t2", True)
    (filled / "record.sqlite").write_bytes((filled / "record.sqlite").read_bytes()[: 6 * 4096])
    with closing(Record(filled)) as record:
        assert record.is_locked("t2") or not record._rows("SELECT 1 FROM turns WHERE thread = 't2'")


def test_two_that_open_a_damaged_file_at_once_mend_it_once(filled: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    overwrite(filled / "record.sqlite", 4096, bytes(3 * 4096))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(read, [filled] * 4))
    assert found == [[turn(n) for n in range(10)]] * 4
    assert len(list(filled.glob("record.sqlite.damaged-*"))) == 1
    assert len(take_news(filled)) == 1


def test_an_emptied_file_is_damage_and_a_missing_one_is_a_new_beginning(filled: Path) -> None:
    os.truncate(filled / "record.sqlite", 0)
    assert len(read(filled)) == 8  # what the backup holds
    assert len(take_news(filled)) == 1
    (filled / "record.sqlite").unlink()
    assert read(filled) == []
    assert take_news(filled) == []


def test_the_first_backup_has_all_turns_of_the_first_program_however_slowly_it_began(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = threading.Event()

    def slow(home: Path, rest: AtRest) -> Path | None:
        stored.wait(60)
        return back_up(home, rest)

    monkeypatch.setattr(openfile, "back_up", slow)
    with closing(Record(own_home)) as record:
        for n in range(3):
            record.start(replace(turn(n), status="running", text=""))
            record.finish(turn(n))
            stored.set()
            if record._backup is not None:
                record._backup.join()
    os.truncate(own_home / "record.sqlite", 0)
    assert len(read(own_home)) == 3


def test_backups_are_made_once_a_day_and_the_last_three_stay(filled: Path) -> None:
    assert back_up(filled) is None
    for day in range(1, 6):
        for path in backups(filled):
            age = path.stat().st_mtime - EVERY - 1
            os.utime(path, (age, age))
            path.rename(path.with_name(f"record-2020010{day}-00000{len(path.name) % 10}.sqlite"))
        assert back_up(filled) is not None
    assert len(backups(filled)) <= KEPT
    assert all(path.stat().st_mode & 0o077 == 0 for path in backups(filled))


def test_a_file_that_is_not_whole_is_not_backed_up(filled: Path) -> None:
    for path in backups(filled):
        path.unlink()
    overwrite(filled / "record.sqlite", (filled / "record.sqlite").read_bytes().index(b"Answer 3"), b"Anzwer 3")
    assert back_up(filled) is None
    assert backups(filled) == []


def test_a_full_file_says_so_keeps_what_it_has_and_goes_on(filled: Path) -> None:
    with closing(Record(filled)) as record:
        (pages,) = record._db.execute("PRAGMA page_count").fetchone()
        record._db.execute(f"PRAGMA max_page_count = {pages}")
        big = replace(turn(30), text="word " * 40_000)
        record.start(replace(turn(30), status="running", text=""))
        with pytest.raises(StoreError, match="no space is left") as raised:
            record.finish(big)
        assert raised.value.fix is not None
        assert record.get(big.turn_id).status == "running"
        assert len(record.records()) == 11
        record._db.execute("PRAGMA max_page_count = 1000000")
        record.finish(big)
        assert record.get(big.turn_id) == big
        assert record._db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


@given(st.binary(max_size=9000), st.binary(max_size=5000))
def test_any_bytes_can_be_looked_through(data: bytes, log: bytes) -> None:
    pages = Pages(data, log)
    for number in pages.numbers:
        if pages.is_leaf(number):
            list(pages.rows(number))
    pages.roots()


@given(st.lists(st.tuples(st.text(max_size=3000), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))))
def test_pages_say_what_sqlite_says(rows: list[tuple[str, int, float]]) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE t (a TEXT, b INTEGER, c REAL, d BLOB)")
        db.executemany("INSERT INTO t VALUES (?, ?, ?, NULL)", rows)
        db.commit()
        pages = Pages(db.serialize())
        leaves, whole = pages.leaves(pages.roots()["t"])
        assert whole
        assert [values[:3] for leaf in leaves for _, values in pages.rows(leaf)] == [
            tuple(row) for row in db.execute("SELECT a, b, c FROM t")
        ]

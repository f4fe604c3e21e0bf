"""A whole ``record.sqlite`` made of what is left of a damaged one and of its newest backup."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tierwise.damage import Damage, note_damage, set_aside
from tierwise.home import private
from tierwise.record.file.backups import newest_backup
from tierwise.record.file.noted import Notes
from tierwise.record.file.remains import Remains, Rows, Table
from tierwise.record.file.schema import VERSION, derived, migrate
from tierwise.record.file.sums import OF_THREAD, OF_TURN, seal, sum_of, sum_of_thread

_NAME = "record.sqlite"
_NEW = "record.sqlite.new"
# Nothing is put together from these: they are made anew with the rows that they are about.
_MADE_ANEW = ("sums", "thread_sums", "written")


def salvage(home: Path, problem: str, *, log: bytes = b"", most: int = 0) -> None:
    """Put the damaged file aside and a whole one in its place; the caller sees to it that nobody else does.

    A turn is taken from the file if it is as its checksum says, else from the backup. What is deleted in the file stays
    so. Rows of turns that are gone go with them.

    Args:
        home: folder of the stores.
        problem: what is wrong with the file, for the person.
        log: its write-ahead log as it was before anybody opened it.
        most: how many transactions are known to have been written to it.

    Raises:
        OSError: if there is no space, or the file cannot be moved.
        sqlite3.Error: if the new file cannot be written.
    """
    aside = set_aside(home / _NAME)
    kept_log = aside.with_name(f"{aside.name}-wal")
    if log and not kept_log.exists():
        private(kept_log).write_bytes(log)
    new = home / _NEW
    for ending in ("", "-wal", "-shm", "-journal"):
        new.with_name(_NEW + ending).unlink(missing_ok=True)
    with closing(sqlite3.connect(private(new), isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = FULL")
        migrate(db)
        remains = Remains(aside.read_bytes() if aside.exists() else b"", log, tables_of(db))
        told = _put_together(db, remains, newest_backup(home), most)
    new.replace(home / _NAME)
    notes = Notes(home)
    notes.note(version=VERSION, written=0, size=-1, changed=-1)
    notes.close()
    text, missing = told.text(_NAME, problem, aside.name)
    note_damage(home, Damage(_NAME, text, time.time(), aside.name, missing))


def tables_of(db: sqlite3.Connection) -> dict[str, Table]:
    """The tables of a file that a person would miss, by name."""
    names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%STRICT%'").fetchall()
    return {
        name: Table(name, tuple((c[1], c[2], bool(c[3]), bool(c[5])) for c in db.execute(f"PRAGMA table_info({name})")))
        for (name,) in names
    }


class _Told:
    """What was restored, counted."""

    def __init__(self) -> None:
        self.restored = self.backed = self.missing = 0
        self.certain = True  # it is known how many turns there were
        self.behind = False  # the newest that was written is missing
        self.backup: Path | None = None

    def text(self, name: str, problem: str, aside: str) -> tuple[str, int]:
        known = self.restored + self.missing
        of = f" of {known}" if self.certain and not self.behind else ""
        parts = [f"{name} was damaged ({problem}): {self.restored}{of} turns were restored"]
        if self.backed and self.backup is not None:
            day = time.strftime("%Y-%m-%d", time.localtime(self.backup.stat().st_mtime))
            parts.append(f", {self.backed} of them from the backup of {day}")
        if self.missing:
            parts.append(f"; {self.missing} {'is' if self.missing == 1 else 'are'} missing")
        elif not self.certain:
            parts.append("; how many there were is not known")
        elif self.behind:
            parts.append("; what was written last is missing")
        return f"{''.join(parts)}. The damaged file is kept: {aside}", self.missing


def _put_together(db: sqlite3.Connection, remains: Remains, backup: Path | None, most: int) -> _Told:
    told = _Told()
    told.backup = backup
    complete = remains.complete("sums")
    sums = {number: row["sum"] for number, row in _all(remains, "sums", stray=not complete).items()}
    mine = _good_turns(remains.rows("turns"), sums)
    lost = {number: row for number, row in remains.strays("turns").items() if number not in mine}
    # What no tree leads to may have been deleted: it is known by its checksum, if those are known.
    mine |= _good_turns({n: row for n, row in lost.items() if n in sums or not complete}, sums)
    with closing(_read_only(backup)) as old:
        theirs = _rows_of(old, "turns", "n")
        taken = {row["turn_id"] for row in mine.values()}
        turns = dict(mine)
        for number, row in theirs.items():
            deleted = complete and number not in sums
            if number not in turns and row["turn_id"] not in taken and not deleted:
                turns[number] = row
                told.backed += 1
        told.restored = len(turns)
        told.missing = len(sums.keys() - turns.keys())
        told.certain = complete
        told.behind = most > max((int(str(row["n"])) for row in remains.rows("written").values()), default=0)
        unsure = told.behind or told.backed or told.missing or not complete
        withheld = {str(row["thread"]) for row in turns.values() if row["locked"]} if unsure else set()
        db.execute("BEGIN IMMEDIATE")
        owners = {str(turns[n]["thread"]): _caller(turns[n]) for n in sorted(turns, reverse=True)}
        for thread in _threads(remains, old, owners):
            # A lock that may have been set since is as good as one that is known.
            _insert(db, "threads", thread | ({"locked": 1} if thread["thread"] in withheld else {}))
        for number in sorted(turns):
            row = turns[number]
            _insert(db, "turns", derived(str(row["record"]), str(row["asked"])) | row | {"n": number})
        ids = {row["turn_id"] for row in turns.values()}
        for table in remains.tables:
            if table not in ("threads", "turns", *_MADE_ANEW):
                for row in _others(table, remains, old, ids, {row["turn_id"] for row in mine.values()}):
                    _insert(db, table, row)
        seal(db, count=False)
        db.execute("COMMIT")
    return told


def _all(remains: Remains, table: str, *, stray: bool = True) -> Rows:
    return (remains.strays(table) if stray else {}) | remains.rows(table)


def _good_turns(found: Rows, sums: dict[int, object]) -> Rows:
    """Turns that are as they were written, as far as that can be known."""
    good = {}
    for number, row in found.items():
        known = sums.get(number)
        whole = _tells_the_same(row) if known is None else sum_of([row.get(column) for column in OF_TURN]) == known
        if whole:
            good[number] = row
    return good


def _tells_the_same(row: dict[str, object]) -> bool:
    """Whether a turn without a checksum says the same in its record and beside it."""
    try:
        record = json.loads(str(row["record"]))
        return all(record[name] == row[name] for name in ("turn_id", "thread", "asked")) and (
            row["status"] == "running" or (record["status"], record["text"]) == (row["status"], row["text"])
        )
    except (ValueError, KeyError, TypeError):
        return False


def _caller(turn: dict[str, object]) -> object:
    """Who asked a turn through an API."""
    return derived(str(turn["record"]), str(turn["asked"]))["caller"]


def _threads(remains: Remains, old: sqlite3.Connection, needed: dict[str, object]) -> list[dict[str, object]]:
    """The threads of the turns; one whose lock is not known counts as locked.

    Args:
        remains: what is left of the file.
        old: the backup.
        needed: the threads that have turns, each with who asked the first of them through an API.
    """
    sums = {row["thread"]: row["sum"] for row in _all(remains, "thread_sums").values()}
    mine = {str(row["thread"]): row for row in _all(remains, "threads").values()}
    theirs = {str(row["thread"]): row for row in _rows_of(old, "threads", "rowid").values()}
    found = []
    for thread in sorted(needed.keys() | (mine.keys() & sums.keys())):
        row, known = mine.get(thread), sums.get(thread)
        if row is not None and known is not None and sum_of_thread([row.get(column) for column in OF_THREAD]) != known:
            row = None
        lost = {"thread": thread, "created": time.time(), "locked": 1, "caller": needed.get(thread)}
        found.append(row or theirs.get(thread) or lost)
    return found


def _others(
    table: str, remains: Remains, old: sqlite3.Connection, ids: set[object], mine: set[object]
) -> list[dict[str, object]]:
    """Rows of another table: those of the file, and those of the backup that are about turns taken from there."""
    if any(name == "turn_id" for name, *_ in remains.tables[table].columns):
        rows = [row for row in _all(remains, table).values() if row["turn_id"] in ids]
        return rows + [row for row in _rows_of(old, table, "rowid").values() if row["turn_id"] in ids - mine]
    rows = list(_all(remains, table, stray=not remains.complete(table)).values())
    return rows if rows or remains.complete(table) else list(_rows_of(old, table, "rowid").values())


def _read_only(backup: Path | None) -> sqlite3.Connection:
    """The backup, an empty database if there is none."""
    if backup is None:
        return sqlite3.connect(":memory:")
    return sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def _rows_of(db: sqlite3.Connection, table: str, key: str) -> Rows:
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
        return {}
    found = db.execute(f"SELECT {key}, * FROM {table}")  # noqa: S608 - our own names
    names = [column[0] for column in found.description][1:]
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in found}


def _insert(db: sqlite3.Connection, table: str, row: dict[str, object]) -> None:
    names = ", ".join(row)
    marks = ", ".join("?" * len(row))
    db.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 - as above

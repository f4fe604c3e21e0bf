"""Stores that are damaged, full or locked: ``python -m benches.faults.stores [--damages 240] [--full 50]``.

Each damage is done to a copy of a home whose program was killed or had ended; its backup lacks the newest turns. A
turn is lost if it is missing although the damaged file or the backup still holds it whole; history is silently wrong if
a turn is not as it was written, or is missing and nobody was told.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from benches.faults.damaging import damage
from tierwise.damage import take_news
from tierwise.errors import StoreError
from tierwise.record import Record
from tierwise.record.database import dump
from tierwise.record.file.backups import back_up, backups
from tierwise.turns import Attempt, DecisionRecord, ToolStep

_TURNS, _BACKED = 36, 24
_LOCKED = "t1"


@dataclass
class Result:
    """What came of all trials.

    Attributes:
        trials: how many.
        lost: turns that were there and were not brought back.
        loops: opened twice, and it still fails or is still damaged.
        wrong: turns that are not as they were written, or are missing without a word.
        unclear: errors that are not ours.
        mended: trials in which something was mended.
        slowest: seconds that mending took at most.
        examples: the first few failures, in words.
    """

    trials: int = 0
    lost: int = 0
    loops: int = 0
    wrong: int = 0
    unclear: int = 0
    mended: int = 0
    slowest: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether no bar was missed."""
        return not (self.lost or self.loops or self.wrong or self.unclear)

    def note(self, what: str) -> None:
        """Remember a failure."""
        if len(self.examples) < 8:
            self.examples.append(what)


def turn(n: int) -> DecisionRecord:
    """A turn with words of its own, some so long that they do not fit a page."""
    text = f"Answer {n}: " + "word " * (40 + 90 * (n % 7))
    step = ToolStep(1, 0, "look_up", {"word": f"w{n}"}, True, f"found {n}", 1.0)
    return DecisionRecord(
        f"{n:019x}", f"t{n // 6}", f"Question {n}, is it so?", "done", 1000.0 + n, text=text, final="quick",
        attempts=(Attempt(1, "quick", "m", "m", "accepted", text),), tools=(step,) if n % 3 == 0 else (),
        locked=n // 6 == 1, cost_usd=0.001 * (n % 2),
    )  # fmt: skip


def make_homes(folder: Path) -> tuple[Path, Path]:
    """A home whose program has ended, and one whose program was killed: with a write-ahead log beside the file."""
    clean, killed = folder / "clean", folder / "killed"
    record = Record(clean)
    for n in range(_TURNS):
        if n == _BACKED:
            back_up(clean)
        if n == _TURNS - 10:
            record._empty_log()
        one = turn(n)
        record.start(replace(one, status="running", text="", final=None, attempts=()))
        record.finish(one)
    record.lock_thread(_LOCKED, True)
    shutil.copytree(clean, killed)
    record.close()
    (backup,) = backups(clean)
    assert backup.exists()
    return clean, killed


def whole_in(home: Path, turns: dict[str, DecisionRecord]) -> set[str]:
    """The turns whose record a damaged home still holds in one piece, or its backup does."""
    data = b"".join(path.read_bytes() for path in home.glob("record.sqlite*") if not path.name.endswith("-shm"))
    found = {one.turn_id for one in turns.values() if _heart(one) in data and len(dump(one)) < 3500}
    for path in backups(home):
        with closing(sqlite3.connect(path)) as db:
            found |= {turn_id for (turn_id,) in db.execute("SELECT turn_id FROM turns WHERE status = 'done'")}
    return found


def _heart(one: DecisionRecord) -> bytes:
    """The whole row of a short turn, from its words to the end of its record."""
    return f"{one.asked}{one.text}{dump(one)}".encode()


def try_record(home: Path, seed: int, result: Result) -> None:
    """Damage the record of a home and see what becomes of it."""
    turns = {f"{n:019x}": turn(n) for n in range(_TURNS)}
    what = damage(home / "record.sqlite", seed)
    there = whole_in(home, turns)
    result.trials += 1
    began = time.perf_counter()
    news: list[str] = []
    try:
        with closing(Record(home)) as record:
            found = {one.turn_id: one for one in record.records()}
            record.stats()
            record.search("Answer")
            locked = record.is_locked(_LOCKED)
            record.start(replace(turn(90), status="running"))
            record.finish(turn(90))
    except StoreError as error:
        result.loops += 1
        result.note(f"{seed} {what}: {error}")
        return
    except Exception as error:
        result.unclear += 1
        result.note(f"{seed} {what}: {type(error).__name__}: {error}")
        return
    result.slowest = max(result.slowest, time.perf_counter() - began)
    news = take_news(home)
    result.mended += bool(news)
    wrong = [one for one in found if one in turns and found[one] != turns[one]]
    # Its newest state went with what was written last: it is as a program leaves it that ends in the middle.
    older = {one for one in wrong if news and found[one].status in ("running", "stopped") and not found[one].text}
    wrong = [one for one in wrong if one not in older]
    missing = (turns.keys() - found.keys()) | older
    lost = missing & there
    if wrong or (missing and not news) or not locked or found.keys() - turns.keys():
        result.wrong += 1
        result.note(f"{seed} {what}: wrong {len(wrong)}, missing {len(missing)}, locked {locked}, told {news}")
    if lost:
        result.lost += len(lost)
        result.note(f"{seed} {what}: lost {len(lost)} of {len(there)}; {news}")
    try:
        with closing(Record(home)) as record:
            again = len(record.records())
        with closing(sqlite3.connect(home / "record.sqlite")) as db:
            (word,) = db.execute("PRAGMA integrity_check").fetchone()
        if again != len(found) + 1 or word != "ok" or take_news(home):
            raise StoreError(f"the second time: {again} turns, {word}")
    except (StoreError, sqlite3.Error) as error:
        result.loops += 1
        result.note(f"{seed} {what}: {error}")


def damages_of_record(trials: int, *, first: int = 0) -> Result:
    """Damage copies of a home's record."""
    result = Result()
    with tempfile.TemporaryDirectory(prefix="tierwise-stores-") as name:
        folder = Path(name)
        homes = make_homes(folder)
        for seed in range(first, first + trials):
            home = folder / "trial"
            shutil.copytree(homes[seed // 16 % 2], home)
            try_record(home, seed, result)
            shutil.rmtree(home)
    return result


def show(name: str, result: Result) -> None:
    """Print the figures of one kind of trial."""
    print(
        f"{name}: {result.trials} damages, {result.mended} told of, lost {result.lost}, crash loops {result.loops},"
        f" silently wrong {result.wrong}, errors that are not ours {result.unclear},"
        f" slowest opening {result.slowest * 1000:.0f} ms"
    )
    for line in result.examples:
        print(f"   {line}")


def main(words: list[str]) -> int:
    """Run all, print the figures; 1 if a bar was missed."""
    import logging

    from benches.faults.stores_beside import damages_of_knowledge, damages_of_threads
    from benches.faults.stores_full import full_disks
    from benches.faults.stores_locked import locked_stores

    parser = argparse.ArgumentParser(prog="python -m benches.faults.stores", description=__doc__)
    parser.add_argument("--damages", type=int, default=240, help="damaged files of record.sqlite")
    parser.add_argument("--others", type=int, default=64, help="damaged files of threads and of knowledge each")
    parser.add_argument("--full", type=int, default=50, help="full disks")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(words)
    logging.getLogger("tierwise").setLevel(logging.ERROR)
    results = {
        "record.sqlite": damages_of_record(args.damages),
        "threads.sqlite": damages_of_threads(args.others),
        "knowledge.sqlite": damages_of_knowledge(args.others),
    }
    for name, result in results.items():
        show(name, result)
    full = full_disks(args.full)
    print(full.text())
    locked = locked_stores()
    print(locked.text())
    if args.json:
        print(json.dumps({name: vars(result) for name, result in results.items()}, default=str))
    return int(not (all(result.passed for result in results.values()) and full.passed and locked.passed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

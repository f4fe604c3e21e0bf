"""What ``tierwise doctor`` says of the stores: whole, backed up, what waits in them, what was damaged; of libraries."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise.damage import damages
from tierwise.errors import TierwiseError
from tierwise_app.checks import Check, failed
from tierwise_app.text import clean, plural, size

if TYPE_CHECKING:
    from tierwise.config import Settings
    from tierwise.record import Record

_LONG_LOG = 64 << 20  # bytes of a write-ahead log that nobody has emptied
_OLD_BACKUP = 3  # days
# Versions in which known faults are mended: what a checkpoint can make run, what a page of another site can ask for.
_LOWEST = {
    "langgraph": (1, 0, 10),
    "langgraph-checkpoint": (4, 0, 0),
    "langgraph-checkpoint-sqlite": (3, 0, 1),
    "mcp": (1, 23, 0),
    "jinja2": (3, 1, 6),
    "streamlit": (1, 61, 0),
    "llama-cpp-python": (0, 2, 72),
}


def check_stores(settings: Settings) -> Iterator[Check]:
    """A line on each store, on turns that can go on, on backups, and on what is left of damages."""
    from tierwise.record import Record

    try:
        with closing(Record(settings.home)) as record:
            turns = list(_turns(record, settings))
    except TierwiseError as error:
        turns = [failed("turns", error)]
    for path in sorted(settings.home.glob("*.sqlite")):
        yield _store(path)
    yield from turns
    yield _backups(settings.home)
    yield from _damaged(settings.home)


def check_configuration(settings: Settings) -> Iterator[Check]:
    """Whether others can change the configuration, and whether a key is written into it."""
    path = settings.path
    if path is None or not path.exists():
        return
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o022:
        yield Check("configuration", "warn", f"{path} can be changed by others", f"Run: chmod go-w {path}")
    lines = _lines_with_keys(path)
    if lines:
        where = ", ".join(map(str, lines))
        fix = "Take it out, make a new one, and name its variable: api_key_env"
        yield Check("secrets", "warn", f"{path} holds what looks like a key, in line {where}", fix)


def check_libraries() -> Iterator[Check]:
    """Libraries that are older than the versions in which known faults were mended."""
    old = []
    for name, lowest in _LOWEST.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            continue
        if tuple(int(part) for part in re.findall(r"\d+", found)[:3]) < lowest:
            old.append(f"{name} {found} (at least {'.'.join(map(str, lowest))})")
    if old:
        yield Check("libraries", "warn", f"known faults in {', '.join(old)}", "Run: pip install --upgrade tierwise")
    else:
        yield Check("libraries", "ok", "none with known faults that were mended since")


def _lines_with_keys(path: Path) -> list[int]:
    from tierwise.redact import redact

    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [n for n, line in enumerate(lines, 1) if "api_key_env" not in line and redact(line) != line]


def _store(path: Path) -> Check:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            (word,) = db.execute("PRAGMA quick_check(1)").fetchone()
            (schema,) = db.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        word, schema = str(error), 0
    if word != "ok":
        return Check(path.name, "fail", f"damaged: {clean(word)}", f"Move it aside: mv {path} {path}.damaged")
    log = path.with_name(f"{path.name}-wal")
    kept = log.stat().st_size if log.exists() else 0
    of = f", version {schema}" if schema else ""
    text = f"intact, {size(path.stat().st_size)}{of}"
    if kept > _LONG_LOG:
        fix = "Close what reads it all the time: the log is emptied then"
        return Check(path.name, "warn", f"{text}, and a log of {size(kept)}", fix)
    return Check(path.name, "ok", text)


def _turns(record: Record, settings: Settings) -> Iterator[Check]:
    parked = record.parked()
    if waiting := parked["waiting"]:
        text = f"{plural(len(waiting), 'turn')} for your yes or no"
        yield Check("waiting", "warn", text, "See: tierwise threads waiting")
    if crashed := parked["crashed"]:
        text = f"{plural(len(crashed), 'turn')} stopped in the middle, and can go on"
        yield Check("unfinished", "warn", text, f"Run: tierwise threads resume {shlex.quote(crashed[0])}")
    if improvable := record.missed_count():
        text = f"{plural(improvable, 'answer')} that a larger tier should have given"
        fix = "Run: tierwise improve" if len(settings.tiers) > 1 else "Add a larger tier: tierwise setup"
        yield Check("improvable", "ok", text, fix)


def _backups(home: Path) -> Check:
    from tierwise.record import backups

    found = backups(home)
    if not found:
        return Check("backups", "ok", "none yet: the first is made with the first turns")
    days = int((time.time() - found[0].stat().st_mtime) / 86400)
    age = "made today" if days < 1 else f"{plural(days, 'day')} old"
    text = f"{plural(len(found), 'backup')} of record.sqlite, the newest {age}, {size(_sum(found))}"
    if days > _OLD_BACKUP and _changed_since(home, found[0]):
        return Check("backups", "warn", text, "Free some space: a backup takes at most a quarter of what is free")
    return Check("backups", "ok", text)


def _damaged(home: Path) -> Iterator[Check]:
    told = damages(home)
    if told:
        yield Check("damage", "warn" if told[-1].missing else "ok", clean(told[-1].text))
    aside = sorted(path for path in home.glob("*.damaged*") if path.is_file())
    if aside:
        text = f"{plural(len(aside), 'file')} of {size(_sum(aside))}, put aside; they hold what was in the store"
        yield Check("damaged files", "warn", text, f"When you miss nothing: rm {home}/*.damaged-*")


def _changed_since(home: Path, backup: Path) -> bool:
    record = home / "record.sqlite"
    return record.exists() and record.stat().st_mtime > backup.stat().st_mtime + 86400


def _sum(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths)

"""Full disks: a small one of memory as root, else a bound on the size of files; see :mod:`benches.faults.stores`."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benches.faults.stores_beside import Nothing, Words
from tierwise import Copilot, StoreError
from tierwise.events import AnswerReady, TurnFailed, TurnStarted
from tierwise.testing import make_copilot

_STORES = ("record.sqlite", "threads.sqlite")


@dataclass
class Full:
    """What came of the full disks.

    Attributes:
        how: how they were filled.
        trials: how many.
        refused: messages that were refused, or answered with words about the store.
        lost: messages or answers that were acknowledged and are gone.
        unclear: errors that are not ours or do not say why.
        unread: reads that failed meanwhile.
        stuck: trials that did not go on when there was space again.
        broken: files that failed ``integrity_check``.
        examples: the first few failures, in words.
    """

    how: str = ""
    trials: int = 0
    refused: int = 0
    lost: int = 0
    unclear: int = 0
    unread: int = 0
    stuck: int = 0
    broken: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether no bar was missed."""
        return not (self.lost or self.unclear or self.unread or self.stuck or self.broken) and self.refused > 0

    def text(self) -> str:
        """The figures."""
        lines = [
            f"full disks ({self.how}): {self.trials}, refused {self.refused}, lost {self.lost}, unclear {self.unclear},"
            f" reads that failed {self.unread}, stuck {self.stuck}, integrity_check ok"
            f" {self.trials - self.broken} of {self.trials}"
        ]
        return "\n   ".join(lines + self.examples[:8])


def full_disks(trials: int) -> Full:
    """Fill the disk under a copilot in the middle of its turns, and free it again."""
    result = Full()
    with tempfile.TemporaryDirectory(prefix="tierwise-full-") as name, _small_disk(Path(name)) as small:
        result.how = "tmpfs of 8 MB" if small else "RLIMIT_FSIZE"
        for seed in range(trials):
            home = Path(name) / "home"
            result.trials += 1
            _try(home, Path(name) / "filler", seed, result, small)
            shutil.rmtree(home)
    return result


def _try(home: Path, filler: Path, seed: int, result: Full, small: bool) -> None:
    dice = random.Random(seed)
    answer = "word " * dice.choice((20, 200, 800))
    stored: set[str] = set()
    answered: dict[str, str] = {}
    with closing(make_copilot([answer], home=home, retriever=Nothing(), embedder=Words())) as copilot:
        for n in range(3):
            _ask(copilot, n, stored, answered, result)
        before = len(answered)
        with _filled(filler, dice.randrange(0, 50_000), small, home):
            for n in range(3, 3 + 12):
                if not _ask(copilot, n, stored, answered, result):
                    break
            try:
                assert len(copilot.record.turns("t")) >= before
                copilot.record.stats()
                copilot.record.search("word")
            except Exception as error:
                result.unread += 1
                result.examples.append(f"{seed}: reading: {type(error).__name__}: {error}")
        try:
            assert _ask(copilot, 99, stored, answered, result)
        except (Exception, AssertionError) as error:
            result.stuck += 1
            result.examples.append(f"{seed}: afterwards: {type(error).__name__}: {error}")
        known = {one.turn_id: one for one in copilot.record.turns("t")}
    lost = stored - known.keys() | {one for one, text in answered.items() if known[one].text != text}
    if lost:
        result.lost += len(lost)
        result.examples.append(f"{seed}: lost {len(lost)} of {len(stored)}")
    for name in _STORES:
        with closing(sqlite3.connect(home / name)) as db:
            if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                result.broken += 1
                result.examples.append(f"{seed}: {name} is broken")
                break


def _ask(copilot: Copilot, n: int, stored: set[str], answered: dict[str, str], result: Full) -> bool:
    """Ask, note what was acknowledged, and whether the turn was answered."""
    try:
        for event in copilot.stream(f"Question {n}?", thread="t"):
            if isinstance(event, TurnStarted):
                stored.add(event.turn_id)
            if isinstance(event, AnswerReady):
                answered[event.turn_id] = event.answer.text
                return True
            if isinstance(event, TurnFailed):
                raise StoreError(event.message)
    except StoreError as error:
        result.refused += 1
        if "no space" not in str(error):
            result.unclear += 1
            result.examples.append(f"{n}: {error}")
    except Exception as error:
        result.unclear += 1
        result.examples.append(f"{n}: {type(error).__name__}: {error}")
    return False


@contextmanager
def _filled(filler: Path, left: int, small: bool, home: Path) -> Iterator[None]:
    """Leave so many bytes, as far as the disk counts them; or let no file grow by more."""
    if small:
        with filler.open("wb") as file, suppress(OSError):
            while True:
                os.write(file.fileno(), bytes(4096))
        os.truncate(filler, max(0, filler.stat().st_size - left))
        try:
            yield
        finally:
            filler.unlink()
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    largest = max(path.stat().st_size for path in home.glob("*.sqlite*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + left, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """Mount a disk of memory there, if this process may."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)

"""Stores in which another process writes for long; see :mod:`benches.faults.stores`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benches.faults.stores_beside import Nothing, Words
from tierwise import StoreError
from tierwise.knowledge import Knowledge
from tierwise.record import Record
from tierwise.testing import make_copilot

LONGEST = 6.0  # seconds that anybody may wait
_HOLD = "import sqlite3, sys; d = sqlite3.connect(sys.argv[1], isolation_level=None); d.execute('BEGIN EXCLUSIVE')"


@dataclass
class Waits:
    """How long each wait was, and what was said at its end."""

    seconds: dict[str, float] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nobody waited too long, and everybody was told why."""
        return not self.wrong

    def text(self) -> str:
        """The figures."""
        waits = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items())
        return "\n   ".join([f"locked stores: {waits}; bar {LONGEST:g} s", *self.wrong])

    def measure(
        self, name: str, work: Callable[[], str], *, needs: str | None = "Another process", most: float
    ) -> None:
        """Time something that has to say why it waited in vain, or (``needs=None``) has to succeed."""
        began = time.perf_counter()
        try:
            said = work()
        except StoreError as error:
            said = f"error: {error}"
        self.seconds[name] = time.perf_counter() - began
        self.said[name] = said
        fine = needs in said if needs is not None else not said.startswith("error")
        if not fine or self.seconds[name] > most or "Traceback" in said:
            self.wrong.append(f"{name}: {self.seconds[name]:.1f} s, {said[:200]!r}")


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process that holds the write lock of a store."""
    code = f"{_HOLD}; print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def locked_stores(*, cli: bool = True) -> Waits:
    """Read and write while another process holds each store."""
    waits = Waits()
    with tempfile.TemporaryDirectory(prefix="tierwise-locked-") as name:
        home = Path(name) / "home"
        (home / "docs").mkdir(parents=True)
        (home / "docs" / "a.md").write_text("The fee of the pool is seven euros.\n")
        with closing(Knowledge(home, Words())) as knowledge:
            knowledge.ingest([home / "docs"])
            with closing(make_copilot(home=home, retriever=Nothing(), embedder=Words())) as copilot:
                copilot.ask("First?", thread="t")

                def ask() -> str:
                    answer = copilot.ask("Again?", thread="t")
                    return answer.error or answer.text

                with held(home / "record.sqlite"):
                    waits.measure("reading", lambda: str(copilot.record.turns("t")), needs=None, most=1)
                    waits.measure("opening", lambda: _open(home), needs=None, most=1)
                    waits.measure("asking", ask, most=LONGEST)
                    if cli:
                        waits.measure("tierwise threads list", lambda: _cli(home, "threads", "list"), needs="t", most=9)
                        waits.measure("tierwise ask", lambda: _cli(home, "ask", "Why?"), most=LONGEST + 9)
                with held(home / "threads.sqlite"):
                    waits.measure("asking, checkpoints locked", ask, needs=None, most=LONGEST)
                with held(home / "knowledge.sqlite"):
                    waits.measure("searching", lambda: str(knowledge.search("fee", k=1)), needs=None, most=1)
                    (home / "docs" / "b.md").write_text("More.\n")
                    waits.measure("ingesting", lambda: str(knowledge.ingest([home / "docs"])), most=LONGEST)
                waits.measure("asking afterwards", ask, needs=None, most=2)
    return waits


def _open(home: Path) -> str:
    with closing(Record(home)) as record:
        return str(len(record.records()))


def _cli(home: Path, *words: str) -> str:
    env = {**os.environ, "TIERWISE_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "tierwise_app", *words], env=env, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


if __name__ == "__main__":
    found = locked_stores()
    print(found.text())
    sys.exit(int(not found.passed))

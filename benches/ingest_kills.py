"""An ingest that is killed (SIGKILL) at random moments, again and again: what is missing then, and what is doubled.

    python -m benches.ingest_kills [--kills 50] [--passages 20000] [--seed 1]

Each start goes on where the last one was killed; whenever one gets to its end, files are changed, moved and deleted.
After every kill the home is checked and asked; after the last one the ingest is let through, and the home is compared
with one that was filled without a break. Exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benches.knowledge_parts import Cheap, change_corpus, differences, not_found, problems, write_corpus
from tierwise.knowledge import Knowledge

ROOT = Path(__file__).parents[1]


@dataclass
class Outcome:
    """What came of it."""

    kills: int = 0
    finished: int = 0
    wrong: list[str] = field(default_factory=list)


def ingest(home: Path, corpus: Path) -> None:
    """Fill a home in this process."""
    knowledge = Knowledge(home, Cheap())
    knowledge.ingest(corpus)
    if knowledge.degraded:
        raise SystemExit(knowledge.degraded)
    knowledge.close()


def start(home: Path, corpus: Path) -> subprocess.Popen[bytes]:
    """Fill a home in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "benches.ingest_kills", "--home", home, "--corpus", corpus], cwd=ROOT
    )


def run(folder: Path, *, kills: int, passages: int, seed: int, longest: float) -> Outcome:
    """Kill ingests at random moments, at most ``longest`` seconds after their start."""
    dice = random.Random(seed)
    home, corpus, outcome = folder / "home", folder / "corpus", Outcome()
    write_corpus(corpus, passages)
    while outcome.kills < kills:
        process = start(home, corpus)
        try:
            code = process.wait(dice.uniform(0.2, longest))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            outcome.kills += 1
            if (home / "knowledge.sqlite").exists():
                outcome.wrong += problems(home)
                if lost := not_found(home, dice, 10):
                    outcome.wrong.append(f"{lost} of 10 passages are not found after kill {outcome.kills}")
        else:
            outcome.finished += 1
            if code:
                outcome.wrong.append(f"an ingest ended with {code}")
                break
            change_corpus(corpus, dice, max(4, passages // 500))
    if start(home, corpus).wait():
        outcome.wrong.append("the last ingest failed")
    ingest(folder / "reference", corpus)
    outcome.wrong += problems(home) + differences(home, folder / "reference")
    if lost := not_found(home, dice, 50):
        outcome.wrong.append(f"{lost} of 50 passages are not found at the end")
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--passages", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=6.0, help="seconds from a start to its kill at most")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.home:
        ingest(args.home, args.corpus)
        return 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder), kills=args.kills, passages=args.passages, seed=args.seed, longest=args.longest)
    print(f"{outcome.kills} kills, {outcome.finished} ingests that got through, {time.monotonic() - started:.0f} s")
    print(f"wrong: {len(outcome.wrong)}", *outcome.wrong, sep="\n  ")
    return int(bool(outcome.wrong))


if __name__ == "__main__":
    sys.exit(main())

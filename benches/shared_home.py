"""Four processes on one home, one that ingests and three that ask: how long an answer takes, and whether any is lost.

    python -m benches.shared_home [--seconds 300] [--passages 20000]

Whenever the writer is through, it changes, moves and deletes files and begins again. The others ask for passages that
are there all the time. At the end the home is compared with one that was filled without a break. Exit code 1 if an
answer took longer than five seconds, anything was not found, or anything differs. The first answer of each process,
which waits for its libraries, is printed apart.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benches.ingest_kills import ROOT, ingest
from benches.knowledge_parts import Cheap, change_corpus, differences, problems, write_corpus, write_file
from tierwise.knowledge import Knowledge

_LONGEST = 5.0
_STAY = 5  # files that nobody changes


def write(home: Path, corpus: Path, seconds: float) -> dict[str, float]:
    """Ingest until the time is over, and once more."""
    dice, ended, runs = random.Random(1), time.monotonic() + seconds, 0
    while time.monotonic() < ended:
        ingest(home, corpus)
        runs += 1
        change_corpus(corpus, dice, 40)
    ingest(home, corpus)
    return {"runs": runs + 1}


def ask(home: Path, seconds: float) -> dict[str, float]:
    """Ask until the time is over."""
    dice, ended = random.Random(), time.monotonic() + seconds
    knowledge = Knowledge(home, Cheap())
    times, lost, marked = [], 0, 0
    while time.monotonic() < ended:
        item = f"item{900_000 * 20 + dice.randrange(_STAY * 20)}"
        started = time.monotonic()
        found = knowledge.search(f"This is about {item}", k=20)
        times.append(time.monotonic() - started)
        lost += all(f"{item} " not in p.text and f"{item}." not in p.text for p in found)
        marked += knowledge.degraded is not None
        time.sleep(0.05)
    knowledge.close()
    ranked = statistics.quantiles(times[1:], n=100)
    return {
        "answers": len(times),
        "first": times[0],
        "median": statistics.median(times),
        "p99": ranked[98],
        "longest": max(times[1:]),
        "lost": lost,
        "marked": marked,
    }


def run(folder: Path, seconds: float, passages: int) -> bool:
    """Start the four, wait, print and compare; whether all is well."""
    home, corpus, stay = folder / "home", folder / "corpus", folder / "stay"
    stay.mkdir()
    for number in range(_STAY):
        write_file(stay / f"stay{number}.md", 900_000 + number, "stays")
    write_corpus(corpus, passages)
    ingest(home, stay)
    command = [sys.executable, "-m", "benches.shared_home", "--seconds", str(seconds), "--home", str(home)]
    writer = subprocess.Popen([*command, "--corpus", str(corpus)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    askers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)]
    good = True
    for process in askers:
        out, _ = process.communicate()
        good = good and process.returncode == 0
        said = json.loads(out) if process.returncode == 0 else {"died": process.returncode}
        good = good and not said["lost"] and said["longest"] <= _LONGEST
        print("asker ", {key: round(value, 3) for key, value in said.items()}, flush=True)
    out, _ = writer.communicate()
    print("writer", out.strip(), "exit code", writer.returncode)
    reference = folder / "reference"
    ingest(reference, stay)
    ingest(reference, corpus)
    wrong = problems(home) + differences(home, reference)
    print(f"wrong: {len(wrong)}", *wrong, sep="\n  ")
    return good and writer.returncode == 0 and not wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--passages", type=int, default=20_000)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.home:
        said = write(args.home, args.corpus, args.seconds) if args.corpus else ask(args.home, args.seconds)
        print(json.dumps(said))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return 0 if run(Path(folder), args.seconds, args.passages) else 1


if __name__ == "__main__":
    sys.exit(main())

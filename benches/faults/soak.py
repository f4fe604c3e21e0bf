"""Thousands of turns by eight users at once on a hosted tier that fails: are they answered, and does anything grow?

    python -m benches.faults.soak [--turns 5000] [--faults 0.05] [--alone]

The hosted tier (a real HTTP server in a process of its own) answers one request in twenty with an error, a stream that
breaks, a 429 or silence. A small tier on the device stands by. Bars: answered >= 99.5 %, memory (resident) after the
first tenth to the end +5 % at most, files and threads flat.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from benches.faults.holdings import Holdings, held
from benches.faults.hosted import hosted
from tierwise import AsyncCopilot, Limits, Settings, Tier
from tierwise.testing import ScriptedModel

USERS, TURNS_OF_A_THREAD, SAMPLES = 8, 10, 50
ANSWERED, GROWTH = 0.995, 1.05
LIMITS = Limits(connect=2.0, first_token=1.0, between_tokens=1.0, total=5.0)


@dataclass
class Soak:
    """What came of it."""

    turns: int
    ends: Counter[str] = field(default_factory=Counter)
    by: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    ms: list[float] = field(default_factory=list)
    samples: list[Holdings] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    closed_sizes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def answered(self) -> float:
        """Share of the turns."""
        return self.ends["done"] / self.turns

    def grown(self, what: str) -> float:
        """The last samples against those after the warm-up; medians of five."""
        values = [_value(sample, what) for sample in self.samples]
        warm = len(values) // 10
        return statistics.median(values[-5:]) / statistics.median(values[warm : warm + 5])

    @property
    def good(self) -> bool:
        """Whether every bar was kept."""
        flat = self.grown("files") <= 1.0 and self.grown("threads") <= 1.0
        return self.answered >= ANSWERED and self.grown("memory") <= GROWTH and flat


def _value(sample: Holdings, what: str) -> int:
    """A count; the files are those beside sockets, of which each user may have one at work."""
    return sample.files - sample.sockets if what == "files" else int(getattr(sample, what))


async def soak(home: Path, url: str, turns: int, *, alone: bool = False) -> Soak:
    """Run the turns.

    Args:
        home: folder of the stores.
        url: of the hosted tier.
        turns: how many.
        alone: without a tier on the device.
    """
    found = Soak(turns)
    quick = ScriptedModel(["The small tier answers."], repeat=True)
    tiers = [Tier("quick", quick), Tier("deep", "openai:m", base_url=url, limits=LIMITS)]
    async with AsyncCopilot(tiers[alone:], settings=Settings(home=home), retriever=None) as copilot:
        loop = asyncio.get_running_loop()
        left = iter(range(turns))
        every = max(20, turns // SAMPLES)  # a look at all that is held takes a while

        async def user(name: int) -> None:
            for n in left:
                started = time.perf_counter()
                thread = f"user-{name}-{n // (USERS * TURNS_OF_A_THREAD)}"
                answer = await copilot.ask(f"Question {n} of user {name}?", thread=thread, tier="deep")
                found.ms.append((time.perf_counter() - started) * 1000)
                found.ends[answer.status] += 1
                found.by[answer.tier or "nobody"] += 1
                if answer.error:
                    found.errors[answer.error] += 1
                quick.requests.clear()  # the script's own memory is not the product's
                if n % every == 0:
                    found.samples.append(held([loop]))

        started = time.perf_counter()
        await asyncio.gather(*(user(n) for n in range(USERS)))
        found.seconds = time.perf_counter() - started
        found.samples.append(await at_rest(found.samples[0]))
        found.sizes = sizes(home)
    found.closed_sizes = sizes(home)
    return found


async def at_rest(before: Holdings) -> Holdings:
    """What is held once no turn runs: the thread that renews a turn's lease ends a moment after it."""
    loop = asyncio.get_running_loop()
    for _ in range(600):  # 30 s
        now = held([loop])
        if now.threads <= before.threads:
            break
        await asyncio.sleep(0.05)
    return now


def sizes(home: Path) -> dict[str, int]:
    """Bytes of each store, its journal included."""
    return {path.name: path.stat().st_size for path in sorted(home.glob("*.sqlite*"))}


def measure(turns: int, faults: float, *, alone: bool = False, seed: int = 1) -> Soak:
    """The whole run, with a server and a home of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="tierwise-soak-") as folder,
        hosted(words=20, faults=faults, seed=seed) as server,
    ):
        with closing(asyncio.new_event_loop()) as loop:
            found = loop.run_until_complete(soak(Path(folder), server.url, turns, alone=alone))
        for call in server.calls():
            found.requests += 1
            if call.fault:
                found.faults[call.fault] += 1
        return found


def report(found: Soak) -> None:
    """Print the figures."""
    ms = sorted(found.ms)
    print(
        f"{found.turns} turns of {USERS} users at once in {found.seconds:.0f} s; {found.requests} requests,"
        f" faults {found.faults.total()} ({', '.join(f'{name} {n}' for name, n in sorted(found.faults.items()))})"
    )
    print(
        f"answered {found.answered:.2%} (bar {ANSWERED:.1%}): {dict(found.ends)}, by {dict(found.by)};"
        f" a turn took {statistics.median(ms):.0f} ms, p95 {ms[int(0.95 * len(ms))]:.0f} ms"
    )
    for error, count in found.errors.most_common(5):
        print(f"  {count} x {error}")
    for what, unit in (("memory", 1 << 20), ("objects", 1), ("files", 1), ("threads", 1), ("sockets", 1)):
        values = [_value(sample, what) / unit for sample in found.samples]
        warm = len(values) // 10
        bar = {"memory": f" (bar {GROWTH - 1:.0%})", "files": " (bar 0)", "threads": " (bar 0)"}.get(what, "")
        print(
            f"{what}{' in MB' if unit > 1 else ''}: {values[0]:.0f} at the start, {values[warm]:.0f} warm,"
            f" {values[-1]:.0f} at the end, most {max(values):.0f}; grown {found.grown(what) - 1:+.1%}{bar}"
        )
    for name, size in found.sizes.items():
        print(f"{name}: {size / 1024:.0f} kB, {size / found.turns:.0f} bytes a turn", end="")
        print(f"; {found.closed_sizes.get(name, 0) / 1024:.0f} kB after closing")


def main() -> int:
    """Print the figures; 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5000)
    parser.add_argument("--faults", type=float, default=0.05)
    parser.add_argument("--alone", action="store_true", help="without a small tier: what retries alone save")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    found = measure(args.turns, args.faults, alone=args.alone, seed=args.seed)
    report(found)
    return int(not found.good)


if __name__ == "__main__":
    sys.exit(main())

"""Servers that are down, limit, or fail at random: what of it do people see, and how often is the server asked?

    python -m benches.faults.storm [--seconds 60] [--turns 500]

What is played, and the bars:

    storm    50 turns at once while every request gets a 429 for so many seconds, then all is well: requests during it
             at most 1.2 x turns + 10, failed turns 0, and the hosted tier answers again within its last rest + 5 s
    random   30 % of the requests get a 5xx, eight turns at once: answered >= 99.5 %, extra requests at most 50 %, p95
             of the extra time at most 3 s; beside it, without a bar, the same without a small tier
    breaks   every other stream is reset after 0, 1, 10 or 100 pieces, 400 turns: each ends in an answer or a clear
             error, and whoever follows the events has the text that is stored
    refused  nothing listens for the whole run: answered 100 % by the small tier, the first one at most 2 s later
    both     neither tier can answer: one clear error each, every message kept
"""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benches.faults.fault_streams import SMALL, Nothing
from benches.faults.playing import Play, answer, event, playing
from tierwise import Answer, AsyncCopilot, Limits, Settings, Tier
from tierwise.errors import ModelError, Unreachable
from tierwise.events import AnswerReady, AttemptDiscarded, TextDelta, TurnFailed
from tierwise.graph.health.breaker import LONGEST_REST
from tierwise.testing import ScriptedModel, Step
from tierwise.testing.loopback_embeddings import WordVectors

WELL = answer("The large ", "tier answers.")
FULL = Play([["send", '{"error": {"message": "Rate limit"}}']], 429, {"content-type": "application/json"})
BROKEN = Play([["send", '{"error": {"message": "boom"}}']], 503, {"content-type": "application/json"})
LIMITS = Limits(connect=2.0, first_token=10.0, between_tokens=5.0, total=20.0)


@dataclass
class Run:
    """What came of a row of turns."""

    answers: list[Answer] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def by(self) -> Counter[str]:
        """Who answered how often; ``failed`` for those that nobody answered."""
        return Counter(a.tier or "failed" if a.status == "done" else "failed" for a in self.answers)

    @property
    def p95(self) -> float:
        """Seconds."""
        return statistics.quantiles(self.seconds, n=20)[-1] if len(self.seconds) > 1 else self.seconds[0]


def copilot(home: Path, url: str, small: Sequence[str | Step] | None = (SMALL,)) -> AsyncCopilot:
    """One on a hosted tier at an address, with a small one beside it unless that is ``None``."""
    quick = [] if small is None else [Tier("quick", ScriptedModel(list(small), repeat=True))]
    deep = Tier("deep", "openai:fake", base_url=url, limits=LIMITS)
    return AsyncCopilot(
        [*quick, deep], settings=Settings(home=home), retriever=Nothing(), embedder=WordVectors(), tools=()
    )


async def ask(pilot: AsyncCopilot, run: Run, question: str) -> Answer:
    """Ask the hosted tier by name, and note it."""
    started = time.perf_counter()
    found = await pilot.ask(question, tier="deep")
    run.seconds.append(time.perf_counter() - started)
    run.answers.append(found)
    return found


@dataclass
class Storm:
    """Figures of the storm: requests while it lasted, and seconds from its end to the hosted tier's next answer."""

    run: Run
    later: Run
    requests: int
    back: float

    def missed(self, turns: int) -> Iterator[str]:
        """Which bars were missed."""
        if self.requests > 1.2 * turns + 10:
            yield f"{self.requests} requests"
        if self.run.by["failed"] + self.later.by["failed"]:
            yield "failed turns"
        if self.back > LONGEST_REST + 5:
            yield f"back after {self.back:.1f} s"


async def storm(home: Path, turns: int, seconds: float, *, wish: float | None = None) -> Storm:
    """Everybody asks at once and is refused; then one turn a second, until the hosted tier answers.

    Args:
        home: folder of the stores.
        turns: how many at once.
        seconds: how long it lasts.
        wish: seconds after which the server says to come back, if it does.
    """
    ends, full = float("inf"), FULL
    if wish is not None:
        full = replace(FULL, headers={**FULL.headers, "retry-after": f"{wish:g}"})
    with playing(lambda _n, _request: full if time.monotonic() < ends else WELL) as player:
        async with copilot(home, player.url) as pilot:
            run, later = Run(), Run()
            begun = time.monotonic()
            ends = begun + seconds
            await asyncio.gather(*(ask(pilot, run, f"Question {n}?") for n in range(turns)))
            while True:
                found = await ask(pilot, later, "And now?")
                if found.tier == "deep" or found.status != "done" or time.monotonic() > ends + 2 * LONGEST_REST:
                    break
                await asyncio.sleep(min(1.0, seconds / 4))
        back = time.monotonic() - ends
        return Storm(run, later, sum(r.at < ends for r in player.requests), back)


async def at_random(home: Path, turns: int, share: float, *, small: bool, seed: int = 1) -> tuple[Run, int]:
    """Turns, eight at once, of which the server fails a share; also how many requests it got."""
    chance = random.Random(seed)
    with playing(lambda _n, _request: BROKEN if chance.random() < share else WELL) as player:
        async with copilot(home, player.url, (SMALL,) if small else None) as pilot:
            run, left = Run(), iter(range(turns))

            async def user() -> None:
                for n in left:
                    await ask(pilot, run, f"Question {n}?")

            await asyncio.gather(*(user() for _ in range(8)))
        return run, len(player.requests)


async def breaks(home: Path, turns: int, *, small: bool) -> tuple[Run, int]:
    """Turns whose streams are reset in the middle; also how many of them left a reader with another text."""

    def play(number: int, _request: object) -> Play:
        if number % 2:
            return WELL
        pieces = (0, 1, 10, 100)[number // 2 % 4]
        return Play([*(["send", event(f"word{n} ")] for n in range(pieces)), ["rst"]])

    run, doubled = Run(), 0
    with playing(play) as player:
        async with copilot(home, player.url, (SMALL,) if small else None) as pilot:
            for n in range(turns):
                seen: dict[int, str] = {}
                async with aclosing(pilot.stream(f"Question {n}?", tier="deep")) as events:
                    async for one in events:
                        match one:
                            case TextDelta():
                                seen[one.attempt] = seen.get(one.attempt, "") + one.text
                            case AttemptDiscarded():
                                seen.pop(one.attempt, None)
                            case AnswerReady() | TurnFailed():
                                run.answers.append(one.answer)
                doubled += "".join(seen.values()).strip() != run.answers[-1].text.strip()
    return run, doubled


async def refused(home: Path, turns: int, *, both: bool = False) -> Run:
    """Turns while nothing listens at the hosted tier's address; ``both``: the small tier fails as well."""
    small = [Step(error=Unreachable("The small tier is down, too.", fix="Start it."))] if both else [SMALL]
    with _closed_port() as url:
        async with copilot(home, url, small) as pilot:
            run = Run()
            for n in range(turns):
                await ask(pilot, run, f"Question {n}?")
            kept = [await asyncio.to_thread(pilot.record.get, a.turn_id) for a in run.answers]
            if [record.asked for record in kept] != [f"Question {n}?" for n in range(turns)]:
                raise ModelError("A message is lost.")
            return run


@contextmanager
def _closed_port() -> Iterator[str]:
    with socket.socket() as held:  # bound, never listened at: connections are refused, and nobody else gets it
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/v1"


def clear(answers: Sequence[Answer]) -> bool:
    """Every error is of one kind that a person can do something about."""
    return all(a.status == "failed" and a.error and "unexpected" not in a.error for a in answers)


async def _measure(seconds: float, turns: int) -> list[str]:
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        homes = iter([Path(folder) / str(n) for n in range(12)])
        await refused(next(homes), 1)  # what is loaded by the first turn is not measured
        found = await storm(next(homes), 50, seconds)
        print(f"storm    50 turns, {seconds:g} s of 429: {found.requests} requests (bar 70); {dict(found.run.by)}")
        print(f"         one by one {dict(found.later.by)}; back {found.back:.1f} s after its end (bar: rest + 5 s)")
        missed += found.missed(50)
        calm, _ = await at_random(next(homes), min(turns, 100), 0.0, small=True)
        for small in (True, False):
            run, requests = await at_random(next(homes), turns, 0.3, small=small)
            answered, more = 1 - run.by["failed"] / turns, requests / turns - 1
            extra = run.p95 - statistics.median(calm.seconds)
            what = "with a small tier" if small else "alone"
            print(f"random   {turns} turns, 30 % 5xx, {what}: answered {answered:.1%} {dict(run.by)}, "
                  f"{more:+.0%} requests, p95 {extra:+.2f} s")  # fmt: skip
            if small and (answered < 0.995 or more > 0.5 or extra > 3):
                missed.append("random")
        for small in (True, False):
            run, doubled = await breaks(next(homes), 200, small=small)
            failed = [a for a in run.answers if a.status != "done"]
            what = "with a small tier" if small else "alone"
            print(f"breaks   200 turns, {what}: {dict(run.by)}, doubled text {doubled}")
            if doubled or not clear(failed) or (small and failed):
                missed.append("breaks")
        run = await refused(next(homes), max(20, turns // 10))
        print(f"refused  {len(run.answers)} turns: {dict(run.by)}; the first took {run.seconds[0]:.2f} s, "
              f"the median {statistics.median(run.seconds):.3f} s")  # fmt: skip
        if run.by["failed"] or run.seconds[0] > 2:
            missed.append("refused")
        run = await refused(next(homes), 10, both=True)
        print(f"both     10 turns: {dict(run.by)}, every message kept; {run.answers[0].error}")
        if not clear(run.answers):
            missed.append("both")
    return missed


def main(words: Sequence[str]) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benches.faults.storm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the storm lasts")
    parser.add_argument("--turns", type=int, default=500, help="of the random failures")
    args = parser.parse_args(words)
    missed = asyncio.run(_measure(args.seconds, args.turns))
    if missed:
        print(f"MISSED: {', '.join(missed)}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

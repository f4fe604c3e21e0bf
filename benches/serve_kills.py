"""``tierwise serve`` is killed (SIGKILL) in the middle of turns and started again: what is lost, what is doubled?

    python -m benches.serve_kills [--turns 50] [--rounds 4] [--seconds 2] [--seed 1]

Turns are asked in the background, two in each thread, and followed as they stream; then the server is killed at a
random time while some of them write, in every second round once more when it has gone on, and started again at the same
port. Clients come back with ``Last-Event-ID``. In the end every thread is asked one thing more.

    lost     turns that the server had said it has, and whose answer is not there or not right
    twice    questions that stand in a thread more than once, or answers out of order
    streams  turns whose text, put together by its client, is not the stored one
    stuck    threads that cannot be asked one thing more, or whose model is not told what was said before
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benches.serving.asking import by_turns, question_of
from benches.serving.client import asking
from benches.serving.process import ServeProcess
from benches.serving.tier import SlowTier, slow_tier
from benches.serving.watching import Watched, begin, follow


@dataclass
class Round:
    """What came of one round.

    Attributes:
        turns: as their clients have them.
        cut: how many turns had text and no end when the server was killed, a number a kill.
        steps: requests that the tier got for them.
        lost, twice, streams, stuck: what is wrong, a line each.
        restart: seconds from each kill until the server answered again.
    """

    turns: list[Watched] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    steps: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    restart: list[float] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.twice or self.streams or self.stuck)


async def play(
    server: ServeProcess, tier: SlowTier, name: str, turns: int, kills: Sequence[tuple[int, float]]
) -> Round:
    """One round.

    Args:
        server: that is killed.
        tier: behind it.
        name: for the marks and threads.
        turns: how many, two in each thread.
        kills: how many turns have to write, and how many seconds pass then, until each kill.
    """
    found = Round()
    marks = [f"{name}t{n}" for n in range(turns)]
    threads = {mark: f"{name}-thread-{n // 2}" for n, mark in enumerate(marks)}
    for half in (marks[::2], marks[1::2]):  # the first of each thread before the second of any
        begun = await asyncio.gather(*(begin(server.port, question_of(m), m, threads[m]) for m in half))
        found.turns += [one for one in begun if one is not None]
    following = [asyncio.ensure_future(follow(server.port, one)) for one in found.turns]
    for writing, pause in kills:
        await _until(found.turns, following, writing)
        await asyncio.sleep(pause)
        await asyncio.to_thread(server.kill)
        found.cut.append(sum(one.answer is None and bool(one.texts) for one in found.turns))
        killed = time.monotonic()
        await asyncio.to_thread(server.start)
        found.restart.append(time.monotonic() - killed)
    for one, ended in zip(found.turns, await asyncio.gather(*following, return_exceptions=True), strict=True):
        if ended is not None:
            found.lost.append(f"{one.mark}: {ended!r}")
    for one in found.turns:
        await _judge(server, tier, one, found)
    for thread in dict.fromkeys(threads.values()):
        await _judge_thread(server, tier, thread, [m for m in marks if threads[m] == thread], found)
    found.steps = sum(call.mark in threads for call in tier.calls())
    return found


async def _until(turns: Sequence[Watched], following: Sequence[asyncio.Task[None]], writing: int) -> None:
    """Wait until so many turns are told new text and have no end; or until nobody follows any more."""
    before = [one.pieces for one in turns]
    while not all(task.done() for task in following):
        told = [one.answer is None and one.pieces > had for one, had in zip(turns, before, strict=True)]
        if sum(told) >= writing:
            return
        await asyncio.sleep(0.02)


async def _judge(server: ServeProcess, tier: SlowTier, one: Watched, found: Round) -> None:
    async with asking(server.port, "GET", f"/v1/turns/{one.turn_id}") as reply:
        stored = await reply.json()
    if reply.status != 200 or stored["status"] != "done" or stored["text"] != tier.answer(one.mark):
        found.lost.append(f"{one.mark}: {stored.get('status', stored)}, {stored.get('text', '')[:60]!r}")
    elif one.text != stored["text"] or one.answer is None or one.answer["text"] != stored["text"]:
        found.streams.append(f"{one.mark}: has {one.text[-60:]!r}, stored is {stored['text'][-60:]!r}")


async def _judge_thread(server: ServeProcess, tier: SlowTier, thread: str, marks: list[str], found: Round) -> None:
    async with asking(server.port, "GET", f"/v1/turns?thread={thread}") as reply:
        body = await reply.json()
    listed = body["turns"] if "turns" in body else body["data"]
    asked = sorted((one["created"], one["asked"]) for one in listed)
    if [question for _, question in asked] != [question_of(mark) for mark in marks]:
        found.twice.append(f"{thread}: {asked}")
    mark = f"short{thread.replace('-', '')}"
    seen = await by_turns(server.port, mark, {"thread": thread, "documents": "off"})
    told = next((call.asked for call in tier.calls() if call.mark == mark), 0)
    if seen.text != tier.answer(mark) or told != len(marks) + 1:
        found.stuck.append(f"{thread}: {seen.status} {seen.problems} {seen.text[:40]!r}, {told} messages told")


def report(name: str, one: Round) -> None:
    """Print a round."""
    resumed = sorted(second for turn in one.turns for second in turn.resumed)
    middle = f"{resumed[len(resumed) // 2]:.1f} s (median; at most {resumed[-1]:.1f})" if resumed else "never"
    cut, back = ", ".join(map(str, one.cut)), ", ".join(f"{seconds:.1f}" for seconds in one.restart)
    print(
        f"{name}: {len(one.turns)} turns, {len(one.cut)} kills that cut {cut} texts; lost {len(one.lost)}, twice"
        f" {len(one.twice)}, streams wrong {len(one.streams)}, stuck {len(one.stuck)}; model steps made again"
        f" {one.steps - len(one.turns)}; server back after {back} s, clients heard it after {middle}",
        flush=True,
    )
    for line in [*one.lost, *one.twice, *one.streams, *one.stuck][:8]:
        print(f"    {line}")


def measure(turns: int, rounds: int, *, seconds: float, seed: int, words: int = 40) -> list[Round]:
    """Play rounds on one home; prints each as it comes."""
    dice, found = random.Random(seed), list[Round]()
    with (
        tempfile.TemporaryDirectory(prefix="tierwise-killed-") as name,
        slow_tier(seconds=seconds, first=seconds / 10, words=words) as tier,
        ServeProcess(Path(name), f"{tier.entry}\n[serve]\nworking = {max(16, turns)}\n") as server,
    ):
        for number in range(rounds):
            kills = [(dice.randint(1, 1 + turns // 5), dice.random() * seconds / 2) for _ in range(1 + number % 2)]
            one = asyncio.run(play(server, tier, f"r{number}", turns, kills))
            report(f"round {number + 1}", one)
            found.append(one)
    return found


def main(words: Sequence[str]) -> int:
    """Print the figures; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benches.serve_kills", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0, help="that the tier takes for an answer")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(words)
    rounds = measure(args.turns, args.rounds, seconds=args.seconds, seed=args.seed)
    return int(not all(one.good for one in rounds))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

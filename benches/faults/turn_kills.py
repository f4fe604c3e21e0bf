"""A program that is killed (SIGKILL) at random while it answers: what is lost, doubled or left behind.

    python -m benches.faults.turn_kills [--kills 300] [--per-mode 60] [--starts 40] [--seed 1] [--workers N]

Each trial has a home of its own, every fourth one with the stores of an earlier version. The program
(benches/faults/turn_program.py) is killed at a random time of its span, opening included, and with luck once more
while it goes on; then it is let through and asked one thing more. The same kills are then made with the graph's steps
stored as LangGraph's modes ``sync``, ``async`` and ``exit`` do. Last, real processes are started on homes of killed
ones: how long until a turn goes on. Exit code 1 if anything is lost or doubled, or the 95th percentile is above 2 s.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benches.faults.turn_judging import OLD_VERSIONS, Durability, Outcome, Trial, print_wrong
from benches.faults.turn_trials import begin, default_workers, ground_for_trials, run_trials, start

ROOT = Path(__file__).parents[2]
"""Where ``python -m benches`` works."""
_BAR = 2.0  # seconds


def random_trials(
    kills: int, *, span: float, seed: int, durability: Durability = "ours", prefix: str = "kill"
) -> list[Trial]:
    """Trials with about ``kills`` kills in all, two of three starts killed within ``span`` seconds."""
    dice, trials, planned = random.Random(seed), list[Trial](), 0
    while planned < kills:
        times = [dice.uniform(0.0, span)]
        while dice.random() < 1 / 3 and planned + len(times) < kills:
            times.append(dice.uniform(0.0, span))
        planned += len(times)
        number = len(trials)
        home = "fresh" if number % 4 else OLD_VERSIONS[number // 4 % len(OLD_VERSIONS)]
        trials.append(Trial(f"{prefix}-{number:03}", tuple(times), home, durability))
    return trials


def whole_trial() -> tuple[float, int]:
    """A trial without kills: seconds it takes, model steps it makes."""
    (outcome,), hosted = run_trials([Trial("whole", ())], workers=1)
    if outcome.wrong:
        raise SystemExit(f"Even without kills: {outcome.wrong}")
    return outcome.seconds, outcome.requests + hosted["whole"]


def kill_at_random(kills: int, *, span: float, seed: int, workers: int) -> tuple[list[Outcome], Counter[str]]:
    """Run random trials, and more of them as long as too many programs are done before their time has come.

    The machine was busier then, when the span was measured.
    """
    outcomes, hosted, killed = list[Outcome](), Counter[str](), 0
    for part in range(6):
        trials = random_trials(kills - killed, span=span / 2**part, seed=seed + part, prefix=f"kill{part or ''}")
        found, asked = run_trials(trials, workers=workers)
        outcomes += found
        hosted.update(asked)
        killed = sum(one.kills for one in outcomes)
        if killed >= kills:
            break
    return outcomes, hosted


def real_starts(number: int, *, span: float, seed: int) -> list[tuple[float, float]]:
    """Start real processes on homes of killed ones: seconds to the first new event of a turn that goes on.

    Returns:
        Since the process was started, imports included, and since it was told to go on.
    """
    dice, found = random.Random(seed), list[tuple[float, float]]()
    with ground_for_trials() as (ground, _):
        for n in range(number * 10):
            trial = Trial(f"start-{n:03}", (dice.uniform(0.2 * span, 0.8 * span),))
            home = begin(ground, trial)
            ended = start(ground, trial, home, trial.kills[0], follow_up=False)
            told = subprocess.run(
                [sys.executable, "-m", "benches.faults.turn_program", str(home), ground.url],
                cwd=ROOT, capture_output=True, text=True, check=True,
            ).stdout if ended.killed else ""  # fmt: skip
            facts = [json.loads(line) for line in told.splitlines()]
            found += [(fact["start"], fact["call"]) for fact in facts if fact["fact"] == "resumed"][:1]
            if len(found) >= number:
                break
    return found


def print_seconds(what: str, values: Sequence[float]) -> float:
    """Print the median and the 95th percentile in seconds; returns the latter."""
    if not values:
        print(f"{what}: none")
        return 0.0
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    print(f"{what}: p50 {ordered[len(ordered) // 2]:.2f} s, p95 {p95:.2f} s of {len(ordered)}")
    return p95


def print_kills(outcomes: Sequence[Outcome], hosted: dict[str, int], whole_steps: int) -> int:
    """Print what came of trials; returns how much is wrong."""
    kills, starts = sum(one.kills for one in outcomes), sum(one.starts for one in outcomes)
    steps = sum(one.requests + hosted[one.trial.name] for one in outcomes)
    print(f"{kills} kills, {len(outcomes)} threads, {starts} starts")
    at = Counter(place for one in outcomes for place in one.at)
    print("  last told before the kill: " + ", ".join(f"{fact} {count}" for fact, count in at.most_common()))
    print(f"  model steps made again {steps - whole_steps * len(outcomes)}", end=", ")
    print(f"calls with an unknown end, shown to the person {sum(one.unknown for one in outcomes)}")
    print("  ", end="")
    wrong = print_wrong(outcomes)
    print_seconds("  from going on to the first new event", [call for one in outcomes for _, call in one.resumes])
    return wrong


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--per-mode", type=int, default=60, help="kills for each of LangGraph's modes")
    parser.add_argument("--starts", type=int, default=40, help="real processes that go on")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=default_workers())
    args = parser.parse_args()
    span, steps = whole_trial()
    print(f"one thread without kills: {span:.1f} s, {steps} model steps")
    wrong = print_kills(*kill_at_random(args.kills, span=span, seed=args.seed, workers=args.workers), steps)
    modes: tuple[Durability, ...] = ("sync", "async", "exit")
    for mode in modes if args.per_mode else ():
        print(f"steps stored as in {mode!r}:", end=" ")
        trials = random_trials(args.per_mode, span=span, seed=args.seed, durability=mode, prefix=mode)
        print_kills(*run_trials(trials, workers=args.workers), steps)
    since_start = real_starts(args.starts, span=span, seed=args.seed)
    slow = print_seconds("real processes: from their start to the first new event", [one for one, _ in since_start])
    print_seconds("  of it from going on", [one for _, one in since_start])
    return int(bool(wrong) or slow > _BAR)


if __name__ == "__main__":
    sys.exit(main())

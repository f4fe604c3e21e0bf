"""A program that is killed (SIGKILL) before and after every step that stores, sends or does something.

    python -m benches.faults.crash_points [--times 10] [--only POINT] [--seed 1] [--workers N]

The places are in benches/faults/crash_wraps.py: they are wrapped in the process that dies. Each is met at different
times of a thread of eight turns (benches/faults/turn_program.py); those that only a second start comes to (``turn taken
up``) are met after a first kill. Exit code 1 if anything is lost, doubled or left behind, or a place was never met.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from functools import cache

from benches.faults.crash_wraps import POINTS, Crash, Side
from benches.faults.turn_judging import OLD_VERSIONS, Trial
from benches.faults.turn_kills import print_kills, whole_trial
from benches.faults.turn_trials import default_workers, probe, run_trials

LATER = ("turn taken up", "checkpoints renamed")  # places of a start that goes on where another was killed
OLD = ("migration",)  # places of a start on the stores of an earlier version
SIDES: tuple[Side, ...] = ("before", "after")


def first_kill(nth: int) -> Crash:
    """Where a program is killed so that the next start has something to go on with."""
    return Crash("model asked", "after", 1 + nth % 7)


def crash_trials(points: Sequence[str], times: int, seed: int) -> list[Trial]:
    """Trials with a kill at each of the places, on both sides, ``times`` times, at moments all over the thread."""
    dice = random.Random(seed)

    @cache
    def met(start: str) -> Counter[str]:
        return probe(Trial(f"probe-{start}", (), start))

    trials = []
    for point in points:
        later = point in LATER
        for side in SIDES:
            for n in range(times):
                start = OLD_VERSIONS[n % len(OLD_VERSIONS)] if point in OLD else "fresh"
                often = 1 if later else met(start)[point]
                if not often:
                    raise SystemExit(f"The program never comes to {point!r}: see benches/faults/crash_wraps.py.")
                # One in each of as many parts of the thread as there are kills.
                nth = 1 + int((n + dice.random()) * often / times)
                first = (first_kill(n),) if later else ()
                name = f"{point}-{side}-{n}".replace(" ", "_").replace("'", "")
                trials.append(Trial(name, (*first, Crash(point, side, min(nth, often))), start))
    return trials


def not_met(trials: Sequence[Trial], kills: Sequence[int]) -> Counter[str]:
    """How often each place was not come to by the program that should have died there."""
    missed = Counter[str]()
    for trial, killed in zip(trials, kills, strict=True):
        crash = trial.kills[-1]
        if killed < len(trial.kills) and isinstance(crash, Crash):
            missed[f"{crash.side} {crash.point}"] += 1
    return missed


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10, help="kills at each place, on each side")
    parser.add_argument("--only", choices=POINTS, action="append", help="this place alone; may be given again")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=default_workers())
    args = parser.parse_args()
    _, steps = whole_trial()
    points = args.only or POINTS
    trials = crash_trials(points, args.times, args.seed)
    outcomes, hosted = run_trials(trials, workers=args.workers)
    print(f"{len(points)} places, before and after: {', '.join(points)}")
    wrong = print_kills(outcomes, hosted, steps)
    missed = not_met(trials, [one.kills for one in outcomes])
    if missed:
        print("not met: " + ", ".join(f"{place} {count}" for place, count in missed.items()))
    never = [place for place, count in missed.items() if count == args.times]
    return int(bool(wrong or never))


if __name__ == "__main__":
    sys.exit(main())

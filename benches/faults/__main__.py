"""All measurements of what breaks, one after the other: ``python -m benches.faults [NAME ...] [--data PATH]``.

Each runs in a process of its own, for some fork and some count what their process leaves behind. The exit code is 1 if
one of them missed its bar. Those that play given cases run when their folder is named; the others need nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

NAMES = (
    "turn_kills",
    "crash_points",
    "two_writers",
    "checkpoints",
    "storm",
    "loops",
    "characters",
    "budgets",
    "stores",
    "privacy",
    "model_deaths",
    "starting",
    "leaving",
    "long_thread",
    "soak",
)
WITH_DATA = ("fault_streams", "secrets")  # they take the path of the folder with the cases


def main(words: list[str]) -> int:
    """Run what is named, by default everything that can be run."""
    parser = argparse.ArgumentParser(prog="python -m benches.faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*NAMES, *WITH_DATA)))
    parser.add_argument("--data", type=Path, help="folder with the cases of: " + ", ".join(WITH_DATA))
    args = parser.parse_args(words)
    unknown = [name for name in args.names if name not in (*NAMES, *WITH_DATA)]
    if unknown:
        print(f"There is no measurement {unknown[0]!r}; there are: {', '.join((*NAMES, *WITH_DATA))}.", file=sys.stderr)
        return 2
    names = args.names or (*NAMES, *(WITH_DATA if args.data is not None else ()))
    if args.data is None and (needy := [name for name in names if name in WITH_DATA]):
        print(f"{needy[0]} plays given cases: name their folder with --data PATH.", file=sys.stderr)
        return 2
    missed = [name for name in names if _run(name, args.data if name in WITH_DATA else None)]
    if not args.names and args.data is None:
        print(f"\nNot run, for want of --data PATH: {', '.join(WITH_DATA)}.")
    if missed:
        print(f"\nA bar was missed by: {', '.join(missed)}.", file=sys.stderr)
    return int(bool(missed))


def _run(name: str, data: Path | None) -> int:
    print(f"\n== {name}", flush=True)
    given = [] if data is None else [str(data)]
    return subprocess.run([sys.executable, "-m", f"benches.faults.{name}", *given], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

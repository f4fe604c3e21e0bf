"""Time of ``import tierwise`` in a fresh interpreter, beside an empty one. Bar: < 150 ms."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15


def seconds(program: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - started


def main() -> None:
    rounds = [
        (seconds("pass"), seconds("import tierwise"), seconds("from tierwise import Copilot")) for _ in range(ROUNDS)
    ]
    empty, light, full = (statistics.median(column) * 1000 for column in zip(*rounds, strict=True))
    print(f"Importing, {ROUNDS} fresh interpreters, medians (bar: import tierwise < 150 ms)")
    print(f"  import tierwise              {light - empty:7.1f} ms  (beyond {empty:.1f} ms for the interpreter)")
    print(f"  from tierwise import Copilot {full - empty:7.1f} ms")


if __name__ == "__main__":
    main()

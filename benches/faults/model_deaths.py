"""The process of a local model is killed in the middle of answers: what becomes of the turns, and when does it restart?

    python -m benches.faults.model_deaths [--turns 8]

The embedded model is killed (SIGKILL) with the first words of each turn; once with another tier beside it, once alone.
Bars: every turn is answered or ends with a clear error and keeps what was said; a restart takes at most 2 s more than
the first start; after three deaths it is left down, and a turn does not wait for it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tierwise import Copilot, Settings, Tier
from tierwise.testing import ScriptedModel

MODEL, RESTART_S, DEATHS = "llama:smollm2-135m", 2.0, 3


@dataclass
class Deaths:
    """What became of the turns.

    Attributes:
        starts: seconds to the first word of each turn whose model said one; the first of them loads it.
        ends: what each turn ended with.
        unclear: turns that neither were answered nor ended with a sentence that says why.
        killed: how often the process was.
        waited: seconds of the turns that met a model that is left down.
    """

    starts: list[float] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    killed: int = 0
    waited: list[float] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether every bar was kept."""
        slow = [one for one in self.starts[1:] if one > self.starts[0] + RESTART_S]
        return not self.unclear and not slow and self.killed == DEATHS and max(self.waited, default=0.0) <= RESTART_S


def measure(home: Path, turns: int, *, alone: bool) -> Deaths:
    """Run the turns, and kill the model in each."""
    found = Deaths()
    large = Tier("deep", ScriptedModel(["The larger tier answers."], repeat=True, name="large", on_device=True))
    tiers = [Tier("quick", MODEL, max_tokens=200), *([] if alone else [large])]
    with Copilot(tiers, settings=Settings(home=home), retriever=None) as copilot:
        for n in range(turns):
            began, said, kept, down = time.monotonic(), False, "", found.killed == DEATHS
            for event in copilot.stream(f"Tell a long story about number {n}.", tier="quick"):
                if event.type == "text.delta" and not (said or down):
                    said, kept = True, event.text
                    found.starts.append(time.monotonic() - began)
                    for child in psutil.Process().children():
                        os.kill(child.pid, signal.SIGKILL)
                        found.killed += 1
            if down:
                found.waited.append(time.monotonic() - began)
            record = copilot.record.get("last")
            clear = record.status == "done" or (record.error or "").endswith(".")
            partial = any(kept.strip() in attempt.text for attempt in record.attempts) or not said
            found.ends.append(f"{record.status} by {record.final}" if record.status == "done" else str(record.error))
            if not (clear and partial):
                found.unclear.append(f"{record.status}: {record.error}; {kept!r} of {record.attempts}")
    return found


def report(name: str, found: Deaths) -> None:
    """Print the figures."""
    starts = ", ".join(f"{one:.1f}" for one in found.starts)
    print(f"{name}: {len(found.ends)} turns, killed {found.killed} times, unclear ends {len(found.unclear)}")
    print(f"  seconds to the first word (the first loads the model): {starts}")
    print(f"  turns beside a model that is left down took at most {max(found.waited, default=0.0):.2f} s")
    for end in dict.fromkeys(found.ends):
        print(f"  {found.ends.count(end)} x {end}")
    for line in found.unclear[:3]:
        print(f"  unclear: {line}")


def main() -> int:
    """Print the figures; 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=8)
    args = parser.parse_args()
    good = True
    for name, alone in (("beside a larger tier", False), ("alone", True)):
        with tempfile.TemporaryDirectory(prefix="tierwise-deaths-") as folder:
            found = measure(Path(folder), args.turns, alone=alone)
        report(name, found)
        good = good and found.good
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())

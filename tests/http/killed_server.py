"""A program for tests: serves a slow scripted tier on a home, prints its port, and is killed at some moment.

Told to ``halt``, it ends no answer.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "support"))

from halting import Halting  # noqa: E402
from serving import serving  # noqa: E402

from tierwise.models import ChatRequest  # noqa: E402
from tierwise.testing import Step  # noqa: E402


def play(request: ChatRequest) -> Step:
    """Say again, slowly, what was asked, and how many messages came before."""
    asked = request.messages[-1].content.splitlines()[-1]
    return Step(f"{len(request.messages)} messages; {asked} " + " ".join(f"word{n}" for n in range(40)), delay=0.03)


def main(home: str, *halt: str) -> None:
    """Serve until the end."""
    model = Halting([play], repeat=True, words=25, halves="")
    if not halt:
        model.on.set()
    with serving(model, home=home) as server:
        print(server.url, flush=True)
        while True:
            time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])

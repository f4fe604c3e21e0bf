"""A program that is killed in the middle of its tools does nothing twice and forgets nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_killed_turns_go_on_and_do_nothing_twice() -> None:
    done = subprocess.run(  # in a program of its own: it forks
        [sys.executable, "-m", "benches.tool_kills", "--kills", "8", "--seed", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "effects done twice 0, effects missing 0" in done.stdout
    assert "approvals asked for again 0, turns lost 0, not done 0" in done.stdout

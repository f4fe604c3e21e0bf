"""Several programs in one thread, and one that is paused while another takes its turn up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_one_writer_a_thread_and_nothing_from_a_writer_that_was_paused() -> None:
    done = subprocess.run(  # in a program of its own: it forks
        [sys.executable, "-m", "benches.faults.two_writers", "--small", "--turns", "6", "--zombies", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 turns in one thread: lost 0, interleaved 0, out of order 0" in done.stdout
    assert "stale writes 0, effects done twice 0, not told of it 0, lost 0" in done.stdout

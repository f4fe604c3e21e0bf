"""Budgets that hold: whatever runs together, or is killed, the server serves one request too many at most."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from benches.faults.budgets import SCOPES, at_once

ROOT = Path(__file__).parents[2]
PROGRAM = """
from benches.faults.budgets import in_processes, killed
for result in (in_processes("day", 2, 2), killed("turn", 1)):
    print(result.text(), flush=True)
    assert result.held
"""


@pytest.mark.parametrize("scope", SCOPES)
def test_turns_at_once(scope: str) -> None:
    result = at_once(scope, 3)
    assert result.held, result.text()


def test_turns_of_two_processes_and_of_one_that_is_killed_in_the_middle_of_a_request() -> None:
    done = subprocess.run(  # in a program of its own, which starts others like itself
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""A program that is killed while it answers loses nothing, does nothing twice, and its thread goes on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benches.faults.turn_judging import BARS, malformed

ROOT = Path(__file__).parents[2]
CALL = {"id": "c1", "name": "note", "arguments": {}}


def run(*words: str) -> str:
    done = subprocess.run(  # in a program of its own: it forks
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def all_zero(said: str) -> bool:
    return all(f"{what} 0" in said for what in BARS)


def test_killed_at_random() -> None:
    said = run("benches.faults.turn_kills", "--kills", "4", "--per-mode", "0", "--starts", "0", "--seed", "3")
    found = re.search(r"(\d+) kills, ", said)
    assert found is not None
    assert int(found[1]) >= 2
    assert all_zero(said)


def test_killed_around_what_a_tool_does() -> None:
    said = run("benches.faults.crash_points", "--times", "1", "--only", "tool's effect")
    assert "2 kills, " in said
    assert "not met" not in said
    assert all_zero(said)


@pytest.mark.parametrize(
    ("messages", "wrong"),
    [
        ([{"role": "user"}, {"role": "assistant", "calls": [CALL]}, {"role": "tool", "call_id": "c1"}], []),
        ([{"role": "user"}, {"role": "assistant", "calls": [CALL]}], ["calls without results at the end: c1"]),
        (
            [{"role": "assistant", "calls": [CALL]}, {"role": "user"}],
            ["calls without results: c1"],
        ),
        ([{"role": "user"}, {"role": "tool", "call_id": "c9"}], ["a result without a call (c9)"]),
        ([{"role": "user"}, {"role": "user"}], ["two messages of the user in a row"]),
    ],
)
def test_what_a_model_cannot_read_is_seen(messages: list[dict[str, Any]], wrong: list[str]) -> None:
    assert malformed(messages) == wrong

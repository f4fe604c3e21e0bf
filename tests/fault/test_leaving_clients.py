"""Callers who leave leave nothing behind, and turns on a tier that fails are answered."""

from __future__ import annotations

from pathlib import Path

from benches.faults.callers import Left
from benches.faults.hosted import hosted
from benches.faults.leaving import DELAY, WORDS, leave_hosted, leave_terminal, leave_tools
from benches.faults.soak import measure


def troubles(left: Left) -> list[str]:
    """What is left behind, which text was lost, and how many servers were not told."""
    untold = left.began - len(left.hung_up)
    return [*(f"{name} +{n}" for name, n in left.leaked.items()), *left.lost, *(["untold"] * untold)]


def test_who_leaves_a_hosted_tier_leaves_nothing_behind_and_loses_nothing(own_home: Path) -> None:
    with hosted(words=WORDS, delay=DELAY) as server:
        left = leave_hosted(own_home / "hosted", server, 5)
        assert left.times.total() == 5
        assert left.began > 0
        assert troubles(left) == []
        assert troubles(leave_terminal(own_home / "terminal", server, 1)) == []


def test_who_leaves_a_tool_ends_it(own_home: Path) -> None:
    assert troubles(leave_tools(own_home, 2)) == []


def test_turns_on_a_tier_that_fails_are_answered_and_leave_no_files_or_threads() -> None:
    found = measure(40, 0.15)
    assert found.faults.total() > 0
    assert found.ends == {"done": 40}
    assert found.samples[-1].leaked(found.samples[0]).keys() <= {"sockets", "tasks", "files"}

"""Budgets that hold: whatever runs together, or is killed, the server serves one request too many at most."""

from __future__ import annotations

import pytest
from benches.faults.budgets import SCOPES, at_once, in_processes, killed


@pytest.mark.parametrize("scope", SCOPES)
def test_turns_at_once(scope: str) -> None:
    result = at_once(scope, 3)
    assert result.held, result.text()


def test_turns_of_two_processes() -> None:
    result = in_processes("day", 2, 2)
    assert result.held, result.text()


def test_a_process_that_is_killed_in_the_middle_of_a_request() -> None:
    result = killed("turn", 1)
    assert result.held, result.text()

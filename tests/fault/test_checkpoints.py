"""What is kept of a turn is bounded, and what is over leaves room for the next."""

from __future__ import annotations

from pathlib import Path

from benches.faults.checkpoints import measure


async def test_a_long_turn_and_many_turns_stay_within_their_bounds(tmp_path: Path) -> None:
    found = await measure(tmp_path, turns=20, steps=40)
    assert found.steps > 40
    assert not found.missed

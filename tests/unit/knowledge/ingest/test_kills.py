"""Killed at random moments, an ingest loses nothing and doubles nothing."""

from __future__ import annotations

from pathlib import Path

from benches.ingest_kills import run


def test_killed_again_and_again(tmp_path: Path) -> None:
    outcome = run(tmp_path, kills=3, passages=200, seed=2, longest=1.2)
    assert outcome.kills == 3
    assert outcome.wrong == []

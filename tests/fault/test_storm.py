"""Servers that are down, limit or fail at random, for a moment; the bench does it for minutes."""

from __future__ import annotations

from pathlib import Path

from benches.faults.storm import at_random, breaks, clear, refused, storm


async def test_a_server_that_refuses_everybody_is_asked_rarely_and_comes_back(tmp_path: Path) -> None:
    found = await storm(tmp_path, 20, 0.5, wish=1)
    assert found.run.by["failed"] + found.later.by["failed"] == 0
    assert found.requests <= 1.2 * 20 + 10
    assert found.later.answers[-1].tier == "deep"


async def test_failures_at_random_are_seen_by_nobody(tmp_path: Path) -> None:
    run, requests = await at_random(tmp_path, 40, 0.3, small=True)
    assert run.by["failed"] == 0
    assert requests <= 60


async def test_streams_that_break_anywhere_never_double_their_text(tmp_path: Path) -> None:
    run, doubled = await breaks(tmp_path / "small", 16, small=True)
    assert (run.by["failed"], doubled) == (0, 0)
    run, doubled = await breaks(tmp_path / "alone", 16, small=False)
    assert doubled == 0
    assert clear([answer for answer in run.answers if answer.status != "done"])


async def test_a_server_that_is_down_costs_no_answer(tmp_path: Path) -> None:
    run = await refused(tmp_path, 12)
    assert run.by == {"quick": 12}


async def test_two_tiers_that_are_down_are_both_named(tmp_path: Path) -> None:
    run = await refused(tmp_path, 1, both=True)
    assert clear(run.answers)
    said = str(run.answers[0].error)
    assert said.startswith("No tier could answer. deep: Nothing answers at ")
    assert "quick: The small tier is down, too." in said

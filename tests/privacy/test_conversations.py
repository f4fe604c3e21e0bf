"""Whatever is said, locked, unlocked and asked again: a request that left never holds a byte of locked text."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from benches.faults.privacy import conversations
from benches.faults.privacy_plays import MOVES, play
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tierwise.testing import LoopbackServer, ScriptedModel, block_network


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(ScriptedModel(["Unused."])) as one:
        yield one


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves=st.lists(st.sampled_from(MOVES), min_size=2, max_size=8), seed=st.integers(0, 10**6))
def test_a_request_that_left_holds_nothing_that_is_locked(server: LoopbackServer, moves: list[str], seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder, block_network(loopback=True) as tried:
        told = play(Path(folder) / "home", server, moves, random.Random(seed))
    server.requests.clear()
    assert told.escaped == []
    assert tried == []


def test_the_same_without_locks_lets_it_out() -> None:
    told, tried = conversations(6, 0, locks=False)
    assert told.escaped
    assert tried == []

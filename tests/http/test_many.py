"""The server as a process: many at once, and clients that leave. What is measured at length by the benches."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benches.serve_leaving import WORKING, leave_hosted, leave_waiting
from benches.serve_many import measure as ask
from benches.serving.asking import WAYS
from benches.serving.process import ServeProcess
from benches.serving.tier import slow_tier

SLACK = 5.0  # seconds: what is measured here is whether a model is freed, not how soon


def test_many_at_once_lose_nothing_and_mix_nothing() -> None:
    rows = ask([24], seconds=0.5, ways=list(WAYS), working=8, documents=False)
    assert [row.wrong for _, row in rows] == [[], [], []]
    by_turns = next(row for way, row in rows if way == "turns")
    assert sum(one.waited is not None and one.waited > 0 for one in by_turns.seen) >= 8  # they stood in the line


def test_who_leaves_frees_the_model_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with (
        slow_tier(seconds=20, words=400) as tier,  # also where turns begin slowly, none ends before all have begun
        ServeProcess(tmp_path, f"{tier.entry}\n[serve]\nworking = {WORKING}\n") as server,
    ):
        left, more, _ = asyncio.run(leave_hosted(server, tier, 21, slack=SLACK))
        assert (left.late, left.kept, left.odd, more) == ([], [], [], {})
        assert len(left.closed) + left.ended == left.began > 4
        left, more = asyncio.run(leave_waiting(server, tier, 7, slack=SLACK))
        assert (left.began, left.odd, more) == (0, [], {})
        assert server.stop() == 0

"""Tools under a lock: what reaches the network is not offered, not run, and its server is not contacted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from outside import Outside

from tierwise_tools.mcp import McpServer, McpSource, Pins


def server(world: Outside, **options: Any) -> McpServer:
    return McpServer("far", url=f"{world.proxy.url}/mcp", **options)


@pytest.fixture
def accepted(tmp_path: Path) -> Any:
    """Accepts servers, as a person who has reviewed them does."""
    pins = Pins(tmp_path / "pins.json")

    def source(one: McpServer) -> McpSource:
        pins.accept(one.pinned_as, [])
        return McpSource(one, pins)

    return source


@pytest.mark.parametrize("how", ["locked", "offline", "app", "thread", "free", "effects"])
def test_a_server_of_tools_is_not_reached_for_a_turn_that_stays(
    copilots: Any, world: Outside, accepted: Any, how: str
) -> None:
    options = {"effects": ("read",)} if how == "effects" else {}
    copilot = copilots("Fine.", tools=[accepted(server(world, **options))], locked=how == "app")
    if how == "thread":
        copilot.record.lock_thread("t", True)
    answer = copilot.ask("Why?", thread="t", lock=how in ("locked", "effects"), offline=how == "offline" or None)
    assert answer.status == "done"
    # Its owner says that the tools of the last one tell nobody outside.
    assert world.nothing_left == (how not in ("free", "effects"))
    if world.nothing_left:
        copilot.record.lock_thread("t", False)
        if how != "app":
            copilot.ask("And now?", thread="u")
            assert world.contacts > 0  # for a turn that may leave it is reached after all

"""The first turn beside MCP servers that are dead: how long does it take, and is it answered?

    python -m benches.faults.starting

Three servers were reviewed and are configured: one ends at once, one never says a word, one cannot be reached. Bars:
the first turn is answered within 10 s, the second does not wait for them again.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tierwise import Settings
from tierwise.runtime.toolbelt import PINS
from tierwise.testing import make_copilot
from tierwise.tool_settings import ToolSettings
from tierwise_tools.mcp.definitions import Definition
from tierwise_tools.mcp.pins import Pins
from tierwise_tools.mcp.settings import McpServer

BAR_S, AGAIN_S = 10.0, 2.0
DEAD = (
    McpServer("ends", command=(sys.executable, "-c", "raise SystemExit(3)")),
    McpServer("silent", command=(sys.executable, "-c", "import time; time.sleep(600)")),
    McpServer("away", url="http://127.0.0.1:9/mcp"),
)
NOTHING = {"name": "nothing", "description": "Do nothing.", "inputSchema": {"type": "object", "properties": {}}}


def pinned(home: Path) -> None:
    """Accept a tool of each server, as a person would have while it still worked."""
    pins = Pins(home / PINS)
    for server in DEAD:
        pins.accept(server.pinned_as, [Definition("nothing", NOTHING)])


def main() -> int:
    """Print the figures; 1 if a bar was missed."""
    with tempfile.TemporaryDirectory(prefix="tierwise-starting-") as folder:
        home = Path(folder)
        pinned(home)
        settings = Settings(home=home, tools=ToolSettings(mcp=DEAD))
        with make_copilot(["Hello."], settings=settings, home=home, retriever=None) as copilot:
            took = []
            for _ in range(2):
                started = time.perf_counter()
                answer = copilot.ask("Hello?")
                took.append(time.perf_counter() - started)
                assert answer.status == "done", answer.error
            problems = copilot.toolset().problems
    print(f"first turn beside {len(DEAD)} dead servers: {took[0]:.1f} s (bar {BAR_S:.0f}), the next: {took[1]:.2f} s")
    for problem in problems:
        print(f"  {problem}")
    return int(took[0] > BAR_S or took[1] > AGAIN_S or len(problems) < len(DEAD))


if __name__ == "__main__":
    sys.exit(main())

"""Our own time in a turn: everything but model tokens, with SQLite checkpoints, on instant scripted models.

Bar: median <= 30 ms.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from tierwise import AsyncCopilot, Tier
from tierwise.testing import ScriptedModel

TURNS = 60
DOCUMENT = "\n\n".join(
    f"## Room {n}\n\nRoom {n} on floor {n % 7} holds {10 + n} people and has the door code {4000 + n}."
    for n in range(150)
)


async def measure(folder: Path) -> dict[str, list[float]]:
    model = ScriptedModel([lambda request: "Room 42 has the door code 4042."], repeat=True)
    (folder / "rooms.md").write_text(DOCUMENT)
    async with AsyncCopilot([Tier("quick", model)], home=folder / "home") as copilot:
        await asyncio.to_thread(copilot.knowledge.ingest, [folder / "rooms.md"])
        await copilot.ask("warm up")
        figures: dict[str, list[float]] = {}
        for n in range(TURNS):
            started = time.perf_counter()
            answer = await copilot.ask(f"Which door code has room {n}?", thread=f"t{n // 10}")
            wall = (time.perf_counter() - started) * 1000
            ms = copilot.record.get(answer.turn_id).ms
            for phase in ("retrieve", "choose", "verify", "finish"):
                figures.setdefault(phase, []).append(ms.get(phase, 0.0))
            figures.setdefault("all, without the model", []).append(wall - ms["model"])
    return figures


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder)))
    print(f"Our own time in a turn, {TURNS} turns with retrieval and SQLite checkpoints (bar: median <= 30 ms)")
    for phase, values in figures.items():
        late = sorted(values)[int(0.95 * TURNS)]
        print(f"  {phase:<24} median {statistics.median(values):7.1f} ms   p95 {late:7.1f} ms")


if __name__ == "__main__":
    main()

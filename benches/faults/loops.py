"""Models that never come to an end: are they stopped, and is the question answered?

    python -m benches.faults.loops

The models:

    same, changing, turns   a model that asks for a tool as long as it is offered one: with the same arguments, with
                            other ones each time, or for two tools in turns; then it answers
    silent                  a model that asks for tools even when none is offered, and never says a word; a second tier
                            stands by
    repeats                 a hosted model that says the same words without end and takes no notice of max_tokens

Bars: every turn answered, at most 8 rounds of tool calls, no error of the graph's own step limit.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benches.faults.fault_streams import SMALL, Nothing
from benches.faults.playing import Play, event, playing
from tierwise import Answer, AsyncCopilot, Settings, Tier
from tierwise.models.base import ChatRequest
from tierwise.testing import ScriptedModel, Step
from tierwise.testing.loopback_embeddings import WordVectors
from tierwise.types import ToolCall
from tierwise_tools import tool

ROUNDS = 8
ENDLESS = Play([["repeat", event("and so on "), 1_000_000]])


@tool(effects="read")
def look_up(word: str) -> str:
    """Look a word up.

    Args:
        word: the word.
    """
    return f"Nothing about {word}."


@tool(effects="read")
def count_up(number: int) -> str:
    """Count.

    Args:
        number: from where.
    """
    return str(number + 1)


def _call(name: str, **arguments: object) -> Step:
    return Step(calls=(ToolCall("c", name, dict(arguments)),))


def _while_offered(calls: Callable[[int], Step]) -> Callable[[ChatRequest], Step]:
    """Asks for a tool whenever one is offered; its number of steps is read off the conversation."""

    def step(request: ChatRequest) -> Step:
        done = sum(message.role == "tool" for message in request.messages)
        return calls(done) if request.tools else Step("That is all there is.")

    return step


SCRIPTS: dict[str, Callable[[ChatRequest], Step]] = {
    "same": _while_offered(lambda _n: _call("look_up", word="cat")),
    "changing": _while_offered(lambda n: _call("look_up", word=f"cat{n}")),
    "turns": _while_offered(lambda n: _call("look_up", word="cat") if n % 2 else _call("count_up", number=1)),
    "silent": lambda request: _call("look_up", word=str(len(request.messages))),
}


@dataclass
class Loop:
    """How a turn with such a model ended."""

    name: str
    answer: Answer
    rounds: int
    steps: int
    seconds: float

    def wrong(self) -> Iterator[str]:
        """Which bars were missed."""
        if self.answer.status != "done" or not self.answer.text:
            yield f"not answered: {self.answer.error}"
        if self.rounds > ROUNDS:
            yield f"{self.rounds} rounds of tool calls"
        if "recursion" in str(self.answer.error).lower():
            yield "the graph's step limit"


async def run(name: str, home: Path) -> Loop:
    """One turn with one of the models."""
    if name == "repeats":
        with playing(ENDLESS) as player:
            tiers = [Tier("deep", "openai:fake", base_url=player.url, max_tokens=256)]
            return await _ask(name, tiers, home, lambda: len(player.requests))
    model = ScriptedModel([SCRIPTS[name]], repeat=True)
    tiers = [Tier("quick", model)]
    if name == "silent":
        tiers.append(Tier("other", ScriptedModel([SMALL], repeat=True)))
    return await _ask(name, tiers, home, lambda: len(model.requests))


async def _ask(name: str, tiers: Sequence[Tier], home: Path, steps: Callable[[], int]) -> Loop:
    async with AsyncCopilot(
        tiers,
        settings=Settings(home=home),
        retriever=Nothing(),
        embedder=WordVectors(),
        tools=[look_up, count_up],
    ) as copilot:
        started = time.perf_counter()
        found = await copilot.ask("What is a cat?", tier=tiers[0].name)
        seconds = time.perf_counter() - started
        record = await asyncio.to_thread(copilot.record.get, found.turn_id)
        rounds = len({step.round for step in record.tools})
        return Loop(name, found, rounds, steps(), seconds)


async def run_all() -> list[Loop]:
    """Every model, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        return [await run(name, Path(folder) / name) for name in (*SCRIPTS, "repeats")]


def main(words: Sequence[str]) -> int:
    """Print the figures."""
    argparse.ArgumentParser(
        prog="python -m benches.faults.loops", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(words)
    found = asyncio.run(run_all())
    for one in found:
        wrong = "; ".join(one.wrong())
        said = wrong or f"answered by {one.answer.tier}: {one.answer.text[:40]!r}"
        print(f"  {'WRONG' if wrong else 'right'} {one.name:9} {one.rounds} rounds, {one.steps} requests, "
              f"{one.seconds:.2f} s: {said}")  # fmt: skip
    right = sum(not list(one.wrong()) for one in found)
    print(f"stopped and answered {right} of {len(found)}")
    return int(right < len(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A hosted tier that misbehaves in every written-down way: is each turn answered, or ended in one clear sentence?

    python -m benches.faults.fault_streams DIR [--show]

DIR has ``fault_streams.jsonl``: rows of ``id``, ``status``, ``headers``, ``steps`` (see :mod:`benches.faults.playing`)
and ``expect``. Each row is played to a copilot whose hosted tier is asked by name: with a small tier beside it, alone,
and alone by a server that is well from its second request on (for a prompt that is too long: in a thread that leaves
something to cut). The clocks are made short; a call may end one second after its clock.

Bars: right 100 %, doubled text 0, stored files with the key in them 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benches.faults.playing import Play, Player, answer, playing
from tierwise import AsyncCopilot, Limits, Settings, Tier
from tierwise.events import AnswerReady, AttemptDiscarded, TextDelta, TurnFailed
from tierwise.models.base import ChatRequest
from tierwise.testing import ScriptedModel
from tierwise.testing.loopback_embeddings import WordVectors
from tierwise.turns import DecisionRecord
from tierwise.types import Message
from tierwise_tools import tool

WAYS = ("beside", "alone", "once")
LIMITS = Limits(connect=1.0, first_token=1.5, between_tokens=0.8, total=2.5)
DEADLINE, GRACE = 4.0, 1.0
QUESTION = "What do the documents say about cats?"
EARLIER = 4  # turns of 6,000 characters each
SMALL, WELL = "The small tier answers.", "It is well again."
KEY_ENV, KEY = "FAULT_STREAMS_KEY", "sk-" + "f4ult" * 8
# What ends without an answer of the hosted tier, unless that is asked again and well by then.
_FAILS = ("trim_or_escalate", "partial_or_fallback", "retry_or_fallback", "fallback", "repair_history", "error",
          "fallback_small_or_error", "refusal_shown", "bounded", "deadline")  # fmt: skip
_ASKED_AGAIN = ("retry_or_fallback",)


class Nothing:
    """No documents."""

    def search(self, query: str, **_: Any) -> list[Any]:
        """Find nothing."""
        return []


@dataclass
class Outcome:
    """What came of a row, played in one way."""

    row: dict[str, Any]
    way: str
    record: DecisionRecord
    error: str | None
    seen: str
    player: Player
    ran: list[dict[str, Any]]
    seconds: float
    leaks: int

    @property
    def doubled(self) -> bool:
        """Whoever follows the events has another text than the one that was stored."""
        return self.seen.strip() != self.record.text.strip()

    def wrong(self) -> list[str]:
        """What is not as it should be."""
        return [*_always(self), *_by_row(self)]


async def play_row(row: dict[str, Any], way: str, home: Path) -> Outcome:
    """Play one row to a turn of a new copilot."""
    os.environ[KEY_ENV] = KEY
    fault = Play(row["steps"], row["status"], row["headers"])
    well = answer(WELL)
    calls_tools = row["expect"]["outcome"] in ("tool_call", "one_call_or_error")

    earlier = EARLIER if way == "once" and row["expect"]["outcome"] == "trim_or_escalate" else 0
    served = 0

    def choose(_number: int, _request: Any) -> Play:
        nonlocal served
        served += 1
        if served <= earlier:
            return well
        return well if served - earlier > 1 and (calls_tools or way == "once") else fault

    ran: list[dict[str, Any]] = []

    @tool(effects="read")
    def search_docs(query: str, k: int = 3) -> str:
        """Search the documents.

        Args:
            query: what to search for.
            k: how many to find.
        """
        ran.append({"query": query, "k": k})
        return "Nothing was found."

    with playing(choose) as player:
        deep = Tier(
            "deep", "openai:fake", base_url=player.url, api_key_env=KEY_ENV, limits=LIMITS, context_window=32_000
        )
        quick = Tier("quick", ScriptedModel([SMALL], repeat=True))
        async with AsyncCopilot(
            [quick, deep] if way == "beside" else [deep],
            settings=Settings(home=home, deadline=DEADLINE),
            retriever=Nothing(),
            embedder=WordVectors(),
            tools=[search_docs],
        ) as copilot:
            for n in range(earlier):
                await copilot.ask(f"Remember number {n}. " + "It is one of many words here. " * 200, thread="t")
            player.requests.clear()
            seen: dict[int, str] = {}
            started, error = time.perf_counter(), None
            async with aclosing(copilot.stream(QUESTION, tier="deep", thread="t")) as events:
                async for event in events:
                    match event:
                        case TextDelta():
                            seen[event.attempt] = seen.get(event.attempt, "") + event.text
                        case AttemptDiscarded():
                            seen.pop(event.attempt, None)
                        case AnswerReady() | TurnFailed():
                            turn_id, error = event.turn_id, event.answer.error
            seconds = time.perf_counter() - started
            record = copilot.record.get(turn_id)
    leaks = await asyncio.to_thread(_files_with_key, home) + (KEY in str(error))
    return Outcome(row, way, record, error, "".join(seen.values()), player, ran, seconds, leaks)


def _files_with_key(home: Path) -> int:
    return sum(KEY.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())


def _always(found: Outcome) -> Iterator[str]:
    record, bodies = found.record, [request.raw for request in found.player.requests]
    if record.status not in ("done", "failed"):
        yield f"the turn ended {record.status}"
    if record.status == "failed" and (not found.error or "unexpected" in found.error):
        yield f"no clear error: {found.error}"
    if found.leaks:
        yield "the key is in a file or an error"
    if not record.asked:
        yield "the message is lost"
    if found.doubled:
        yield f"seen {found.seen!r}, stored {record.text!r}"
    if found.seconds > DEADLINE + GRACE:
        yield f"took {found.seconds:.1f} s"
    if len(bodies) > 3:
        yield f"{len(bodies)} requests"
    if not all(_well_formed(request.body["messages"]) for request in found.player.requests):
        yield "a history that is not well-formed"
    if found.row["expect"]["outcome"] not in _ASKED_AGAIN and len(set(bodies)) < len(bodies):
        # What is cut off, or comes from a server that is not well, may be asked again unchanged, if nothing was said.
        refused = found.row["status"] >= 400 or found.row["expect"]["outcome"] == "trim_or_escalate"
        if refused:
            yield "the same request again"


def _by_row(found: Outcome) -> Iterator[str]:
    expect, record, way = found.row["expect"], found.record, found.way
    outcome, requests = expect["outcome"], found.player.requests
    by = record.final if record.status == "done" else None
    if outcome in _FAILS:
        if way == "beside" and record.status != "done":
            yield f"not answered though a small tier is there: {found.error}"
        if way == "alone" and record.status != "failed" and record.text:
            yield f"answered by nobody knows whom: {record.text!r}"
        if way == "beside" and by == "quick" and not {n.code for n in record.notices} & {"degraded", "fallback"}:
            yield "not said that another tier answers"
    if outcome in _ASKED_AGAIN and way == "once" and not _said_before_it_broke(found.row) and by != "deep":
        yield f"not asked again: {found.error}"
    if outcome == "trim_or_escalate" and way == "once":
        sizes = [len(request.raw) for request in requests]
        if by != "deep" or len(sizes) != 2 or sizes[1] >= sizes[0]:
            yield f"not cut and asked again: {sizes}, {found.error}"
        if not all(QUESTION in str(request.body["messages"][-1]["content"]) for request in requests):
            yield "the newest message is not in it"
        if not {n.code for n in record.notices} & {"context_cut", "context_condensed"}:
            yield "not said that something was cut"
    if outcome == "partial_or_fallback" and way == "alone" and not record.text:
        yield "what was said is not kept"
    if expect.get("retries") == 0 and len(requests) > 1:
        yield f"{len(requests)} requests"
    if (least := expect.get("min_wait_s")) and any(b.at - a.at < least for a, b in pairwise(requests)):
        yield "asked again too soon"
    if outcome == "refusal_shown" and way == "alone" and "filter" not in f"{found.error} {record.text}":
        yield f"the refusal is not shown: {found.error}"
    if "max_wall_s" in expect and found.seconds > _clock(expect["max_wall_s"]) + GRACE:
        yield f"took {found.seconds:.2f} s"
    if outcome == "complete":
        if by != "deep" or len(requests) != 1:
            yield f"not answered by the tier: {found.error}"
        if "text" in expect and record.text != expect["text"]:
            yield f"answered {record.text[:80]!r}"
        if "text_len" in expect and len(record.text) != expect["text_len"]:
            yield f"answered {len(record.text)} characters"
    if outcome == "tool_call" and (len(found.ran) != 1 or record.status != "done"):
        yield f"the tool ran {len(found.ran)} times, and the turn is {record.status}: {found.error}"
    if "args" in expect and any(one | expect["args"] != one for one in found.ran):
        yield f"the tool got {found.ran}"
    if len(found.ran) > expect.get("max_runs", 8):
        yield f"the tool ran {len(found.ran)} times"
    if outcome not in (*_FAILS, "complete", "tool_call", "one_call_or_error"):
        yield f"an expectation that nobody knows: {outcome}"


def _well_formed(messages: list[dict[str, Any]]) -> bool:
    """As an OpenAI server checks it; mending does nothing to what is well-formed."""
    told = tuple(Message(m["role"], m.get("content") or "", (), m.get("tool_call_id")) for m in messages)
    asked = [[call["id"] for call in m.get("tool_calls") or ()] for m in messages]
    for n, ids in enumerate(asked):
        if ids and [m.tool_call_id for m in told[n + 1 : n + 1 + len(ids)]] != ids:
            return False
    return len(ChatRequest(told).messages) == sum(m.role != "tool" for m in told)


def _said_before_it_broke(row: dict[str, Any]) -> bool:
    return row["status"] == 200 and any('"content"' in str(step[1:]) for step in row["steps"])


def _clock(words: str | float) -> float:
    if not isinstance(words, str):
        return float(words)
    return DEADLINE if "turn" in words else LIMITS.first_token


async def play_all(rows: Sequence[dict[str, Any]], ways: Sequence[str] = WAYS) -> list[Outcome]:
    """Play every row in every way, one after the other; the first is played once before, for what is loaded by it."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for n, (row, way) in enumerate([(rows[0], "alone"), *((row, way) for row in rows for way in ways)]):
            outcome = await play_row(row, way, Path(folder) / str(n))
            if n:
                found.append(outcome)
    return found


def main(words: Sequence[str]) -> int:
    """Play the file and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benches.faults.fault_streams", description=__doc__)
    parser.add_argument("path", type=Path, metavar="DIR", help="folder with fault_streams.jsonl, or the file itself")
    parser.add_argument("--show", action="store_true", help="every row, not only those that are wrong")
    args = parser.parse_args(words)
    path = args.path / "fault_streams.jsonl" if args.path.is_dir() else args.path
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    found = asyncio.run(play_all(rows))
    for one in found:
        wrong = one.wrong()
        if wrong or args.show:
            said = "; ".join(wrong) or f"{one.record.status} by {one.record.final}: {one.error or one.record.text[:60]}"
            print(f"  {'WRONG' if wrong else 'right'} {one.row['id']} {one.way} ({one.seconds:.2f} s): {said}")
    right = sum(not one.wrong() for one in found)
    doubled, leaks = sum(one.doubled for one in found), sum(one.leaks for one in found)
    slowest = max(one.seconds for one in found)
    print(f"{len(rows)} rows, each {len(WAYS)} ways: right {right} of {len(found)} ({right / len(found):.1%})")
    print(f"doubled text {doubled}; files with the key {leaks}; slowest turn {slowest:.2f} s (deadline {DEADLINE:g} s)")
    return int(right < len(found) or doubled > 0 or leaks > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

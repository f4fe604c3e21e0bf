"""One turn by each of the ways to ask for it, and what its client saw of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benches.serving.client import Reply, asking


@dataclass
class Seen:
    """What a client saw; times are those of ``time.monotonic()``.

    Attributes:
        mark: of its question.
        began: when it asked.
        ended: when its answer was whole.
        status: of HTTP, or of the turn if that is not ``done``.
        text: the answer.
        waited: seconds that it stood in the line, as far as the server tells that.
        took: seconds that the turn took from its beginning to its record, by the server's own account.
        problems: what was not as it has to be.
    """

    mark: str
    began: float
    ended: float = 0.0
    status: str = ""
    text: str = ""
    waited: float | None = None
    took: float = 0.0
    problems: list[str] = field(default_factory=list)


Way = Callable[[int, str, dict[str, Any]], Awaitable[Seen]]


def question_of(mark: str) -> str:
    """A question that the slow tier knows the answer to."""
    return f"How deep is the harbour of the town #{mark}?"


async def by_turns(port: int, mark: str, options: dict[str, Any]) -> Seen:
    """``/v1/turns``, as server-sent events of everything that happens."""
    seen = Seen(mark, time.monotonic())
    body = {"question": question_of(mark), "stream": True, **options}
    async with asking(port, "POST", "/v1/turns", body) as reply:
        if not await _fine(reply, seen):
            return seen
        last, texts, answer = -1, dict[int, str](), None
        seen.waited = float(reply.headers.get("x-tierwise-waited-ms", 0)) / 1000
        async for event in reply.events():
            if event.id is not None:
                place = int(event.id.rpartition("-")[2])
                if place <= last:
                    seen.problems.append(f"event {place} after {last}")
                last = place
            if event.name == "begun":
                seen.waited = event.json["waited_ms"] / 1000
            elif event.name == "text.delta":
                data = event.json
                texts[data["attempt"]] = texts.get(data["attempt"], "") + data["text"]
            elif event.name in ("answer.ready", "turn.failed"):
                answer = event.json["answer"]
        seen.ended = time.monotonic()
        if answer is None:
            seen.problems.append("no answer")
            return seen
        seen.status, seen.text, seen.took = answer["status"], answer["text"], answer["ms"] / 1000
        if seen.text not in texts.values():
            seen.problems.append("what was streamed is not the answer")
    return seen


async def by_chat(port: int, mark: str, options: dict[str, Any]) -> Seen:
    """``/v1/chat/completions``, in one piece."""
    seen = Seen(mark, time.monotonic())
    async with asking(port, "POST", "/v1/chat/completions", _chat(mark, options)) as reply:
        if not await _fine(reply, seen):
            return seen
        body = await reply.json()
    seen.ended = time.monotonic()
    seen.status, seen.text = body["tierwise"]["status"], body["choices"][0]["message"]["content"]
    seen.waited, seen.took = body["tierwise"]["waited_ms"] / 1000, body["tierwise"]["ms"] / 1000
    return seen


async def by_chat_streamed(port: int, mark: str, options: dict[str, Any]) -> Seen:
    """``/v1/chat/completions``, streamed."""
    seen = Seen(mark, time.monotonic())
    async with asking(port, "POST", "/v1/chat/completions", _chat(mark, options) | {"stream": True}) as reply:
        if not await _fine(reply, seen):
            return seen
        done = False
        async for event in reply.events():
            if event.name == ":":
                continue
            if event.data == "[DONE]":
                done = True
                continue
            chunk = event.json
            if "error" in chunk:
                seen.problems.append(str(chunk["error"].get("code")))
                break
            for choice in chunk["choices"]:
                seen.text += choice["delta"].get("content") or ""
            if "tierwise" in chunk:
                about = chunk["tierwise"]
                seen.status, seen.waited, seen.took = about["status"], about["waited_ms"] / 1000, about["ms"] / 1000
        if not done:
            seen.problems.append("no end")
    seen.ended = time.monotonic()
    return seen


WAYS: dict[str, Way] = {"turns": by_turns, "chat": by_chat, "chat streamed": by_chat_streamed}


def wrong(seen: Sequence[Seen], answers: Callable[[str], str]) -> list[str]:
    """What is lost or not as it has to be, a line each."""
    found = []
    for one in seen:
        problems = [*one.problems]
        if one.status != "done":
            problems.append(f"status {one.status or 'none'}")
        elif one.text != answers(one.mark):
            problems.append(f"another text: {one.text[:60]!r}")
        found += [f"{one.mark}: {problem}" for problem in problems]
    return found


def _chat(mark: str, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": "auto",
        "messages": [{"role": "user", "content": question_of(mark)}],
        **({"tierwise": options} if options else {}),
    }


async def _fine(reply: Reply, seen: Seen) -> bool:
    if reply.status == 200:
        return True
    seen.status, seen.ended = str(reply.status), time.monotonic()
    seen.problems.append((await reply.body())[:200].decode(errors="replace"))
    return False

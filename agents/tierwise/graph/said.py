"""What a caller who keeps the conversation himself says around his question, as prompts are made from it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from tierwise.graph.gist import short_answer
from tierwise.graph.state import Json, TurnState
from tierwise.guards import neutralise
from tierwise.jsonable import from_json, to_json
from tierwise.models.mending import mend
from tierwise.record import Earlier, Exchange, TakenOut
from tierwise.types import Message

NO_QUESTION = "(no question)"
"""What stands in short for what the user said before an assistant that spoke first."""
_UNTIL = "until:"  # before the id of the last of the exchanges that were shown in one piece
_RESULT = 240  # characters of a tool's result in short
# Exchanges that are read where a conversation is told in short, and the steps in which the first of them moves on: the
# same as of a thread in the record.
_MOST, _STEP = 192, 64

Group = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What was said before a question, as a tier may see it.

    Attributes:
        earlier: exchange by exchange: a question and its answer.
        groups: the messages of each exchange as the caller sent them, but well-formed; ``None`` where the record keeps
            the conversation.
    """

    earlier: Earlier
    groups: tuple[Group, ...] | None = None

    def in_short(self) -> Earlier:
        """The exchanges that are read where not all can stay as they are."""
        if self.groups is None:
            return self.earlier
        over = max(0, len(self.earlier.exchanges) - _MOST)
        skipped = -(-over // _STEP) * _STEP
        return Earlier(self.earlier.exchanges[skipped:], skipped)


def said_before(state: TurnState, taken: TakenOut | None = None) -> Said | None:
    """What the caller says was said before; ``None`` where the record is asked.

    Args:
        state: the turn.
        taken: what a person took out, for a tier that is not on the device.
    """
    said = _said(state).get("earlier")
    if said is None:
        return None
    groups = grouped(_messages(said))
    exchanges = [exchange_of(group, name) for group, name in zip(groups, _names(groups), strict=True)]
    gone = taken.turns if taken else frozenset()
    first = max((n + 1 for n, one in enumerate(exchanges) if f"{_UNTIL}{one.turn_id}" in gone), default=0)
    kept = [n for n, one in enumerate(exchanges) if n >= first and one.turn_id not in gone]
    return Said(Earlier(tuple(exchanges[n] for n in kept)), tuple(groups[n] for n in kept))


def all_until(exchange: Exchange) -> str:
    """The id of all that was said up to an exchange, as a person may take it out."""
    return f"{_UNTIL}{exchange.turn_id}"


def instructions_of(state: TurnState) -> str | None:
    """The caller's instructions, ``None`` if he has none."""
    text: str = _said(state).get("instructions") or ""
    return text if text.strip() else None


def given_steps(state: TurnState) -> tuple[Message, ...]:
    """The calls of the caller's tools since the question, with their results."""
    return _messages(_said(state).get("steps", ()))


def fixed_words(state: TurnState) -> str:
    """What the caller says that no prompt can do without: instructions, tools, steps."""
    said = _said(state)
    parts = [instructions_of(state), *map(text_with_calls, given_steps(state))]
    tools = [json.dumps(tool, ensure_ascii=False) for tool in said.get("tools", ())]
    return "\n".join(filter(None, (*parts, *tools)))


def has_results(state: TurnState) -> bool:
    """Whether the question comes with results of the caller's tools."""
    return any(one["role"] == "tool" for one in _said(state).get("steps", ()))


def reads_results(state: TurnState) -> bool:
    """Whether anything in the caller's words came from a tool or a document: text that may not be trusted."""
    said = _said(state)
    tools = any(one["role"] == "tool" for one in said.get("earlier") or ())
    return tools or has_results(state) or bool(said.get("untrusted"))


def call_ids(state: TurnState) -> frozenset[str]:
    """The ids of all calls in the caller's words."""
    said = _said(state)
    messages = (*(said.get("earlier") or ()), *said.get("steps", ()))
    return frozenset(call["id"] for message in messages for call in message["tool_calls"])


def text_with_calls(message: Message) -> str:
    """All that a message says: its text, then its calls."""
    calls = (f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)})" for call in message.tool_calls)
    return "\n".join(part for part in (message.content, *calls) if part)


def grouped(messages: Sequence[Message]) -> list[Group]:
    """Messages exchange by exchange: one begins where the user speaks after somebody else has; nothing is lost."""
    groups: list[list[Message]] = []
    for message in messages:
        if not groups or (message.role == "user" and groups[-1][-1].role != "user"):
            groups.append([])
        groups[-1].append(message)
    return [tuple(group) for group in groups]


def exchange_of(group: Group, name: str = "") -> Exchange:
    """An exchange as a question and an answer: what the user said, what the assistant said, and results in short.

    Args:
        group: its messages.
        name: its id.
    """
    asked = "\n\n".join(one.content for one in group if one.role == "user" and one.content.strip())
    return Exchange(asked or NO_QUESTION, "\n\n".join(_answers(group, asked)), False, name)


def _answers(group: Group, asked: str) -> Iterator[str]:
    calls = {call.id: call.name for message in group for call in message.tool_calls}
    for message in group:
        if message.role == "assistant" and message.content.strip():
            yield message.content
        elif message.role == "tool":
            name = calls.get(message.tool_call_id or "", "a tool")
            yield f"({name} gave: {short_answer(asked, message.content, 2, _RESULT)})"


def _names(groups: Sequence[Group]) -> Iterator[str]:
    """An id for each exchange: made from its words, so that it is the same in every request that holds it."""
    seen: Counter[str] = Counter()
    for group in groups:
        name = f"said:{sha256(json.dumps(to_json(group)).encode()).hexdigest()[:16]}"
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}:{seen[name]}"


def _messages(said: Sequence[Json]) -> tuple[Message, ...]:
    messages = [from_json(Message, one) for one in said]
    return mend([replace(m, content=neutralise(m.content)) if m.role == "tool" else m for m in messages])


def _said(state: TurnState) -> Json:
    return state.get("conversation") or {}

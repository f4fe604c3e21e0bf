"""The content of a request, piece by piece: what a person is shown before it leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from tierwise.config import Tier
from tierwise.graph.asking import Asking
from tierwise.graph.context import Services
from tierwise.graph.counting import count_tokens
from tierwise.graph.paying import request_bytes
from tierwise.graph.said import all_until, text_with_calls
from tierwise.graph.state import TurnState
from tierwise.graph.structured import form_of
from tierwise.guards import told
from tierwise.jsonable import to_json
from tierwise.models.base import ChatModel, ChatRequest
from tierwise.turns import Outgoing, OutgoingItem
from tierwise.types import Message

_USUAL_ANSWER = 300.0  # tokens, of a tier that has not answered yet
_TITLE = 60


def items_of(state: TurnState, model: ChatModel, asking: Asking, request: ChatRequest) -> tuple[OutgoingItem, ...]:
    """Everything that a request says, in order; beside it there are only the words that hold the pieces together."""
    return tuple(_items(state, model, asking, request))


async def outgoing_of(
    services: Services, tier: Tier, model: ChatModel, state: TurnState, asking: Asking, request: ChatRequest
) -> Outgoing:
    """A request as it would leave.

    Raises:
        ModelError: if its tokens cannot be counted.
    """
    items = items_of(state, model, asking, request)
    tools = [_dump(one) for one in request.tools]
    tokens = asking.prompt.tokens + sum(await count_tokens(model, tools))
    host = "" if tier.stays_on_device else model.capabilities.host or "unknown"
    named = [state["turn_id"], tier.name, tier.model_name, host, [[i.id, i.kind, i.text] for i in items]]
    return Outgoing(
        id=sha256(json.dumps(named).encode()).hexdigest()[:16],
        turn_id=state["turn_id"],
        tier=tier.name,
        model=tier.model_name,
        host=host,
        items=items,
        bytes=0 if tier.stays_on_device else request_bytes(request),
        tokens=tokens,
        usd=_usd(services, tier, tokens),
    )


def _items(state: TurnState, model: ChatModel, asking: Asking, request: ChatRequest) -> Iterator[OutgoingItem]:
    prompt = asking.prompt
    yield OutgoingItem("instructions", "instructions", "Instructions", prompt.messages[0].content, False)
    yield from _earlier(asking)
    for passage in prompt.passages:
        text = told(passage)
        yield OutgoingItem(passage.id, "passage", text.partition("\n")[0], text, True)
    if asking.draft:
        tier = held["tier"] if (held := state.get("held")) else "a smaller tier"
        yield OutgoingItem(f"draft:{state['turn_id']}:{tier}", "draft", f"Draft of {tier}", asking.draft, True)
    yield OutgoingItem("question", "question", "Your question", state["asked"], False)
    if form := form_of(state, model):
        yield OutgoingItem("form", "instructions", "Form of the answer", form, False)
    if request.schema is not None:
        yield OutgoingItem("schema", "instructions", "Schema of the answer", _dump(request.schema), False)
    yield from _given(asking.given)
    yield from _tool_results(asking.steps)
    if request.tools:
        names = ", ".join(tool.name for tool in request.tools)
        text = "\n".join(_dump(tool) for tool in request.tools)
        yield OutgoingItem("tools", "tools", f"Tools it may call; what they give is sent, too: {names}", text, False)


def _earlier(asking: Asking) -> Iterator[OutgoingItem]:
    """One exchange each, or all in one where it is told in short: then each is no longer what was said."""
    history, exchanges = asking.prompt.history, asking.said.earlier.exchanges
    if not history.messages:
        return
    if not history.whole:
        last, kept_by_caller = exchanges[-1], asking.said.groups is not None
        name = f"earlier:{all_until(last)}" if kept_by_caller else f"condensed:{last.turn_id}"
        title = "Earlier in this thread, in short"
        yield OutgoingItem(name, "earlier", title, "\n\n".join(m.content for m in history.messages), True)
        return
    groups = history.groups or list(zip(history.messages[::2], history.messages[1::2], strict=True))
    for one, group in zip(exchanges, groups, strict=True):
        text = "\n\n".join(filter(None, map(text_with_calls, group)))
        yield OutgoingItem(f"earlier:{one.turn_id}", "earlier", _line(one.asked), text, True)


def _given(steps: Sequence[Message]) -> Iterator[OutgoingItem]:
    """The calls of the caller's tools with their results, numbered: their ids are the caller's, and may be anything."""
    results = _tool_results([step for step in steps if step.tool_calls or step.role == "tool"])
    for n, item in enumerate(results):
        yield replace(item, id=f"tool:given_{n}")
    for n, step in enumerate(steps):
        if step.role == "assistant" and step.content and not step.tool_calls:
            yield OutgoingItem(f"said:{n}", "tool_result", _line(step.content), step.content, False)


def _tool_results(steps: Sequence[Message]) -> Iterator[OutgoingItem]:
    """Calls with their results; what a model wrote before its calls stands with the first."""
    calls: dict[str, tuple[str, str]] = {}
    for message in steps:
        for n, call in enumerate(message.tool_calls):
            before = f"{message.content}\n" if n == 0 and message.content else ""
            calls[call.id] = call.name, f"{before}{call.name}({json.dumps(call.arguments, ensure_ascii=False)})"
        if message.role == "tool":
            name, call_text = calls.get(message.tool_call_id or "", ("a tool", ""))
            yield _tool_result(message, name, call_text)


def _tool_result(message: Message, name: str, call: str) -> OutgoingItem:
    text = f"{call}\n{message.content}"
    return OutgoingItem(f"tool:{message.tool_call_id}", "tool_result", f"Result of {name}", text, False)


def _usd(services: Services, tier: Tier, tokens: int) -> float | None:
    if tier.stays_on_device:
        return 0.0
    if tier.price is None:
        return None
    answer = services.record.usual_answer(tier.name)
    return tier.price.cost(tokens, round(_USUAL_ANSWER if answer is None else answer))


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TITLE else f"{line[: _TITLE - 1]}\u2026"


def _dump(value: Any) -> str:
    return json.dumps(to_json(value), ensure_ascii=False)

"""What a response is asked with: items, in the one form in which they are kept, and as what was said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from tierwise import ToolCall
from tierwise_app.serve.openai.messages import MOST_MESSAGES, Said, arguments_in, text_in
from tierwise_app.serve.problems import Problem

Item = dict[str, Any]
"""``{"type": "message", "role", "content": [{"type", "text"}]}``, ``{"type": "function_call", "call_id", "name",
"arguments"}`` (an object: secrets can be taken out of it) or ``{"type": "function_call_output", "call_id", "output"}``
(text)."""

_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}
_LONGEST_NAME = 256


def read_input(given: str | Sequence[Any]) -> tuple[list[Item], bool]:
    """Read the field ``input``. Nothing that an item names is fetched or read.

    Returns:
        The items, and whether there were reasoning items: those are left out.

    Raises:
        Problem: 400, for what is no item, or one that cannot be read here.
    """
    if isinstance(given, str):
        return [message_item("user", given)], False
    if len(given) > MOST_MESSAGES:
        raise _bad(f"There are {len(given):,} items; {MOST_MESSAGES:,} are allowed.", "input")
    items = [_item(one, f"input[{place}]") for place, one in enumerate(given)]
    return [item for item in items if item is not None], None in items


def message_item(role: str, text: str) -> Item:
    """A message as an item."""
    if role == "assistant":
        return {"type": "message", "role": role, "content": [{"type": "output_text", "text": text, "annotations": []}]}
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def call_item(call: ToolCall) -> Item:
    """A call as an item."""
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}


def shown(item: Item, id: str) -> Item:
    """An item as the API shows it."""
    if item["type"] == "function_call":
        item = {**item, "arguments": json.dumps(item["arguments"], ensure_ascii=False)}
    return {"id": id, **item, "status": "completed"}


def said_in_items(items: Sequence[Item], where: str = "input") -> list[Said]:
    """The items as what was said: words and calls of the assistant that follow each other are one message.

    Args:
        items: as :func:`read_input` gives them.
        where: the field that they stand in, for errors.
    """
    said = list[Said]()
    for place, item in enumerate(items):
        here, last = f"{where}[{place}]", said[-1] if said else None
        calls = last.calls if last is not None and last.role == "assistant" else ()
        if item["type"] == "function_call_output":
            said.append(Said("tool", item["output"], here, call_id=item["call_id"]))
        elif item["type"] == "function_call":
            call = ToolCall(item["call_id"], item["name"], item["arguments"])
            if last is not None and last.role == "assistant":
                said[-1] = replace(last, calls=(*calls, call))
            else:
                said.append(Said("assistant", "", here, (call,)))
        else:
            text = "".join(part["text"] for part in item["content"])
            if last is not None and calls and item["role"] == "assistant":  # words behind their calls
                said[-1] = replace(last, text="\n\n".join(filter(None, (last.text, text))))
            else:
                said.append(Said(_ROLES[item["role"]], text, here))
    return said


def _item(one: Any, where: str) -> Item | None:
    """One item, ``None`` for what a model thought."""
    if not isinstance(one, dict):
        raise _bad("An item is not an object.", where)
    kind = one.get("type", "message")
    if kind == "message":
        role = one.get("role")
        if not isinstance(role, str) or role not in _ROLES:
            raise _bad(f"The role is none of {', '.join(_ROLES)}.", f"{where}.role")
        return message_item(role, _text(one.get("content"), where, "content"))
    if kind == "function_call":
        given, name = one.get("arguments"), _name(one, "name", where)
        if not isinstance(given, str):
            raise _bad("The arguments of a call are not a JSON object, written as a text.", f"{where}.arguments")
        arguments = arguments_in(given, f"{where}.arguments")
        return call_item(ToolCall(_name(one, "call_id", where), name, arguments))
    if kind == "function_call_output":
        output = _text(one.get("output"), where, "output")
        return {"type": "function_call_output", "call_id": _name(one, "call_id", where), "output": output}
    if kind == "reasoning":
        return None
    raise Problem(
        400,
        "unsupported_content",
        f"An item of the type {repr(kind)[:60]} cannot be read.",
        fix="Send messages, function_call and function_call_output.",
        param=f"{where}.type",
    )


def _text(content: Any, where: str, field: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise _bad("It is neither a text nor a list of parts.", f"{where}.{field}")
    return text_in(content, where)


def _name(one: Item, key: str, where: str) -> str:
    value = one.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        raise _bad(f"{key} is not a text of 1 to {_LONGEST_NAME} characters.", f"{where}.{key}")
    return value


def _bad(message: str, param: str) -> Problem:
    return Problem(400, "invalid_messages", message, param=param)

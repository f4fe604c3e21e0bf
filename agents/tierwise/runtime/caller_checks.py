"""What a caller says around his question, made sure of before a turn begins."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from tierwise.callers import CallerTool, Conversation, Sampling
from tierwise.errors import InvalidInput
from tierwise.guards import whole_characters
from tierwise.jsonable import to_json
from tierwise.types import Message
from tierwise_tools.schema_check import checker, complaint_about_schema

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOTTEST = 2.0
_SEEDS = 2**63


def checked_conversation(conversation: Conversation) -> dict[str, Any]:
    """A conversation as the turn's state holds it.

    Raises:
        InvalidInput: if something in it is not what it has to be, naming it.
    """
    _check_messages("earlier", conversation.earlier or (), {"user", "assistant", "tool"})
    _check_messages("steps", conversation.steps, {"assistant", "tool"})
    names = [tool.name for tool in conversation.tools]
    for tool in conversation.tools:
        _check_tool(tool)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(f"There are two tools named {twice!r}.", fix="Give one of them another name.")
    wanted = conversation.must_call
    if isinstance(wanted, str) and wanted not in names:
        raise InvalidInput(f"must_call names {wanted!r}, and there is no such tool.", fix="Name one of the tools.")
    if wanted and not names:
        raise InvalidInput("must_call asks for a call, and there are no tools.", fix="Give at least one.")
    try:
        text = json.dumps(to_json(conversation), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("The conversation holds something that is not JSON.", fix="Use plain values.") from error
    stored: dict[str, Any] = json.loads(whole_characters(text))
    for tool in stored["tools"]:
        tool["parameters"] = {"type": "object", "properties": {}, **tool["parameters"]}
    return stored


def checked_sampling(sampling: Sampling) -> dict[str, Any]:
    """A sampling as the turn's state holds it.

    Raises:
        InvalidInput: if a number or text in it cannot be used, naming it.
    """
    heat, most, seed = sampling.temperature, sampling.max_tokens, sampling.seed
    if heat is not None and not (_is_number(heat) and 0 <= heat <= _HOTTEST):
        raise InvalidInput(f"The temperature is {heat!r}.", fix=f"Use a number from 0 to {_HOTTEST:g}.")
    if most is not None and not (_is_whole(most) and most >= 1):
        raise InvalidInput(f"max_tokens is {most!r}.", fix="Use a whole number from 1 on.")
    if seed is not None and not (_is_whole(seed) and -_SEEDS <= seed < _SEEDS):
        raise InvalidInput(f"The seed is {seed!r}.", fix="Use a whole number of 64 bits.")
    if isinstance(sampling.stop, str) or not all(isinstance(one, str) and one for one in sampling.stop):
        raise InvalidInput("Something in stop is not a text, or empty.", fix="Give a list of texts.")
    stored: dict[str, Any] = to_json(sampling)
    return {**stored, "stop": [whole_characters(one) for one in sampling.stop]}


def _check_messages(where: str, messages: Sequence[Message], roles: set[str]) -> None:
    for n, message in enumerate(messages):
        if not isinstance(message, Message) or not isinstance(message.content, str):
            raise InvalidInput(f"{where}[{n}] is not a message with a text.", fix="Use tierwise.Message.")
        if message.role not in roles:
            fix = "Put what it says into instructions." if message.role == "system" else f"Use: {', '.join(roles)}."
            raise InvalidInput(f"{where}[{n}] has the role {message.role!r}.", fix=fix)


def _check_tool(tool: CallerTool) -> None:
    if not isinstance(tool.name, str) or not _NAME.fullmatch(tool.name):
        fix = "Use up to 64 letters, digits, _ and -."
        raise InvalidInput(f"A tool is named {str(tool.name)[:80]!r}.", fix=fix)
    if not isinstance(tool.description, str):
        raise InvalidInput(f"The description of {tool.name} is not a text.", fix="Describe it in words.")
    parameters, fix = tool.parameters, "Correct its JSON Schema (2020-12)."
    if not isinstance(parameters, dict) or parameters.get("type", "object") != "object":
        raise InvalidInput(f"The parameters of {tool.name} are no schema of an object.", fix=fix)
    if (bad := complaint_about_schema(parameters)) is not None:
        raise InvalidInput(f"The parameters of {tool.name} are no JSON Schema: {bad}.", fix=fix)
    try:
        checker(parameters)({})
    except ValueError as error:  # a reference that leads nowhere
        raise InvalidInput(f"The parameters of {tool.name} cannot be checked: {error}.", fix=fix) from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

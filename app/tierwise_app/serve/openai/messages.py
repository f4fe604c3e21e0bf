"""From what a request says to a question and what stands around it: one place for the ways to say it.

Nothing that a message names is ever fetched or read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tierwise import CallerTool, Conversation, Message, ToolCall
from tierwise_app.serve.problems import Problem

MOST_MESSAGES = 2048
_PARTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a request, whatever its API calls it.

    Attributes:
        role: who speaks; ``system`` tells the model what to do.
        text: the words.
        where: where it stands in the request, as ``messages[2]``.
        calls: of an assistant.
        call_id: which call a ``tool`` message answers.
    """

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    where: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None


class FunctionCall(BaseModel):
    """What a model asked for: ``arguments`` is a JSON object as text."""

    model_config = ConfigDict(strict=True)

    name: str = Field(max_length=256)
    arguments: str


class CallMade(BaseModel):
    """A call in an assistant's message."""

    model_config = ConfigDict(strict=True)

    id: str = Field(min_length=1, max_length=256)
    type: Literal["function"] = "function"
    function: FunctionCall


class ChatMessage(BaseModel):
    """A message of the conversation; ``content`` is text, or parts of the type ``text``."""

    model_config = ConfigDict(extra="allow", strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[CallMade] | None = Field(None, max_length=128)
    tool_call_id: str | None = Field(None, max_length=256)


def conversation_of(
    said: Sequence[Said],
    *,
    param: str = "messages",
    tools: tuple[CallerTool, ...] = (),
    must_call: bool | str = False,
    one_call: bool = False,
) -> tuple[str, Conversation]:
    """The question, which is what the user said last, and what stands around it.

    Args:
        said: oldest first. What tells the model what to do may stand anywhere; it is joined.
        param: the request's field, for errors.
        tools: see :class:`~tierwise.Conversation`.
        must_call: see there.
        one_call: see there.

    Raises:
        Problem: 400, if nobody asks anything, the last word is the assistant's, a result answers no call, or a call has
            no result.
    """
    if not said:
        raise _bad("There are no messages.", param, fix="Send at least one of the role user.")
    if len(said) > MOST_MESSAGES:
        raise _bad(f"There are {len(said):,} messages; {MOST_MESSAGES:,} are allowed.", param)
    for one in said:
        _check_characters(one)
    instructions = "\n\n".join(one.text for one in said if one.role == "system" and one.text.strip())
    rest = _merged([one for one in said if one.role != "system"])
    _check_calls(rest)
    last = max((n for n, one in enumerate(rest) if one.role == "user"), default=None)
    if last is None:
        raise _bad("No message is of the role user, so nothing is asked.", param)
    if rest[-1].role == "assistant":
        raise _bad(
            "The last message is the assistant's, and nothing is asked after it.",
            rest[-1].where,
            fix="End with a message of the user, or with results of tools.",
        )
    if not rest[last].text.strip():
        raise _bad("The question is empty.", rest[last].where)
    return rest[last].text, Conversation(
        instructions=instructions or None,
        earlier=tuple(map(_message, rest[:last])),
        steps=tuple(map(_message, rest[last + 1 :])),
        tools=tools,
        must_call=must_call,
        one_call=one_call,
    )


def said_in(messages: Sequence[ChatMessage]) -> list[Said]:
    """The messages of a chat completion.

    Raises:
        Problem: 400 for what cannot be read here.
    """
    return [_said(message, f"messages[{n}]") for n, message in enumerate(messages)]


def text_in(content: str | Sequence[dict[str, Any]] | None, where: str) -> str:
    """The text of a message that may come in parts, a line break between them.

    Raises:
        Problem: 400 for parts that are no text.
    """
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for n, part in enumerate(content):
        kind = part.get("type")
        text = part.get(_PARTS[kind]) if isinstance(kind, str) and kind in _PARTS else None
        if not isinstance(text, str):
            shown = repr(kind)[:60] if "type" in part else "without a type"
            raise Problem(
                400,
                "unsupported_content",
                f"A part of the content is {shown}; only text can be read.",
                fix="Send text; add documents with POST /v1/knowledge/sources.",
                param=f"{where}.content[{n}]",
            )
        texts.append(text)
    return "\n".join(texts)


def arguments_in(text: str, where: str) -> dict[str, Any]:
    """The arguments of a call that was made.

    Raises:
        Problem: 400 if they are no JSON object.
    """
    try:
        found = json.loads(text or "{}", parse_constant=_refuse)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _bad("The arguments of a call are not a JSON object.", where)
    return found


def _said(message: ChatMessage, where: str) -> Said:
    if message.role == "function":
        raise _bad('The role "function" is of an old API.', f"{where}.role", fix='Use tools, and the role "tool".')
    if (message.model_extra or {}).get("function_call"):
        raise _bad("function_call is of an old API.", f"{where}.function_call", fix="Use tool_calls.")
    if (message.model_extra or {}).get("audio"):
        raise Problem(400, "unsupported_content", "Audio cannot be read.", param=f"{where}.audio")
    text = text_in(message.content, where)
    if message.role == "tool":
        if not message.tool_call_id:
            raise _bad("A message of the role tool has no tool_call_id.", where)
        return Said("tool", text, where, call_id=message.tool_call_id)
    if message.role == "assistant":
        calls = tuple(
            ToolCall(call.id, call.function.name, arguments_in(call.function.arguments, f"{where}.tool_calls[{n}]"))
            for n, call in enumerate(message.tool_calls or ())
        )
        if message.content is None and not calls and not message.refusal:
            raise _bad("A message of the assistant has neither content nor tool_calls.", where)
        return Said("assistant", text or message.refusal or "", where, calls)
    if message.content is None:
        raise _bad(f"A message of the role {message.role} has no content.", where)
    if message.tool_calls:
        raise _bad("Only the assistant calls tools.", f"{where}.tool_calls")
    return Said("user" if message.role == "user" else "system", text, where)


def _merged(said: Sequence[Said]) -> list[Said]:
    """What an assistant said and what it called right after is one message: some APIs send it in two."""
    merged: list[Said] = []
    for one in said:
        before = merged[-1] if merged else None
        if before is not None and before.role == one.role == "assistant" and not before.calls:
            text = "\n\n".join(text for text in (before.text, one.text) if text)
            merged[-1] = replace(one, text=text)
        else:
            merged.append(one)
    return merged


def _check_calls(said: Sequence[Said]) -> None:
    """See that every result answers a call, and every call has its result right after it."""
    open_calls: set[str] = set()
    caller = ""
    for one in said:
        if one.role == "tool":
            if one.call_id not in open_calls:
                raise _bad("A result of a tool answers no call that stands before it.", one.where)
            open_calls.discard(one.call_id)
            continue
        if open_calls:
            break
        ids = [call.id for call in one.calls]
        open_calls, caller = set(ids), one.where
        if len(open_calls) < len(ids):
            raise _bad("Two calls of a message have the same id.", one.where)
    if open_calls:
        raise _bad("A call has no result.", caller, fix="Send a result for every call, right after it.")


def _check_characters(one: Said) -> None:
    texts = [one.text, one.call_id or ""]
    for call in one.calls:
        texts += [call.id, call.name, json.dumps(call.arguments, ensure_ascii=False)]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:  # a half of a surrogate pair
        raise _bad("A message holds half a character.", one.where, fix="Send whole characters.") from None


def _message(one: Said) -> Message:
    role: Any = one.role
    return Message(role, one.text, one.calls, one.call_id)


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _bad(text: str, param: str, *, fix: str | None = None) -> Problem:
    return Problem(400, "invalid_messages", text, fix=fix, param=param)

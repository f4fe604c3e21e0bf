"""A conversation as the APIs of models demand it: every tool call is followed by its result, and no result is alone.

After a crash, a stop or a refresh a history may hold a call without a result. Servers refuse it with a 400, and with it
every later turn of its thread (langgraph #4289, adk-python #3970). What is stored stays as it is; only requests are
mended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tierwise.types import Message, ToolCall

INTERRUPTED = "(interrupted: nobody knows the result)"


def mend(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The same conversation, well-formed.

    Every assistant message with tool calls is directly followed by one tool message for each call, and there are no
    others. A result that is missing becomes :data:`INTERRUPTED`; one that came late is moved up; one that nobody asked
    for, or that came twice, is left out. Ids of calls that are empty, or the same within a message, are made anew.

    Returns:
        The messages; those that are well-formed come back unchanged. Mending twice changes nothing.
    """
    return tuple(_mended(tuple(messages)))


def _mended(messages: tuple[Message, ...]) -> Iterator[Message]:
    place = 0
    while place < len(messages):
        message = messages[place]
        place += 1
        if message.role == "tool":
            continue  # results are taken together with their calls
        if not message.tool_calls:
            yield message
            continue
        if message.role != "assistant":
            yield replace(message, tool_calls=())  # only a model asks for tools
            continue
        until = next((n for n in range(place, len(messages)) if _asks(messages[n])), len(messages))
        ids = _ids(message.tool_calls)
        if [call.id for call in message.tool_calls] != ids:
            calls = tuple(replace(call, id=new) for call, new in zip(message.tool_calls, ids, strict=True))
            yield replace(message, tool_calls=calls)
        else:
            yield message
        yield from _results(message.tool_calls, ids, messages[place:until])


def _asks(message: Message) -> bool:
    return message.role == "assistant" and bool(message.tool_calls)


def _results(calls: Sequence[ToolCall], ids: Sequence[str], later: Sequence[Message]) -> Iterator[Message]:
    """One result for each call: in the order in which they came, then what is missing."""
    open_calls = list(zip(calls, ids, strict=True))
    for message in later:
        if message.role != "tool":
            continue
        # Where an id stands twice, results belong to the calls in their order.
        found = next((n for n, (call, _) in enumerate(open_calls) if call.id == message.tool_call_id), None)
        if found is not None:
            _, new = open_calls.pop(found)
            same = message.tool_call_id == new and not message.tool_calls
            yield message if same else replace(message, tool_call_id=new, tool_calls=())
    for _, new in open_calls:
        yield Message("tool", INTERRUPTED, (), new)


def _ids(calls: Sequence[ToolCall]) -> list[str]:
    """An id for each call: its own, where it has one that no call before it has."""
    ids: list[str] = []
    for n, call in enumerate(calls):
        new = call.id
        while not new or new in ids:
            new = f"{new or 'call'}_{n}"
        ids.append(new)
    return ids

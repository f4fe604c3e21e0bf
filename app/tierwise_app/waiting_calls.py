"""What waits for a person, as it is shown: complete, and with nothing in it that cannot be seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tierwise_app.outgoing_text import print_outgoing
from tierwise_app.text import clean, plural, visible

if TYPE_CHECKING:
    from rich.console import Console

    from tierwise.turns import Answer, DecisionRecord, WaitingCall


def print_waiting(console: Console, waiting: Sequence[WaitingCall]) -> None:
    """All calls of a turn that wait, and the commands that go on with it."""
    turn = waiting[0].turn_id
    console.print(f"{plural(len(waiting), 'tool call')} {'waits' if len(waiting) == 1 else 'wait'} for your yes")
    for call in waiting:
        print_call(console, call)
    console.print(f"approve: tierwise threads approve {turn}{' [CALL]' * (len(waiting) > 1)}", style="dim")
    console.print(f'deny:    tierwise threads deny {turn}{" [CALL]" * (len(waiting) > 1)} --reason "…"', style="dim")


def print_what_waits(console: Console, turn: Answer | DecisionRecord) -> None:
    """What a turn waits for: tool calls, or a person who has to see what leaves; nothing if it does not wait."""
    if turn.waiting:
        print_waiting(console, turn.waiting)
    if turn.outgoing is not None:
        print_outgoing(console, turn.outgoing)


def print_call(console: Console, call: WaitingCall) -> None:
    """One call: what, from where, by whom, why a person is asked, and its arguments."""
    console.print(f"{visible(call.name)}  (call {call.id})", style="bold")
    console.print(f"  from {clean(call.origin)}, asked for by {clean(call.tier)}; effects: {', '.join(call.effects)}")
    console.print(f"  asks because {clean(call.why)}")
    for line in argument_lines(call.arguments):
        console.print(f"  {line}")


def argument_lines(arguments: dict[str, Any]) -> Iterator[str]:
    """Arguments in full, one by one.

    A text of several lines stands below its name behind bars, so that nothing in it can pass for a line of ours; any
    other value is written as JSON. Characters that would not be seen are written as escapes.
    """
    if not arguments:
        yield "(no arguments)"
    for name, value in arguments.items():
        if isinstance(value, str) and "\n" in value:
            yield f"{visible(name)}:"
            yield from (f"| {visible(line)}" for line in value.split("\n"))
        else:
            first, *rest = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
            yield f"{visible(name)}: {visible(first)}"
            yield from (f"| {visible(line)}" for line in rest)

"""A person's yes and no to tool calls that wait, stored before the turn goes on."""

from __future__ import annotations

from typing import Any

from tierwise.errors import InvalidInput, UnknownName
from tierwise.graph.context import Services
from tierwise.turns import WaitingCall
from tierwise_tools import ToolError


async def decide(
    services: Services,
    turn_id: str,
    call_id: str | None,
    *,
    allow: bool,
    always: bool = False,
    arguments: dict[str, Any] | None = None,
    reason: str = "",
) -> str:
    """Decide on one waiting call of a turn, or on all of them.

    Args:
        services: the copilot's parts.
        turn_id: the turn, a unique beginning of its id, or ``last``.
        call_id: the call, or a unique beginning of its id; ``None`` decides on all that wait.
        allow: yes or no.
        always: this tool need not ask again, as long as it stays as it is.
        arguments: to run the one call with these instead.
        reason: for the model, if the answer is no.

    Returns:
        The turn's id.

    Raises:
        UnknownName: if there is no such turn or call.
        InvalidInput: if nothing waits, or the arguments do not fit the tool.
    """
    record = services.record
    asked = record.get(turn_id)
    turn = asked.turn_id
    calls = _chosen(turn, record.waiting_calls(turn), call_id)
    if arguments is not None and len(calls) != 1:
        raise InvalidInput("Changed arguments are for one call.", fix=f"Name it: {', '.join(c.id for c in calls)}.")
    if allow and (always or arguments is not None):
        await services.shelf.open(stays=asked.locked or asked.offline)
    for call in calls:
        tool = services.shelf.tools.get(call.name)
        if allow and tool is not None and arguments is not None:
            try:
                tool.check(arguments)
            except ToolError as error:
                raise InvalidInput(f"The changed arguments do not fit: {error}.") from error
        if allow and always and tool is None:
            raise UnknownName(
                f"The tool {call.name!r} is not there any more.", fix="Approve the call once, or deny it."
            )
        record.decide(call, allow=allow, arguments=arguments, reason=reason.strip())
        if allow and always and tool is not None:
            record.allow_tool(tool.name, tool.fingerprint)
    return turn


def _chosen(turn_id: str, waiting: list[WaitingCall], call_id: str | None) -> list[WaitingCall]:
    if not waiting:
        raise InvalidInput(
            f"No tool call of turn {turn_id} waits for a decision.",
            fix="See what waits: tierwise threads waiting. A turn that was decided on goes on with: threads resume.",
        )
    if call_id is None:
        return waiting
    found = [call for call in waiting if call_id and call.id.startswith(call_id)]
    if len(found) != 1:
        ids = ", ".join(f"{call.id} ({call.name})" for call in waiting)
        raise UnknownName(f"{call_id!r} names no waiting call of turn {turn_id}.", fix=f"Waiting: {ids}.")
    return found

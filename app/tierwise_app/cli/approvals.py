"""``tierwise threads waiting | approve | deny | resume``: turns that wait for a person, or were left in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tierwise.jsonable import to_json
from tierwise_app.cli.ask import EXIT_CODES
from tierwise_app.cli.session import Json, session
from tierwise_app.console import err, out, print_json
from tierwise_app.deciding import read_arguments, turn_to_go_on
from tierwise_app.text import one_line, when
from tierwise_app.waiting_calls import print_waiting

if TYPE_CHECKING:
    from tierwise import Copilot

Thread = Annotated[str, typer.Argument(metavar="THREAD", help="The thread, or a turn's id.")]
Call = Annotated[
    str | None, typer.Argument(metavar="[CALL]", help="Beginning of the call's id; by default all that wait.")
]


def waiting(ctx: typer.Context, as_json: Json = False) -> None:
    """List the tool calls that wait for your yes, the oldest first."""
    with session(ctx).record() as record:
        turns = record.waiting_turns()
    if as_json:
        keys = ("turn_id", "thread", "asked", "created", "waiting")
        print_json([{key: to_json(turn)[key] for key in keys} for turn in turns])
        return
    for turn in turns:
        out().print(f"> {one_line(turn.asked, 300)}", style="bold")
        out().print(f"thread {one_line(turn.thread)}, turn {turn.turn_id}, {when(turn.created)}", style="dim")
        print_waiting(out(), turn.waiting)
        out().print()
    if not turns:
        out().print("nothing waits", style="dim")


def approve(
    ctx: typer.Context,
    thread: Thread,
    call: Call = None,
    always: Annotated[bool, typer.Option("--always", help="Its tool, as it is now, need not ask again.")] = False,
    arguments: Annotated[
        str | None, typer.Option("--args", metavar="JSON", help="Run the one call with these arguments instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say yes to tool calls that wait, and go on with their turn; exit codes as of ask."""
    changed = None if arguments is None else read_arguments(arguments)
    with session(ctx).copilot() as copilot:
        turn = turn_to_go_on(copilot.record, thread, call)
        copilot.decide(turn, call, allow=True, always=always, arguments=changed)
        code = _go_on(copilot, turn, as_json=as_json)
    raise typer.Exit(code)


def deny(
    ctx: typer.Context,
    thread: Thread,
    call: Call = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why not, for the model.")] = "",
    as_json: Json = False,
) -> None:
    """Say no to tool calls that wait, and go on with their turn, which is told why; exit codes as of ask."""
    with session(ctx).copilot() as copilot:
        turn = turn_to_go_on(copilot.record, thread, call)
        copilot.decide(turn, call, allow=False, reason=reason)
        code = _go_on(copilot, turn, as_json=as_json)
    raise typer.Exit(code)


def resume(ctx: typer.Context, thread: Thread, as_json: Json = False) -> None:
    """Go on with a turn whose program ended in the middle; what is over is not done again. Exit codes as of ask."""
    with session(ctx).copilot() as copilot:
        code = _go_on(copilot, turn_to_go_on(copilot.record, thread), as_json=as_json)
    raise typer.Exit(code)


def _go_on(copilot: Copilot, turn: str, *, as_json: bool) -> int:
    """Show the rest of a turn; its exit code."""
    from tierwise_app.live import TurnView, run_on

    answer = run_on(copilot, turn, TurnView(quiet=as_json))
    if as_json:
        print_json(to_json(answer))
    elif answer.status == "stopped":
        err().print("stopped; what was written is kept in the thread", style="yellow")
    return EXIT_CODES[answer.status]

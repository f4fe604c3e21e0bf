"""``tierwise threads waiting | approve | deny | resume``: turns that wait for a person, or were left in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tierwise.errors import UsageError
from tierwise.jsonable import to_json
from tierwise_app.cli.ask import EXIT_CODES
from tierwise_app.cli.session import Json, session
from tierwise_app.console import err, out, print_json
from tierwise_app.deciding import read_arguments, turn_to_go_on
from tierwise_app.outgoing_text import named_items
from tierwise_app.text import one_line, when
from tierwise_app.waiting_calls import print_what_waits

if TYPE_CHECKING:
    from tierwise import Copilot

Thread = Annotated[str, typer.Argument(metavar="THREAD", help="The thread, or a turn's id.")]
Call = Annotated[
    str | None, typer.Argument(metavar="[CALL]", help="Beginning of the call's id; by default all that wait.")
]


def waiting(ctx: typer.Context, as_json: Json = False) -> None:
    """List what waits for your yes, tool calls and what would leave this device, the oldest first."""
    with session(ctx).record() as record:
        turns = record.waiting_turns()
    if as_json:
        keys = ("turn_id", "thread", "asked", "created", "waiting", "outgoing")
        print_json([{key: to_json(turn)[key] for key in keys} for turn in turns])
        return
    for turn in turns:
        out().print(f"> {one_line(turn.asked, 300)}", style="bold")
        out().print(f"thread {one_line(turn.thread)}, turn {turn.turn_id}, {when(turn.created)}", style="dim")
        print_what_waits(out(), turn)
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
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="ITEM", help="Take this item out of what leaves: its number or id; repeat."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say yes to tool calls that wait, or to what would leave, and go on with their turn; exit codes as of ask."""
    changed = None if arguments is None else read_arguments(arguments)
    with session(ctx).copilot() as copilot:
        turn = turn_to_go_on(copilot.record, thread, call)
        outgoing = copilot.record.waiting_outgoing(turn)
        if outgoing is not None and call is None and not always and changed is None:
            out_of_it = named_items(outgoing, without or ())
            copilot.decide_sending(turn, outgoing.id, allow=True, without=out_of_it)
        elif without:
            raise UsageError("--without is for what would leave, and no request of this turn waits.")
        else:
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
    """Say no to tool calls that wait, or to what would leave, and go on with their turn; exit codes as of ask."""
    with session(ctx).copilot() as copilot:
        turn = turn_to_go_on(copilot.record, thread, call)
        outgoing = copilot.record.waiting_outgoing(turn)
        if outgoing is not None and call is None:
            copilot.decide_sending(turn, outgoing.id, allow=False)
        else:
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

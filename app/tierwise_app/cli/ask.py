"""``tierwise ask``: one question, one answer."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tierwise.errors import InvalidInput
from tierwise.jsonable import to_json
from tierwise_app.cli.session import Collection, Json, session
from tierwise_app.console import err, print_json

EXIT_CODES = {"done": 0, "failed": 1, "needs_approval": 3, "blocked": 4, "stopped": 130}

Tier = Annotated[str, typer.Option("--tier", "-t", metavar="NAME", help="auto, quick, deep or a tier's name.")]
Dial = Annotated[str | None, typer.Option("--dial", metavar="WISH", help="economy, balanced or quality.")]
Lock = Annotated[bool, typer.Option("--lock", help="Keep this question on the device.")]
Offline = Annotated[bool, typer.Option("--offline", help="Refuse every tier that is not on the device.")]
Thread = Annotated[str | None, typer.Option("--thread", help="Go on with this thread, or begin one of that name.")]


def ask(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(help="The question; - reads it from stdin.")],
    thread: Thread = None,
    tier: Tier = "auto",
    dial: Dial = None,
    lock: Lock = False,
    collection: Collection = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Ask one question. Exit code: 0 done, 1 failed, 3 waiting for approval, 4 blocked, 130 stopped."""
    from tierwise_app.live import TurnView, run_turn

    text = read_question(question)
    with session(ctx).copilot(dial=dial) as copilot:
        answer = run_turn(
            copilot,
            text,
            TurnView(quiet=as_json),
            thread=thread,
            tier=tier,
            dial=dial,
            lock=lock,
            collection=collection,
            offline=offline or None,
        )
    if as_json:
        print_json(to_json(answer))
    elif answer.status == "stopped":
        err().print("stopped; what was written is kept in the thread", style="yellow")
    raise typer.Exit(EXIT_CODES[answer.status])


def read_question(word: str) -> str:
    """The question itself, or all of stdin for ``-``.

    Raises:
        InvalidInput: if stdin is not text.
    """
    if word != "-":
        return word
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InvalidInput("The question on stdin is not UTF-8 text.", fix="Convert it first.") from error

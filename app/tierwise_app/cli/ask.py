"""``tierwise ask``: one question, one answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierwise.errors import InvalidInput, UsageError
from tierwise.jsonable import to_json
from tierwise_app.cli.limits import Kind, Label, Since, Source, Until, limits
from tierwise_app.cli.session import Collection, Json, session
from tierwise_app.console import err, out, print_json
from tierwise_app.deciding import decide_sending_on_terminal, has_person
from tierwise_app.render import print_answer_end
from tierwise_app.text import clean
from tierwise_app.waiting_calls import print_what_waits
from tierwise_app.wishes import Dial, Share, wish_of

if TYPE_CHECKING:
    from tierwise import Answer, Copilot

EXIT_CODES = {"done": 0, "failed": 1, "needs_approval": 3, "blocked": 4, "stopped": 130}

Tier = Annotated[str, typer.Option("--tier", "-t", metavar="NAME", help="auto, quick, deep or a tier's name.")]
Lock = Annotated[bool, typer.Option("--lock", help="Keep this question on the device.")]
Offline = Annotated[bool, typer.Option("--offline", help="Refuse every tier that is not on the device.")]
Document = Annotated[
    str | None,
    typer.Option("--document", "-d", metavar="PATH", help="Read this document, all of it if it is not long."),
]
Grounded = Annotated[
    bool | None,
    typer.Option(
        "--grounded/--free",
        help="Answer only what the documents say, or also what the model knows.",
        show_default=False,
    ),
]
Show = Annotated[
    bool, typer.Option("--show-before-sending", help="Show what would leave this device, and ask before it does.")
]
Thread = Annotated[str | None, typer.Option("--thread", help="Go on with this thread, or begin one of that name.")]


def ask(
    ctx: typer.Context,
    question: Annotated[str | None, typer.Argument(help="The question; - reads it from stdin.")] = None,
    thread: Thread = None,
    tier: Tier = "auto",
    dial: Dial = None,
    share: Share = None,
    lock: Lock = False,
    collection: Collection = None,
    document: Document = None,
    source: Source = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    label: Label = None,
    grounded: Grounded = None,
    offline: Offline = False,
    schema: Annotated[
        Path | None, typer.Option("--schema", metavar="FILE", help="A JSON Schema; print JSON that fits it.")
    ] = None,
    adapter: Annotated[
        str | None, typer.Option("--adapter", metavar="PATH", help="A LoRA adapter, by path or by name.")
    ] = None,
    again: Annotated[
        str | None,
        typer.Option("--again", metavar="TURN", help="Ask its question again on --tier, by default the next larger."),
    ] = None,
    show: Show = False,
    as_json: Json = False,
) -> None:
    """Ask one question. Exit code: 0 done, 1 failed, 3 waiting for approval, 4 blocked, 130 stopped."""
    from tierwise_app.live import TurnView, run_again, run_on, run_turn

    if (question is None) == (again is None):
        raise UsageError("Give either a QUESTION or --again TURN.")
    only = limits(source, kind, since, until, label)
    if again is not None and any(given is not None for given in (thread, collection, document, only)):
        raise UsageError(
            "--again keeps the thread and the documents of TURN.",
            fix="Leave out --thread, -c, -d and what limits the search.",
        )
    text, form = read_question(question or ""), read_schema(schema) if schema is not None else None
    person = has_person() and not as_json and form is None
    view = TurnView(quiet=as_json or form is not None, waiting=not person)
    wish = wish_of(dial, share)
    options: dict[str, Any] = {"dial": wish, "lock": lock, "offline": offline or None}
    options |= {"schema": form, "adapter": adapter, "grounded": grounded}
    options |= {"show_before_sending": "always" if show else None}
    with session(ctx).copilot(dial=wish) as copilot:
        if again is not None:
            answer = run_again(copilot, again, view, tier=_other_tier(copilot, again, tier), **options)
        else:
            options |= {"collection": collection, "document": document, "only": only}
            answer = run_turn(copilot, text, view, thread=thread, tier=tier, **options)
        while person and answer.outgoing is not None and decide_sending_on_terminal(copilot, answer.outgoing):
            answer = run_on(copilot, answer.turn_id, TurnView(waiting=False))
        if person:
            print_what_waits(out(), answer)
    if as_json:
        print_json(to_json(answer))
    elif form is not None:
        _show_value(answer)
    elif answer.status == "stopped":
        err().print("stopped; what was written is kept in the thread", style="yellow")
    raise typer.Exit(EXIT_CODES[answer.status])


def _other_tier(copilot: Copilot, turn: str, tier: str) -> str:
    """The tier that is to answer again; ``auto`` is the next larger one."""
    from tierwise_app.overrule import tier_above

    answered = copilot.record.get(turn).final
    return tier_above(copilot.tiers, answered) if tier == "auto" and answered is not None else tier


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


def read_schema(path: Path) -> dict[str, Any]:
    """A JSON Schema from a file.

    Raises:
        InvalidInput: if the file cannot be read, or holds no JSON object.
    """
    try:
        found = json.loads(path.expanduser().read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InvalidInput(f"The schema {path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The schema {path} is no JSON: {error}.", fix="Correct it.") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"The schema {path} is no JSON object.", fix='Write {"type": "object", ...}.')
    return found


def _show_value(answer: Answer) -> None:
    """The JSON alone on stdout, all else on stderr: what is printed can be read by a program."""
    if answer.status == "done":
        sys.stdout.write((clean(answer.text) if sys.stdout.isatty() else answer.text) + "\n")
        print_answer_end(err(), answer)
    elif answer.status == "needs_approval":
        print_what_waits(err(), answer)
    elif answer.error is not None:
        err().print(f"{answer.status}: {clean(answer.error)}", style="red")

"""A person's decision on what waits: which turn is meant, and asking for it on a terminal."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise.errors import InvalidInput, UnknownName, UsageError
from tierwise_app.console import err, out
from tierwise_app.outgoing_text import named_items, print_outgoing
from tierwise_app.waiting_calls import print_call

if TYPE_CHECKING:
    from tierwise import Copilot, Outgoing
    from tierwise.record import Record
    from tierwise.runtime import Decision
    from tierwise.turns import WaitingCall

_SENDING = "[y] send  [n] keep here  [numbers] take out"
_WORDS = "[y] once  [a] always  [e] edit  [n] no"


def has_person() -> bool:
    """Whether a person sits at the terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def turn_to_go_on(record: Record, word: str, call: str | None = None) -> str:
    """The turn that is meant by a thread's name, or by a turn's id: one that waits, or was left in the middle.

    Args:
        record: of the home folder.
        word: the name or id.
        call: beginning of the id of a call; of several turns of a thread that wait, the one with this call is meant.

    Raises:
        UnknownName: if none is meant.
    """
    waiting = [turn for turn in record.waiting_turns() if turn.thread == word]
    meant = [turn for turn in waiting if call is None or any(c.id.startswith(call) for c in turn.waiting)]
    if meant or waiting:
        return (meant or waiting)[-1].turn_id
    if (parked := record.parked_turn(word)) is not None:
        return parked
    try:
        return record.get(word).turn_id
    except UnknownName:
        raise UnknownName(
            f"No thread or turn {word!r} waits for anything.", fix="See what waits: tierwise threads waiting"
        ) from None


def decide_on_terminal(copilot: Copilot, turn_id: str) -> bool:
    """Ask about every call of a turn that waits, each decision stored as it is made.

    Returns:
        False if the person left: what is not decided on goes on waiting.
    """
    for call in copilot.record.waiting_calls(turn_id):
        print_call(out(), call)
        while True:
            try:
                decision = _ask(call)
                if decision is None:
                    continue
                copilot.decide(turn_id, call.id, **decision)
            except UsageError as error:
                err().print(str(error), style="yellow")
                continue
            except (KeyboardInterrupt, EOFError):
                return False
            break
    return True


def decide_sending_on_terminal(copilot: Copilot, outgoing: Outgoing) -> bool:
    """Show what would leave and ask about it; the decision is stored as it is made.

    Returns:
        False if the person left: it goes on waiting, and nothing leaves.
    """
    print_outgoing(out(), outgoing, commands=False)
    without: list[str] = []
    while True:
        try:
            answer = _typed(f"{_SENDING} > ").lower()
            if answer in ("y", "yes", "n", "no"):
                copilot.decide_sending(outgoing.turn_id, outgoing.id, allow=answer.startswith("y"), without=without)
                return True
            without = _taken_out(outgoing, without, answer)
        except UsageError as error:
            err().print(str(error), style="yellow")
        except (KeyboardInterrupt, EOFError):
            return False


def _taken_out(outgoing: Outgoing, without: list[str], answer: str) -> list[str]:
    """The items that are out after numbers were typed; a number that is typed again puts its item back."""
    named = named_items(outgoing, answer.replace(",", " ").split())
    if not named:
        err().print("Answer y, n or numbers of items; Ctrl-C leaves it waiting.", style="yellow")
        return without
    needed = [item.title for item in outgoing.items if item.id in named and not item.removable]
    if needed:
        raise InvalidInput(f"{needed[0]!r} cannot be taken out.", fix="Answer n to keep the whole request here.")
    found = [one for one in without if one not in named] + [one for one in named if one not in without]
    numbers = [str(n) for n, item in enumerate(outgoing.items, 1) if item.id in found]
    out().print(f"taken out: {', '.join(numbers)}" if numbers else "nothing is taken out")
    return found


def _ask(call: WaitingCall) -> Decision | None:
    """One answer; ``None`` if it was none."""
    answer = _typed(f"{_WORDS} > ").lower()
    if answer in ("y", "yes"):
        return {"allow": True}
    if answer in ("a", "always"):
        return {"allow": True, "always": True}
    if answer in ("e", "edit"):
        return {"allow": True, "arguments": _edited(call.arguments)}
    if answer in ("n", "no"):
        return {"allow": False, "reason": _typed("why not (for the model; may be empty) > ")}
    err().print("Answer y, a, e or n; Ctrl-C leaves it waiting.", style="yellow")
    return None


def _typed(prompt: str, text: str = "") -> str:
    """A line that a person types, beginning with ``text``.

    Raises:
        KeyboardInterrupt: on Ctrl-C.
        EOFError: on Ctrl-D.
    """
    from prompt_toolkit import prompt as ask

    return ask(prompt, default=text).strip()


def _edited(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments as the person changed them, in ``$VISUAL`` or ``$EDITOR``, else on a line."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if editor:
        return read_arguments(_in_editor(editor, json.dumps(arguments, indent=2, ensure_ascii=False)))
    return read_arguments(_typed("arguments > ", json.dumps(arguments, ensure_ascii=False)))


def _in_editor(editor: str, text: str) -> str:
    with tempfile.TemporaryDirectory(prefix="tierwise-") as folder:
        path = Path(folder) / "arguments.json"
        path.write_text(text + "\n", encoding="utf-8")
        try:
            subprocess.run([*shlex.split(editor), str(path)], check=True)
            return path.read_text(encoding="utf-8")
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise InvalidInput(
                f"The editor {editor!r} failed: {error}.", fix="Set EDITOR to one that works."
            ) from error


def read_arguments(text: str) -> dict[str, Any]:
    """Arguments from JSON.

    Raises:
        InvalidInput: if it is no JSON object.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The arguments are no JSON: {error}.", fix='Write {"name": value}.') from error
    if not isinstance(found, dict):
        raise InvalidInput("The arguments are no JSON object.", fix='Write {"name": value}.')
    return found

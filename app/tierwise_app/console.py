"""The two streams of the terminal: what was asked for on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tierwise.errors import TierwiseError, UsageError
from tierwise.redact import redact
from tierwise_app.text import clean

if TYPE_CHECKING:
    from rich.console import Console

_PIPE_WIDTH = 120


class Stopped(TierwiseError):
    """The person stopped the command."""

    code = "stopped"
    exit_code = 130


def out() -> Console:
    """Where results go."""
    return _console(stderr=False)


def err() -> Console:
    """Where progress, warnings and errors go."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    piped = not (sys.stderr if stderr else sys.stdout).isatty()
    # rich assumes 80 columns where there is no terminal; a file has no columns at all.
    width = _PIPE_WIDTH if piped and "COLUMNS" not in os.environ else None
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, width=width)


def print_json(value: Any) -> None:
    """Write the one JSON value that ``--json`` promises."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """One line on stderr that is not an error."""
    err().print(f"warning: {clean(redact(text))}", style="yellow")


def show_trace(error: BaseException) -> None:
    """Show where an error came from, without secrets."""
    lines = "".join(traceback.format_exception(error))
    err().print(redact(lines, personal=True), end="")


def report(error: TierwiseError, *, as_json: bool) -> int:
    """Show a failure; returns the exit code."""
    # What a person has written himself is repeated to him, but for secrets.
    said = redact(str(error), personal=not isinstance(error, UsageError))
    if isinstance(error, Stopped):
        err().print("stopped", style="yellow")
    else:
        err().print(f"error: {clean(said)}", style="red")
    if as_json:
        print_json({"error": {"code": error.code, "message": said}})
    return error.exit_code


def confirm(question: str) -> None:
    """Ask for a yes.

    Raises:
        UsageError: if there is nobody to ask.
        Stopped: if the answer is no.
    """
    import typer

    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on.", fix="Add --yes if you are sure.")
    if not typer.confirm(question, err=True):
        raise Stopped("Stopped.")


def forgiving_streams() -> None:
    """Let a terminal that cannot show a character show ``?`` instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # replaced by something that is not a text file
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def drop_output() -> None:
    """Send what is still buffered nowhere: the reader of our pipe has gone."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

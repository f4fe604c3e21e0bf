"""The tool ``python``."""

from __future__ import annotations

import signal
from typing import Any

from tierwise_tools.context import ToolContext
from tierwise_tools.definition import Tool
from tierwise_tools.errors import SourceError, ToolError
from tierwise_tools.function import tool
from tierwise_tools.result import KeptFile, ToolResult
from tierwise_tools.sandbox.keeping import SUFFIXES, keep
from tierwise_tools.sandbox.launch import Left, Way, run_in
from tierwise_tools.sandbox.limits import Limits
from tierwise_tools.sandbox.probe import level
from tierwise_tools.text import cut

_MOST_CODE = 100_000
_OVERHEAD_S = 15.0
_SHOWN = 600


def python_tool(limits: Limits | None = None, *, way: Way | None = None) -> Tool[..., Any]:
    """A tool that runs Python where it reaches no file, no network and no other process of this machine.

    The first call finds out how programs can be shut in here (see :func:`~tierwise_tools.sandbox.probe.level`); where
    none of the ways holds, every call is refused. Ask ``level()`` beforehand to know.

    Args:
        limits: what a call may use.
        way: use this way instead of the best one that holds.
    """
    bounds = limits or Limits()

    @tool(name="python", effects="execute", repeatable=True, seconds=bounds.seconds + _OVERHEAD_S)
    def python(context: ToolContext, code: str) -> ToolResult:
        """Run Python code and read what it prints.

        For calculations, tables and charts. The standard library is there, and numpy and matplotlib if installed. There
        is no network, no process and no file of the user. Every call starts afresh. Print the results; the value of the
        last line is printed too. Files named *.csv, *.json, *.png, *.svg or *.txt that it writes into the current
        folder are given to the user, and so are open matplotlib figures.

        Args:
            code: the whole program.
        """
        if len(code) > _MOST_CODE:
            raise ToolError(f"the code is longer than {_MOST_CODE:,} characters; make it shorter")
        try:
            chosen = way or level().way
        except SourceError as error:
            raise ToolError(str(error)) from error
        left = run_in(chosen, code, bounds, suffixes=SUFFIXES, cancelled=context.cancelled)
        if failure := _failure(left, bounds):
            printed = (left.out if left.why == "itself" else left.out + left.err).rstrip()
            raise ToolError(failure + (f"\nIt had printed:\n{cut(printed, _SHOWN)}" if printed else ""))
        return _result(left, context)

    return python


def _failure(left: Left, limits: Limits) -> str | None:
    """What to tell of a program that did not come to its end."""
    if left.why == "time" or left.code == -signal.SIGXCPU:
        return f"The program did not finish within {limits.seconds:g} seconds and was ended. Do less in one call."
    if left.why == "output":
        return f"The program printed more than {limits.output_kb} kB and was ended. Print only what is needed."
    if left.why == "space":
        return f"The program wrote more than {limits.space_mb} MB, or too many files, and was ended. Write less."
    if left.why == "cancelled":
        return "The call was stopped."
    if left.code < 0:
        return f"The program crashed ({_signal(-left.code)})."
    if left.code == 0:
        return None
    told = cut(left.err.rstrip(), _SHOWN * 2) or f"The program ended with exit code {left.code}."
    return f"{told}\n(it may use {limits.memory_mb} MB)" if "MemoryError" in told else told


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _result(left: Left, context: ToolContext) -> ToolResult:
    parts = [left.out.rstrip()] if left.out.strip() else []
    if left.err.strip():
        parts.append(f"(warnings)\n{left.err.rstrip()}")
    files, refused = left.files, left.not_kept
    kept: tuple[KeptFile, ...] = ()
    if files and context.folder is not None:
        kept, more = keep(files, context.folder)
        refused = (*refused, *more)
    elif files:
        refused = (*refused, *((name, "there is no place to keep it") for name, _ in files))
    parts += [f"(the user gets {file.title})" for file in kept]
    parts += [f"({name} is not kept: {reason})" for name, reason in refused]
    return ToolResult("\n".join(parts) or "The program ran and printed nothing; print what you want to see.", kept)

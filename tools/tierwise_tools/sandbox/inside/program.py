"""Run a text as a Python program: what its last line is worth is printed, and an error tells the line."""

from __future__ import annotations

import ast
import builtins
import contextlib
import linecache
import os
import sys
import traceback
from collections.abc import Iterable
from types import ModuleType
from typing import Any

NAME = "<code>"
_FRAMES = 8
_PICTURES = (".png", ".svg")


def run_program(code: str) -> int:
    """Run ``code`` as the module ``__main__``.

    Returns:
        The exit code: 0, 1 after an error, which then stands on standard error, or what the program itself asks for.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    module = ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    linecache.cache[NAME] = (len(code), None, code.splitlines(keepends=True), NAME)
    try:
        _run(code, module.__dict__)
        _save_figures()
    except SystemExit as end:
        return _exit_code(end)
    except BaseException as error:
        # The frames of the error hold what filled the memory.
        told = "MemoryError: more memory than there is" if isinstance(error, MemoryError) else _told(error)
        del error
        with contextlib.suppress(BaseException):
            sys.stderr.write(f"{told}\n")
        return 1
    return 0


def _run(code: str, names: dict[str, Any]) -> None:
    tree = ast.parse(code, NAME)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, NAME, "exec"), names)  # noqa: S102
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), NAME, "eval"), names)  # noqa: S307
        if value is not None:
            sys.stdout.write(f"{value!r}\n")


def _save_figures() -> None:
    """Write the figures that were drawn and neither saved nor closed."""
    drawn = sys.modules.get("matplotlib.pyplot")
    if drawn is None or any(entry.name.endswith(_PICTURES) for entry in os.scandir()):
        return
    for number in drawn.get_fignums():
        drawn.figure(number).savefig(f"figure-{number}.png", bbox_inches="tight")


def _exit_code(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    sys.stderr.write(f"{end.code}\n")
    return 1


def _told(error: BaseException) -> str:
    """The error with the lines of the program that led to it; what lies in libraries is left out."""
    try:
        report = traceback.TracebackException.from_exception(error)
        at: traceback.TracebackException | None = report
        while at is not None:
            at.stack = traceback.StackSummary.from_list(_shown(at.stack))
            at = at.__cause__ or at.__context__
        return "".join(report.format() if report.stack else report.format_exception_only()).rstrip()
    except BaseException:  # its own __str__, or no memory left
        return type(error).__name__


def _shown(frames: Iterable[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    own = [frame for frame in frames if frame.filename == NAME]
    return own[:1] + own[1:][-_FRAMES:]

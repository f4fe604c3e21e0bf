"""Running a tool by hand, within the limits that hold for a model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise.errors import Blocked
from tierwise.home import open_home
from tierwise_app.tool_shelf import ToolFailed
from tierwise_tools.errors import ToolError

if TYPE_CHECKING:
    from tierwise.config import Settings
    from tierwise_tools import Tool


def check_call(tool: Tool[..., Any], arguments: dict[str, Any], settings: Settings) -> None:
    """See that a tool may run, and that its arguments fit.

    Raises:
        Blocked: if the configuration, the lock or being offline refuses it.
        ToolFailed: if the arguments do not fit.
    """
    from tierwise.guards import refusal_of

    stays = settings.locked or settings.offline
    if refusal := refusal_of(tool, word=settings.tools.approval.get(tool.name), stays=stays):
        raise Blocked(f"Not run: {refusal}.", fix="See: tierwise tools show " + tool.name)
    try:
        tool.check(arguments)
    except ToolError as error:
        raise ToolFailed(str(error)) from error


@contextmanager
def call_folder(home: Path) -> Iterator[Path]:
    """Where a call may leave files; gone again if it left none."""
    folder = open_home(home) / "files" / f"call-{time.time_ns():x}"
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        for place in (folder, folder.parent):
            with suppress(OSError):  # it holds something
                place.rmdir()

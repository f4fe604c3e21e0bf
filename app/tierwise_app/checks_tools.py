"""What ``tierwise doctor`` says of tools: which are on, what was set aside, how Python is shut in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tierwise_app.checks import Check
from tierwise_app.text import clean, plural
from tierwise_app.tool_shelf import open_tools
from tierwise_tools.errors import SourceError

if TYPE_CHECKING:
    from tierwise.config import Settings


def check_tools(settings: Settings) -> Iterator[Check]:
    """One line on the tools that are on, one for each that was set aside, one on the sandbox if Python may be run."""
    with open_tools(settings) as tools:
        yield Check("tools", "ok", f"{plural(len(tools), 'tool')} on")
        for problem in tools.problems:
            fix = "See all: tierwise tools list"
            yield Check(f"tool {clean(problem.name)}", "warn", clean(problem.text), fix)
    if "python" in settings.tools.enabled:
        yield _sandbox()


def _sandbox() -> Check:
    from tierwise_tools.sandbox.probe import level

    try:
        return Check("sandbox", "ok", f"python is shut in by {str(level()).rstrip('.')}")
    except SourceError as error:
        return Check("sandbox", "fail", f"{clean(error.what)} Every call of python is refused.", error.fix)

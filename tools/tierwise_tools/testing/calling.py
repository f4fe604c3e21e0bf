"""Calls a tool as a copilot does and says what is wrong with what comes of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any, Literal

from tierwise_tools.context import ToolContext
from tierwise_tools.definition import Bounds, Tool
from tierwise_tools.effects import ask_by_effect
from tierwise_tools.errors import ToolError
from tierwise_tools.mcp.hidden import hides_something
from tierwise_tools.result import ToolResult
from tierwise_tools.testing.report import Finding
from tierwise_tools.testing.watching import TICK, Pulse, Watch
from tierwise_tools.text import whole_characters

GRACE = 1.0
"""Seconds that a call has to come to its end once nobody waits for it."""
_HELD_UP = 0.5  # a busy machine alone does not hold up a loop for so long
_WORTH_CANCELLING = 0.1


class Calls:
    """Calls of one tool.

    Args:
        tool: to call.
        context: for its calls.
        seconds: the longest that one may take.
        pulse: beats in the loop the calls are made in.
    """

    def __init__(self, tool: Tool[..., Any], *, context: ToolContext, seconds: float, pulse: Pulse) -> None:
        self.tool = tool.but(bounds=Bounds(min(seconds, tool.bounds.seconds), tool.bounds.characters))
        self.context = context
        self.pulse = pulse
        self.findings: list[Finding] = []
        self.made = 0

    async def call(self, arguments: dict[str, Any], *, made_up: bool = False) -> None:
        """Make a call, and a second one that is cancelled if calls take long and change nothing.

        Args:
            arguments: by name.
            made_up: nobody wrote them down, so the tool may well refuse them.
        """
        shown = json.dumps(arguments, default=str, ensure_ascii=False)
        shown = f"With {shown if len(shown) <= 80 else shown[:79] + '…'}"
        watch, limit = Watch(), self.tool.bounds.seconds
        began = time.monotonic()
        self.pulse.reset()
        task = asyncio.create_task(watch.over(self.tool).run(arguments, self.context))
        await asyncio.wait({task}, timeout=limit + GRACE)
        took = time.monotonic() - began
        await asyncio.sleep(2 * TICK)  # a loop that was held up has to beat once more
        self.made += watch.begun.is_set()
        if self.pulse.longest > _HELD_UP:
            text = f"{shown} it holds up the event loop for {self.pulse.longest:.1f} seconds, and so everybody else."
            self._find("error", "holds-up", text, "Write it with def instead of async def, or await what takes long.")
        if not task.done():
            task.cancel()
            self._goes_on(shown, "its time was over")
            return
        if error := task.exception():
            if isinstance(error.__cause__, TimeoutError) and took >= limit:
                text = f"{shown} it does not finish within {limit:g} seconds."
                self._find("error", "too-slow", text, "Make it faster, or give it a smaller example or more seconds.")
                if watch.begun.is_set() and not await watch.has_ended(GRACE):
                    self._works_on(shown, "its time was over")
            elif not made_up or not isinstance(error.__cause__, ToolError):
                code = "example-failed" if watch.begun.is_set() else "example-refused"
                text = f"{shown} there is no result: {str(error)[:300]}."
                self._find("error", code, text, "Make it answer, or refuse with a ToolError and give other examples.")
            return
        for told in _about(task.result(), watch.gave, self.tool.bounds.characters, self.context):
            self._find(told[0], told[1], f"{shown} {told[2]}", told[3])
        if took >= _WORTH_CANCELLING and (self.tool.repeatable or not ask_by_effect(self.tool.effects, tainted=False)):
            await self._cancel(arguments, shown)

    async def _cancel(self, arguments: dict[str, Any], shown: str) -> None:
        watch = Watch()
        task = asyncio.create_task(watch.over(self.tool).run(arguments, self.context))
        while not (watch.begun.is_set() or task.done()):  # what has not begun cannot show how it ends
            await asyncio.wait({task}, timeout=TICK)
        await asyncio.wait({task}, timeout=_WORTH_CANCELLING / 2)
        self.made += watch.begun.is_set()
        task.cancel()
        await asyncio.wait({task}, timeout=GRACE)
        if not task.done():
            self._goes_on(shown, "it was cancelled")
            return
        if not task.cancelled():
            task.exception()  # it ended of itself just before; asyncio wants the outcome to be seen
        if watch.begun.is_set() and not await watch.has_ended(GRACE):
            self._works_on(shown, "it was cancelled")

    def _goes_on(self, shown: str, when: str) -> None:
        text = f"{shown} it does not end after {when}: it keeps its caller waiting."
        self._find("error", "does-not-stop", text, "Let asyncio.CancelledError pass.")

    def _works_on(self, shown: str, when: str) -> None:
        text = f"{shown} its thread goes on {GRACE:g} seconds after {when}."
        self._find("warning", "works-on", text, "Take a ToolContext and end when context.cancelled() is true.")

    def _find(self, severity: Literal["error", "warning"], code: str, text: str, fix: str) -> None:
        self.findings.append(Finding(self.tool.name, severity, code, text, fix))


def _about(
    result: ToolResult, gave: Any, characters: int, context: ToolContext
) -> Iterator[tuple[Literal["error", "warning"], str, str, str]]:
    """What is wrong with a result, as severity, code, text and fix."""
    raw = gave.text if isinstance(gave, ToolResult) else gave
    if not result.text.strip():
        yield "warning", "result-empty", "the result is empty.", "Say in words that nothing was found or done."
    if len(result.text) > characters:
        text = f"the result is longer than the {characters:,} characters a model reads, so it is cut."
        yield "warning", "result-cut", text, "Return less, or raise the tool's characters."
    if isinstance(raw, str) and raw != whole_characters(raw):
        text = "the result has halves of characters, which no file or message can hold."
        yield "warning", "result-characters", text, "Decode text with errors='replace'."
    elif hides_something(result.text):
        text = "the result has characters that a person cannot see."
        yield "warning", "result-characters", text, "Take control and invisible characters out."
    for kept in result.files:
        folder = context.folder
        if folder is None or not kept.path.resolve().is_relative_to(folder.resolve()) or not kept.path.is_file():
            text = f"it gives a file that is not in the call's folder: {kept.path.name}."
            yield "error", "result-file", text, "Write files into context.folder."

"""The whole check of a tool or a toolset."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tierwise_tools.context import ToolContext
from tierwise_tools.definition import Tool
from tierwise_tools.effects import only_reads
from tierwise_tools.testing.arguments import check_refusals, fitting_arguments
from tierwise_tools.testing.calling import GRACE, Calls
from tierwise_tools.testing.definition import check_definition, unusable_schema
from tierwise_tools.testing.report import Finding, Report
from tierwise_tools.testing.watching import Pulse
from tierwise_tools.toolset import Toolset

SECONDS = 10.0
Examples = Sequence[dict[str, Any]]


def check_tool(
    tool: Tool[..., Any],
    *,
    examples: Examples = (),
    seconds: float = SECONDS,
    call: bool = False,
    context: ToolContext | None = None,
) -> Report:
    """Check that a tool keeps what a copilot expects of it.

    Its words and schema are looked at and arguments that do not fit are tried, all without a call. Then each example is
    called; one that takes long and changes nothing is called once more and cancelled. Calls are made in an event loop
    of their own, so this works anywhere, and ends even if the tool does not.

    Args:
        tool: to check.
        examples: arguments to call it with. It is truly called, whatever it does.
        seconds: the longest that one call may take; the tool's own bound if that is shorter.
        call: without examples, call a tool that only reads with arguments made up from its schema.
        context: for the calls; by default one with an empty folder and no knowledge.
    """
    check = _Check(tool, examples, seconds, call, context)
    check.run_apart()
    return check.report()


async def check_tool_here(
    tool: Tool[..., Any],
    *,
    examples: Examples = (),
    seconds: float = SECONDS,
    call: bool = False,
    context: ToolContext | None = None,
) -> Report:
    """:func:`check_tool` in the running event loop, for tools that belong to it, such as those of an MCP server."""
    check = _Check(tool, examples, seconds, call, context)
    await check.run()
    return check.report()


def check_toolset(
    toolset: Toolset,
    *,
    examples: Mapping[str, Examples] | None = None,
    seconds: float = SECONDS,
    call: bool = False,
    context: ToolContext | None = None,
) -> Report:
    """:func:`check_tool` of every tool, one after the other; what the toolset had to set aside is an error.

    Args:
        toolset: to check.
        examples: by the tool's name.
        seconds: see :func:`check_tool`.
        call: see :func:`check_tool`.
        context: see :func:`check_tool`.
    """
    examples = examples or {}
    report = _about(toolset, examples)
    for tool in toolset:
        given = examples.get(tool.name, ())
        report += check_tool(tool, examples=given, seconds=seconds, call=call, context=context)
    return report


async def check_toolset_here(
    toolset: Toolset,
    *,
    examples: Mapping[str, Examples] | None = None,
    seconds: float = SECONDS,
    call: bool = False,
    context: ToolContext | None = None,
) -> Report:
    """:func:`check_toolset` in the running event loop; see :func:`check_tool_here`."""
    examples = examples or {}
    report = _about(toolset, examples)
    for tool in toolset:
        given = examples.get(tool.name, ())
        report += await check_tool_here(tool, examples=given, seconds=seconds, call=call, context=context)
    return report


def _about(toolset: Toolset, examples: Mapping[str, Examples]) -> Report:
    names = {tool.name for tool in toolset}
    return Report(
        findings=(
            *(
                Finding(problem.name, "error", "set-aside", problem.text, "Mend it or take it out.")
                for problem in toolset.problems
            ),
            *(
                Finding(name, "error", "no-such-tool", "There are examples and no tool.", "Correct the name.")
                for name in examples
                if name not in names
            ),
        )
    )


class _Check:
    """One tool being checked; what is found up to a moment can be told at that moment."""

    def __init__(
        self, tool: Tool[..., Any], examples: Examples, seconds: float, call: bool, context: ToolContext | None
    ) -> None:
        self.tool = tool
        self.examples = examples
        self.seconds = seconds
        self.call = call
        self.context = context
        self.pulse = Pulse()
        self.findings: list[Finding] = []
        self.calls: Calls | None = None

    def report(self) -> Report:
        """What there is to tell so far."""
        calls = self.calls
        findings = (*self.findings, *(calls.findings if calls else ()))
        return Report((self.tool.name,), findings, calls.made if calls else 0)

    async def run(self) -> None:
        """All of it."""
        self.findings += check_definition(self.tool)
        if unusable_schema(self.tool.parameters):
            return  # nothing can be said of arguments, and no server would take the tool
        fitting = None if self.examples else fitting_arguments(self.tool)
        self.findings += check_refusals(self.tool, self.examples[0] if self.examples else fitting or {})
        made_up = not self.examples and self.call and only_reads(self.tool.effects)
        arguments = [fitting] if made_up and fitting is not None else self.examples
        if made_up and fitting is None:
            text = "No arguments could be made up, so it was not called."
            self.findings.append(Finding(self.tool.name, "warning", "not-called", text, "Give examples."))
        beating = asyncio.create_task(self.pulse.beat())
        try:
            with tempfile.TemporaryDirectory(prefix="tierwise-", ignore_cleanup_errors=True) as folder:
                context = self.context or ToolContext(folder=Path(folder))
                self.pulse.reset()  # what took long until here was no call
                self.calls = Calls(self.tool, context=context, seconds=self.seconds, pulse=self.pulse)
                for given in arguments:
                    await self.calls.call(given, made_up=made_up)
        finally:
            beating.cancel()

    def run_apart(self) -> None:
        """All of it in an event loop and thread of their own, given up if the tool stops that loop."""
        over = threading.Event()
        broken: list[BaseException] = []

        async def watched() -> None:
            try:
                await self.run()
            except BaseException as error:
                broken.append(error)
            finally:
                over.set()

        thread = threading.Thread(target=lambda: asyncio.run(watched()), name="check", daemon=True)
        thread.start()
        while not over.wait(0.05):
            longest = self.seconds if self.calls else max(self.seconds, SECONDS)
            if self.pulse.pause() > longest + GRACE:
                text = f"A call stops the event loop for more than {self.seconds:g} seconds, and so everybody else."
                fix = "Write it with def instead of async def, or await what takes long."
                self.findings.append(Finding(self.tool.name, "error", "holds-up", text, fix))
                return
        thread.join(GRACE)  # what is left to do is to end calls that were given up
        if broken:
            raise broken[0]

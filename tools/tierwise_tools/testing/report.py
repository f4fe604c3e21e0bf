"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


class CheckFailed(AssertionError):
    """A tool has errors; the message is the whole report."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a tool.

    Attributes:
        tool: its name.
        severity: ``error`` if a copilot cannot rely on the tool, ``warning`` if it works and could be better.
        code: of the rule, for programs.
        text: what was seen.
        fix: the one thing to do.
    """

    tool: str
    severity: Literal["error", "warning"]
    code: str
    text: str
    fix: str

    def __str__(self) -> str:
        return f"{self.severity} ({self.code}): {self.text} {self.fix}"


@dataclass(frozen=True, slots=True)
class Report:
    """The findings about some tools; ``str(report)`` is for people.

    Attributes:
        tools: names of what was checked.
        findings: in the order they were made.
        calls: how many calls were made.
    """

    tools: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    calls: int = 0

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings may be there."""
        return all(finding.severity != "error" for finding in self.findings)

    def raise_for_errors(self) -> None:
        """Do nothing if all is well.

        Raises:
            CheckFailed: if there is an error.
        """
        if not self.ok:
            raise CheckFailed(str(self))

    def __add__(self, other: Report) -> Report:
        return Report(self.tools + other.tools, self.findings + other.findings, self.calls + other.calls)

    def __str__(self) -> str:
        lines = []
        for name in dict.fromkeys([*self.tools, *(finding.tool for finding in self.findings)]):
            about = [finding for finding in self.findings if finding.tool == name]
            lines += [f"{name}: {'ok' if not about else ''}".rstrip(), *(f"  {finding}" for finding in about)]
        calls = "1 call was" if self.calls == 1 else f"{self.calls} calls were"
        return "\n".join([*lines, f"{calls} made."])

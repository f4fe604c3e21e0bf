"""Checks that a tool keeps what a copilot expects of it: for the tests of whoever writes tools, and for the terminal.

::

    def test_it_is_a_good_tool() -> None:
        check_tool(weather, examples=[{"city": "Oslo"}]).raise_for_errors()
"""

from tierwise_tools.testing.checking import check_tool, check_tool_here, check_toolset, check_toolset_here
from tierwise_tools.testing.report import CheckFailed, Finding, Report

__all__ = [
    "CheckFailed",
    "Finding",
    "Report",
    "check_tool",
    "check_tool_here",
    "check_toolset",
    "check_toolset_here",
]

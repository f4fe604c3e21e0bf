"""The tool kit: a typed, documented function is a tool."""

from tierwise_tools.calculator import calculator
from tierwise_tools.context import ToolContext
from tierwise_tools.search_knowledge import search_knowledge
from tierwise_tools.tool import AuthoringError, Tool, ToolError, tool

__all__ = ["AuthoringError", "Tool", "ToolContext", "ToolError", "calculator", "search_knowledge", "tool"]

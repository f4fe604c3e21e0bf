"""A Google-style docstring as a tool needs it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

_ARG = re.compile(r"(\*{0,2}\w+)\s*(?:\([^)]*\))?:\s*(.*)")
_SECTION = re.compile(r"\n(?:Returns|Raises|Yields|Example|Examples|Note|Notes):")


def read_docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The first paragraphs as one line, and the description of each argument."""
    text = inspect.getdoc(function) or ""
    head, _, rest = text.partition("\nArgs:\n")
    described: dict[str, str] = {}
    current = None
    for line in rest.splitlines():
        if line and not line.startswith(" "):
            break
        if line.startswith("    ") and not line.startswith("     ") and (match := _ARG.match(line.strip())):
            current = match[1].lstrip("*")
            described[current] = match[2]
        elif current and line.strip():
            described[current] += " " + line.strip()
    return " ".join(_SECTION.split(head)[0].split()), described

"""What a model calls a server's tools: no two alike, whatever the servers call them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

from tierwise_tools.mcp.settings import BETWEEN
from tierwise_tools.names import distinct_names, prefixed_name, safe_name

_PLAIN = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]*")


def tool_names(server: str, tools: Iterable[str]) -> dict[str, str]:
    """``{tool: SERVER__TOOL}``, different for different tools.

    A name that has to be changed to be one ends in a hash of what it was, so that it stays the same when a look-alike
    comes before it, and a look-alike never gets the name of the tool that it resembles.
    """

    def make(tool: str) -> str:
        name = tool
        if not _PLAIN.fullmatch(tool):
            mark = sha256(tool.encode("utf-8", "surrogatepass")).hexdigest()[:8]
            name = f"{safe_name(tool)[:48].strip('_-') or 'tool'}_{mark}"
        return prefixed_name(f"{server}{BETWEEN}", name)

    # who has the plain name comes first
    return distinct_names(sorted(set(tools), key=lambda tool: (_PLAIN.fullmatch(tool) is None, tool)), make)

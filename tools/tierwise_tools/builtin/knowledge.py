"""Lets a model look further into the user's documents than the passages it was given."""

from __future__ import annotations

import json

from tierwise_tools.context import ToolContext
from tierwise_tools.errors import ToolError
from tierwise_tools.function import tool


@tool(effects="read")
def search_knowledge(context: ToolContext, query: str, k: int = 3) -> str:
    """Search the user's documents for passages about something.

    Args:
        query: what to look for, in words.
        k: how many passages, from 1 to 10.
    """
    if not query.strip():
        raise ToolError("the query is empty")
    try:
        found = context.search(query, max(1, min(k, 10)))
    except LookupError as error:
        raise ToolError(str(error)) from error
    if not found:
        return "nothing was found"
    passages = [{"source": p.source, "page": p.page, "text": p.text} for p in found]
    return json.dumps(passages, ensure_ascii=False)

"""A thread to take along: Markdown, or its decision records as JSON."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from tierwise import DecisionRecord
from tierwise_app import exporting
from tierwise_app.text import one_line
from tierwise_app.web.words import raw

_LONGEST = 60
_APART = re.compile(r"[^\w]+")


def thread_markdown(turns: Sequence[DecisionRecord], title: str | None = None) -> str:
    """A thread as a Markdown document, its first question for a title if none is given."""
    first = one_line(turns[0].asked, 80) if turns else ""
    return exporting.thread_markdown(title or first or raw("answer.export.untitled"), turns)


def thread_json(turns: Sequence[DecisionRecord]) -> str:
    """A thread's decision records as JSON."""
    return exporting.thread_json(turns)


def file_name(title: str, ending: str) -> str:
    """A file's name made of a thread's title: words and figures only, so that it suits every system.

    Args:
        title: any text.
        ending: without its dot.
    """
    name = _APART.sub("-", unicodedata.normalize("NFC", title)).strip("-_").lower()
    return f"{name[:_LONGEST].rstrip('-_') or raw('answer.export.file')}.{ending}"

"""Marks on a foreign text, in Markdown that shows nothing but the text and the marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tierwise_app.web.words import plain

_LINE = re.compile(r"\r\n|\r|\n")


def marked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """A text with some of it marked, line by line; whatever Markdown it looks like is shown as it is.

    Args:
        text: from anywhere.
        spans: of characters to mark, in order, apart from each other.
    """
    spans = list(spans)
    lines, at = [], 0
    for match in [*_LINE.finditer(text), None]:
        end = len(text) if match is None else match.start()
        line = _marked_line(text, at, end, spans).strip()
        lines.append(line)
        at = end if match is None else match.end()
    # Empty lines are kept as one between paragraphs; ends of lines are kept as they are.
    return re.sub(r"(?:  \n){2,}", "\n\n", "  \n".join(lines)).strip()


def _marked_line(text: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> str:
    parts, at = [], start
    for first, last in spans:
        first, last = max(first, start), min(last, end)
        if first >= last:
            continue
        parts.append(_shown(text[at:first]))
        word = plain(text[first:last])
        parts.append(f":orange-background[**{word}**]" if word else _shown(text[first:last]))
        at = last
    parts.append(_shown(text[at:end]))
    return "".join(parts)


def _shown(text: str) -> str:
    """As :func:`plain`, with the space that stands at its ends."""
    inner = plain(text)
    if not inner:
        return " " if text else ""
    return f"{' ' if text[0].isspace() else ''}{inner}{' ' if text[-1].isspace() else ''}"

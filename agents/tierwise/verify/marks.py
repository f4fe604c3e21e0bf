"""Citation marks in an answer's text: the model's own are taken out, ours are put in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tierwise.types import Citation

_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`", re.DOTALL)
_NUMBERS = r"\d{1,2}(?:\s*(?:[,;&]|and|-|\u2013)\s*\d{1,2})*"
_MARK = re.compile(
    r"[ \t]*(?:"
    rf"\[(?:(?:passages?|sources?|documents?|refs?\.?)\s*)?#?(?P<plain>{_NUMBERS})\](?!\()"
    r"|\u3010(?P<lens>\d{1,2})[^\u3011\n]*\u3011"
    rf"|\[\^(?P<foot>\d{{1,2}})\](?!:)"
    rf"|\((?:passages?|sources?|documents?)\s*\[?(?P<round>{_NUMBERS})\]?\)"
    r")",
    re.IGNORECASE,
)
# "x = [1]", "f([1])" and "grid_a[1]" or "items[1].name" are code though nothing marks them as such.
_CODE_BEFORE = re.compile(r"[=(,:]\s*\Z|\w*[\d_]\w*\Z")
_CODE_AFTER = re.compile(r"\s*=|\.[A-Za-z_]|\(")


class Mark(NamedTuple):
    """Passage numbers that the model wrote at a place of the cleaned text."""

    position: int
    numbers: tuple[int, ...]


def read_marks(text: str) -> tuple[str, tuple[Mark, ...]]:
    """Take the model's own citation marks out of a text.

    Marks are ``[1]``, ``[2, 3]``, ``[Source 1]``, ``(source 1)``, ``[^1]`` and numbers in lenticular brackets. Those in
    code, links such as ``[1](url)`` and indexing such as ``items[1]`` stay as they are.

    Returns:
        The text without them, and what they said, placed in that text.
    """
    pieces: list[str] = []
    marks: list[Mark] = []
    length = 0
    for start, end in _prose(text):
        at = start
        for match in _MARK.finditer(text, start, end):
            if match["plain"] and _is_code(text, match):
                continue
            pieces.append(text[at : match.start()])
            length += match.start() - at
            numbers = next(group for group in match.groups() if group is not None)
            marks.append(Mark(length, _numbers(numbers)))
            at = match.end()
        # Code after this stretch of prose stays with it, so that the pieces join to the whole text.
        stop = _next_start(text, end)
        pieces.append(text[at:stop])
        length += stop - at
    return "".join(pieces), tuple(marks)


def strip_marks(text: str) -> str:
    """The text without the model's own citation marks; see :func:`read_marks`."""
    return read_marks(text)[0]


def mark_citations(text: str, citations: Iterable[Citation]) -> str:
    """Put ``[n]`` after each cited sentence, for display.

    Args:
        text: the answer that ``sentence_end`` of the citations refers to.
        citations: those of the answer, in any order.
    """
    at: dict[int, list[int]] = {}
    for citation in citations:
        numbers = at.setdefault(citation.sentence_end, [])
        if citation.n not in numbers:
            numbers.append(citation.n)
    for end in sorted(at, reverse=True):
        text = text[:end] + "".join(f" [{n}]" for n in sorted(at[end])) + text[end:]
    return text


def _is_code(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 40) : match.end() - len(match[0].lstrip())]
    return bool(_CODE_BEFORE.search(before) or _CODE_AFTER.match(text, match.end()))


def _prose(text: str) -> list[tuple[int, int]]:
    """Stretches outside code; the first starts at 0, so that nothing is lost."""
    stretches = []
    at = 0
    for code in _CODE.finditer(text):
        stretches.append((at, code.start()))
        at = code.end()
    stretches.append((at, len(text)))
    return stretches


def _next_start(text: str, end: int) -> int:
    code = _CODE.match(text, end) if end < len(text) else None
    return code.end() if code else end


def _numbers(found: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for piece in re.split(r"[,;&]|and", found):
        first, *rest = [int(n) for n in re.findall(r"\d+", piece)] or [0]
        numbers.extend(range(first, rest[0] + 1) if rest else [first])
    return tuple(n for n in numbers if n)

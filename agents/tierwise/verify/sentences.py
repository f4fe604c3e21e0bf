"""Text to sentences with exact places: ``text[start:end]`` is the sentence, verbatim, without outer blanks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_FENCE = re.compile(r"^[ \t]*(```|~~~)", re.MULTILINE)
# What stands before the words of a line: list markers, headings, quotes, table bars.
_MARKER = re.compile(r"[ \t]*(?:(?:[-*+\u2022\u2013>|]|#{1,6}|\(?\d{1,3}[.)]|\(?[a-z][.)])[ \t]+)+")
# A line at least this long may have been wrapped in the middle of a sentence (PDF, mail, Markdown).
_WRAPPED = 40

_CLOSERS = r"[\"'\u201d\u2019\u00bb)\]*_]*"
_MARKS = r"(?:[ \t]?(?:\[\d{1,3}(?:\s*[,;]\s*\d{1,3})*\]|\u3010[^\u3011\n]*\u3011))*"
_END = re.compile(
    rf"(?P<stop>[.!?\u2026]+){_CLOSERS}{_MARKS}(?=\s|$)|[\u3002\uff01\uff1f\uff61]+[\u300d\u300f\u201d\u2019\uff09)]*{_MARKS}"
)
_LAST_WORD = re.compile(r"[^\W\d_](?:[^\W_]|\.(?=[^\W\d_]))*$|\d+$")
_ABBREVIATION_WORDS = """
    adj al approx apr apt art assn aug ave bldg blvd capt cf ch cir co col corp dec dept dr ed eds eq esp est
    etc ext feb fig figs fri gen gov hon hr hrs inc incl jan jr jul jun lt ltd mar max min mon mr mrs ms mt mtg
    no nos nov nr oct op p par para pp prof pt ref rev sat sec sen sep sept sgt sr st sun tel temp thu thur
    thurs tue tues univ vol vols vs wed yr yrs ca bzw z.b d.h e.g i.e a.m p.m u.s u.k u.n
"""
ABBREVIATIONS = frozenset(_ABBREVIATION_WORDS.split())
# After these a sentence may well end; only what follows can tell.
_MAYBE_FINAL_WORDS = "etc inc ltd co corp jr sr a.m p.m u.s u.k u.n hr hrs min max st ave yr yrs al no sat sun mon"
_MAYBE_FINAL = frozenset(_MAYBE_FINAL_WORDS.split())


class Sentence(NamedTuple):
    """A place in a text. ``code`` marks a fenced block, one piece; ``heading`` a line that began with ``#``."""

    start: int
    end: int
    code: bool = False
    heading: bool = False


def split_sentences(text: str) -> list[Sentence]:
    """Split a text into sentences.

    A fenced code block is one piece. List items, headings and table rows are separate, without their markers. A line
    break inside a paragraph ends a sentence unless the line looks wrapped. Abbreviations, initials, decimals and
    list numbers do not end one; marks such as ``[1]`` after the full stop belong to the sentence before them.

    Returns:
        Sentences in order, not overlapping, none empty; every letter and digit outside markers is in one of them.
    """
    found: list[Sentence] = []
    for start, end, code in _blocks(text):
        if code:
            found.extend(_trimmed(text, start, end, code=True))
        else:
            for line_start, line_end, heading in _paragraphs(text, start, end):
                found.extend(_sentences(text, line_start, line_end, heading))
    return found


def _blocks(text: str) -> Iterator[tuple[int, int, bool]]:
    """Stretches of prose and of fenced code, in order; an open fence runs to the end."""
    at = 0
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            yield at, fence.start(), False
            opened = fence
        elif fence[1] == opened[1]:
            line_end = text.find("\n", fence.end())
            at = len(text) if line_end < 0 else line_end
            yield opened.start(), at, True
            opened = None
    yield (at, len(text), False) if opened is None else (opened.start(), len(text), True)


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Stretches that hold whole sentences, wrapped lines joined, without markers; and whether they are headings."""
    begin: int | None = None
    last = start
    heading = False
    line_start = start
    while line_start < end:
        newline = text.find("\n", line_start, end)
        line_end = end if newline < 0 else newline
        marker = _MARKER.match(text, line_start, line_end)
        blank = not text[line_start:line_end].strip()
        joined = not (blank or marker or heading) and _continues(text, begin or 0, last, line_start, line_end)
        if begin is not None and not joined:
            yield begin, last, heading
            begin = None
        if not blank:
            if begin is None:
                begin = marker.end() if marker else line_start
                heading = marker is not None and "#" in marker[0]
            last = line_end
        line_start = line_end + 1
    if begin is not None:
        yield begin, last, heading


def _continues(text: str, begin: int, last: int, line_start: int, line_end: int) -> bool:
    before = text[max(begin, text.rfind("\n", begin, last) + 1) : last].rstrip()
    after = text[line_start:line_end].lstrip()
    if before.endswith((".", "!", "?", ":", ";", "\u3002", "\uff01", "\uff1f", "|")):
        return False
    return len(before) >= _WRAPPED or before.endswith((",", "-")) or after[:1].islower()


def _sentences(text: str, start: int, end: int, heading: bool) -> Iterator[Sentence]:
    begin = start
    for match in _END.finditer(text, start, end):
        if match["stop"] == "." and not _ends(text, begin, match.start(), match.end(), end):
            continue
        yield from _trimmed(text, begin, match.end(), heading=heading)
        begin = match.end()
    yield from _trimmed(text, begin, end, heading=heading)


def _ends(text: str, begin: int, stop: int, after: int, end: int) -> bool:
    """Whether the single full stop at ``stop`` ends a sentence."""
    following = text[after:end].lstrip()[:1]
    if not following:
        return True
    if following.islower():
        return False
    word = _LAST_WORD.search(text[begin:stop])
    if word is None:
        return True
    last = word[0]
    if last.isdigit():
        # "1. Fill the tank": a number that is all there is so far counts a step.
        return bool(text[begin : begin + word.start()].strip())
    lowered = last.lower()
    if lowered in _MAYBE_FINAL:
        return not following.isdigit()
    if lowered in ABBREVIATIONS:
        return False
    return not (len(last) == 1 and last.isupper() and last != "I")


def _trimmed(text: str, start: int, end: int, *, code: bool = False, heading: bool = False) -> Iterator[Sentence]:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        start += len(piece) - len(piece.lstrip())
        yield Sentence(start, start + len(stripped), code, heading)

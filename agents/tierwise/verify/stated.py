r"""Where a draft says what its answer is: ``Answer: 60``, ``#### 60``, ``\boxed{60}``, ``{"answer": "60"}``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from tierwise.verify.values import literal_end


class Place(NamedTuple):
    """A stretch of the draft that holds the stated answer, perhaps with more behind it.

    ``exact`` says that the whole stretch is the answer (a value of JSON, the inside of a box). ``read`` is what it
    means where JSON's escapes are in it, else empty.
    """

    start: int
    end: int
    exact: bool
    read: str = ""


# A comma that was forgotten before the key is forgiven at the beginning of a line.
_JSON = re.compile(r"(?:[{,]\s*|^[ \t]*)[\"'](?:final[ _]?)?answer[\"']\s*:\s*", re.IGNORECASE | re.MULTILINE)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"(?=\s*(?:[,}`]|$))', re.DOTALL)
_TO_LINE_END = re.compile(r"\"(.*?)\"?,?[ \t]*(?:\}|$)", re.MULTILINE)
_BARE_VALUE = re.compile(r"[^,}\n]+")
_BOX = re.compile(r"\\(?:boxed|fbox)\s?\{")
_HASHES = re.compile(r"^[ \t]*####[ \t]+(?![^\n]*:[ \t]*$)", re.MULTILINE)
_LABEL = re.compile(
    r"\b(?:answer|(?:correct|closest|best|right)\s+(?:option|choice|one|letter)|final\s+result)\b"
    r"(?:\s+(?:choice|option|value)\b|\s+(?:to|for|of)\s[^.\n:?]{1,80}?)?"
    r"[\s*_]{0,4}(?:[:=]|\bis\b(?!\s+not\b)|\bwould\s+be\b|\bshould\s+be\b|\bmust\s+be\b)"
    r"(?:[\s*_]{0,4}(?::|\b(?:therefore|thus|hence|simply|that)\b,?))?",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|\*\*)(?:final )?answer\W*$", re.IGNORECASE | re.MULTILINE)
_AGAIN = re.compile(
    r"^[ \t]*(?:#{1,4}[ \t]*|\*\*)?(?:questions?|instructions?|problem|exercise|example|q|user|human|input)\b"
    r"[^\n]{0,30}?(?:[:.]|$)",
    re.IGNORECASE | re.MULTILINE,
)
_BLANK = re.compile(r"\W*(?:your answer|answer|x{1,3}|number|letter)?\W*", re.IGNORECASE)
_EMPTY_VALUE = re.compile(r"\{\s*\}|\[\s*\]|\(\s*\)|''|\"\"")
_CANDIDATES = 6


def stated_answers(text: str) -> Iterator[Place]:
    """The places where the draft says what its answer is, the surest first.

    A JSON value comes before boxes and ``####``, and these before words. Of a kind, the last one before the draft
    begins to ask itself the next question counts; of JSON the first, since what follows the object is no part of it.
    """
    yield from _json(text)
    marked = [_box(text, match) for match in _BOX.finditer(text)]
    marked += [_line(text, match.end()) for match in _HASHES.finditer(text)]
    yield from _last_first(text, marked)
    said = [_line(text, match.end()) for match in _LABEL.finditer(text)]
    said += [_line(text, match.end()) for match in _HEADING.finditer(text)]
    yield from _last_first(text, said)


def _json(text: str) -> Iterator[Place]:
    for match in _JSON.finditer(text):
        start = match.end()
        string = _STRING.match(text, start)
        if string is None and text.startswith('"', start):  # quotes inside that are not escaped, or cut short
            line = _TO_LINE_END.match(text, start)
            place = Place(line.start(1), line.end(1), exact=True) if line else None
        elif string is not None:
            inner = text[start + 1 : string.end() - 1]
            place = Place(start + 1, string.end() - 1, exact=True, read=_unescaped(string[0]) if "\\" in inner else "")
        else:
            end = literal_end(text, start)
            value = _BARE_VALUE.match(text, start)
            end = end if end is not None else value.end() if value else start
            place = Place(start, end, exact=True)
        if place is not None and not _is_blank(text, place):
            yield place


def _unescaped(string: str) -> str:
    try:
        return str(json.loads(string, strict=False))
    except (ValueError, RecursionError):
        return ""


def _box(text: str, match: re.Match[str]) -> Place | None:
    depth, at = 1, match.end()
    for brace in re.compile(r"(?<!\\)[{}]").finditer(text, at, at + 400):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return None if at == brace.start() else Place(at, brace.start(), exact=True)
    return None


def _line(text: str, start: int) -> Place | None:
    """The rest of the line, or the next line that says something."""
    for _ in range(4):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end]
        if re.search(r"\w", line) and not line.lstrip().startswith("```"):
            return Place(start, end, exact=False)
        if _EMPTY_VALUE.search(line):
            return Place(start, end, exact=False)
        if end == len(text):
            return None
        start = end + 1
    return None


def _last_first(text: str, places: list[Place | None]) -> Iterator[Place]:
    found = sorted(place for place in places if place is not None and not _is_blank(text, place))
    if not found:
        return
    again = _AGAIN.search(text, found[0].end)
    if again is not None:
        found = [place for place in found if place.start < again.start()]
    yield from found[: -_CANDIDATES - 1 : -1]


def _is_blank(text: str, place: Place) -> bool:
    inside = (place.read or text[place.start : place.end]).strip()
    if "_" in inside and not inside.strip("_. "):
        return True
    return not place.exact and _BLANK.fullmatch(inside) is not None and not _EMPTY_VALUE.search(inside)

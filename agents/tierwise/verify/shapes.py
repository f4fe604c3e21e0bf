"""From the stretch of a draft that holds its answer to the answer itself: markup and explanations left off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tierwise.verify.values import NUMBER, letter_of, literal_end, literal_of, number_of

Kind = Literal["number", "choice", "value", "text"]
Source = Literal["stated", "whole", "last"]


@dataclass(frozen=True, slots=True)
class Final:
    """The answer proper.

    Attributes:
        start: first character in the draft.
        end: one past the last: ``draft[start:end] == text``.
        text: the answer as it stands in the draft.
        kind: ``number``, ``choice`` (an option's letter), ``value`` (a Python or JSON literal) or ``text``.
        source: ``stated`` if the draft says that this is its answer, ``whole`` if it is nearly all of the draft,
            ``last`` if it is the last value of a draft that says nothing of the kind: a guess.
        read: what the text means where JSON's escapes are in it, else empty.
    """

    start: int
    end: int
    text: str
    kind: Kind
    source: Source = "stated"
    read: str = ""

    @property
    def meant(self) -> str:
        """The text with JSON's escapes read."""
        return self.read or self.text


_LEADING = re.compile(
    r"(?:[\s>*`:=~\u2248]|\\[(\[]|\$(?=[^\d\s])|\$(?=[^$\n]*[^\s$\\]\$(?!\d)))+",
)
_TRAILING = re.compile(r"[\s*`.,;:!]|\\[)\]]|(?<!\\)\$")
_EXPLAINED = re.compile(
    r"(?<![A-Z])[.!?](?=[*`]*(?:\s+[A-Z\"(*]|\s*$))|,?\s+(?:because|since|which|so|as (?:it|this|the))\b"
    r"|\s+\((?![A-Z]\))|\s[\u2013\u2014-]\s+(?=[A-Za-z]{2})"
)
_LONGEST = 200
_EQUALS = re.compile(r"(?<![<>!=])=(?!=)\s*")
_FORMULA = re.compile(r"\\(?!text|[dt]?frac|times|mathrm|left|right|[$%,;! ()\[\]])")
_NAME = re.compile(r"(?:^|\W)[A-Z][a-z]+[ -]$")
_NO_NAMES = re.compile(
    r"\b(?:about|approximately|around|exactly|nearly|only|total|roughly|is|are|was)[ -]$", re.IGNORECASE
)
_OPERATOR_BEFORE = re.compile(r"[+*/^\u00d7(]\s?$")
DENIED = re.compile(r"(?:\bnot|\bnever|n['\u2019]t)\s+(?:\w+\s+)?[$\u20ac\u00a3]?$")
_ALGEBRA_AFTER = re.compile(
    r"\s?(?:\*(?!\*[^\d])|[\^+\u00d7]|-\s?\w|/\s?\d|\\)|[a-zA-Z](?<![mgslhwvMGLWVCFKk])(?!\w)|\("
)


def kind_of(answer: str) -> Kind:
    """What an answer is, all of it."""
    if letter_of(answer):
        return "choice"
    if number_of(answer) is not None:
        return "number"
    return "value" if literal_of(answer) is not None else "text"


def shape(text: str, start: int, end: int, source: Source) -> Final | None:
    """The answer at the beginning of ``text[start:end]``; what explains it is left off."""
    start, end = _shrink(text, start, end)
    if start >= end:
        return None
    if literal_of(text[start:end]) is not None:
        return Final(start, end, text[start:end], kind_of(text[start:end]), source)
    if letter_of(text[start:end]):
        letter = re.compile(r"\(?\b[A-Za-z]\b\)?").search(text, start, end)
        if letter is not None:
            return Final(letter.start(), letter.end(), letter[0], "choice", source)
    if text[start] in "[({'\"" or re.match(r"(?:True|False|None)\b", text[start : start + 6]):
        stop = literal_end(text, start)
        # a literal with more behind it is one only if that is prose: "[1] + [2]" and "(3)x" are not
        if stop is not None and re.match(
            r"[`*\"]*(?:$|[.,;:!?\n](?!\s*[\d'\"\[({])|\s+(?!and\b|or\b)[A-Za-z(]|\s+[\u2013\u2014-]\s)",
            text[stop : stop + 6],
        ):
            return Final(start, stop, text[start:stop], kind_of(text[start:stop]), source)
    explained = _EXPLAINED.search(text, start + 1, end)
    if explained is not None:
        start, end = _shrink(text, start, explained.start())
    number = number_in(text, start, end, source)
    if number is not None:
        return number
    if start >= end or end - start > _LONGEST or not re.search(r"\w", text[start:end]):
        return None
    return Final(start, end, text[start:end], kind_of(text[start:end]), source)


def number_in(text: str, start: int, end: int, source: Source) -> Final | None:
    """The one number of a short answer, or what stands behind the last sign of an equation."""
    piece = text[start:end]
    if not re.search(r"\d", piece) or _FORMULA.search(piece):
        return None
    equals = list(_EQUALS.finditer(text, start, end))
    if equals:
        several = re.search(r",\s|\b(?:and|or)\b", piece)
        return None if several else number_in(text, equals[-1].end(), end, source)
    numbers = list(NUMBER.finditer(text, start, end))
    if len(numbers) != 1:
        return None
    number = numbers[0]
    before, after = text[start : number.start()], text[number.end() : end]
    if _OPERATOR_BEFORE.search(before) or _ALGEBRA_AFTER.match(after) or DENIED.search(before):
        return None
    # "Apollo 11" is a name
    if _NAME.search(before) and not _NO_NAMES.search(before):
        return None
    return Final(number.start(), number.end(), number[0], "number", source)


def _shrink(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch without markup and marks around it."""
    leading = _LEADING.match(text, start, end)
    start = leading.end() if leading else start
    while start < end:
        last = _TRAILING.search(text, max(start, end - 2), end)
        while last is not None and last.end() != end:
            last = _TRAILING.search(text, last.end(), end)
        if last is None:
            break
        end = last.start()
    return start, end

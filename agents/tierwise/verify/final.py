"""The answer proper in a draft, and whether two of them are the same.

The reasoning of two right drafts differs, their final answers do not: comparing these is how samples of a model are
counted (self-consistency, Wang et al. 2022, arXiv 2203.11171), and their tokens say more about the answer than the mean
over the whole draft does.
"""

from __future__ import annotations

import re

from tierwise.verify.phrases import refusal
from tierwise.verify.sentences import split_sentences
from tierwise.verify.shapes import DENIED, Final, Kind, Source, kind_of, number_in, shape
from tierwise.verify.stated import Place, stated_answers
from tierwise.verify.values import (
    NUMBER,
    letter_of,
    literal_end,
    literal_of,
    number_of,
    plain_words,
    same_literal,
    same_number,
)

__all__ = ["Final", "Kind", "Source", "final_answer", "same_answer", "same_text"]


def final_answer(text: str) -> Final | None:
    """Find the answer proper of a draft.

    In this order: what the draft states as its answer (:mod:`tierwise.verify.stated`); an option's letter, a fenced
    value or a few words that are all of the draft; the yes or no it begins with; the value or last number of its last
    sentences. A long draft that reckons nothing has no last number: the years of an essay answer nothing.

    Returns:
        ``None`` if nothing in the draft is an answer proper, or if it declines to answer.
    """
    wordy = None
    for place in stated_answers(text):
        found = _stated(text, place)
        if found is None:
            continue
        # "The answer is derived from ..." states nothing, if something else does.
        if found.kind != "text" or place.exact or len(found.text.split()) <= _FEW:
            return None if found.kind == "text" and refusal(found.text) else found
        wordy = wordy or found
    if wordy is not None:
        return None if refusal(wordy.text) else wordy
    if refusal(text[:_BEGINNING]) is not None:
        return None
    return _whole(text) or _opener(text) or _last(text)


def same_answer(a: Final, b: Final) -> bool | None:
    """Whether two answers are the same: as letters, numbers, literals or words, whichever both can be read as.

    A quoted string and the same text without quotes are the same. Units other than ``%`` and currencies are not
    compared, nor are synonyms known.

    Returns:
        ``None`` if neither can be read as the other, such as a number and a sentence.
    """
    if a.meant == b.meant:
        return True
    return same_text(a.meant, b.meant, a.kind, b.kind)


def same_text(one: str, other: str, kind: Kind, other_kind: Kind) -> bool | None:
    """:func:`same_answer` for bare texts."""
    letters = letter_of(one), letter_of(other)
    if "choice" in (kind, other_kind) and all(letters):
        return letters[0] == letters[1]
    numbers = number_of(one), number_of(other)
    if numbers[0] is not None and numbers[1] is not None:
        return same_number(numbers[0], numbers[1])
    literals = literal_of(one), literal_of(other)
    for literal, text, read in ((literals[0], other, literals[1]), (literals[1], one, literals[0])):
        if literal is not None and isinstance(literal[0], str) and not (read and isinstance(read[0], str)):
            return literal[0] in (text, text.strip())
    if literals[0] is not None and literals[1] is not None:
        return same_literal(literals[0][0], literals[1][0])
    if plain_words(one) == plain_words(other) != "":
        return True
    return False if kind == other_kind else None


# -- where it is found -------------------------------------------------------------------------------------------------

_FEW = 6  # words of a draft that is all answer
_OPTION_WORDS = 25  # of a draft that is one option with its text
_LAST_LINE = 20
_SHORT = 500  # characters of a draft whose last number may be its answer though it reckons nothing
_BEGINNING = 400
_TAIL = 500
_LAST_SENTENCES = 3
_FENCE = re.compile(r"```[^\n`]*\n(.*?)(?:\n?[ \t]*```|\Z)", re.DOTALL)
_LAST_LETTER = re.compile(r"(?:^|\n)[ \t*_]*\(([A-Z])\)[ \t*_.]*\Z")
_OPENING = re.compile(
    r"[\s*_\"]*(yes|no|true|false)\b(?=[*_\"]*(?:[,.;:!\u2014\n]|\s[-\u2013\u2014]|$))", re.IGNORECASE
)
_RECKONS = re.compile(r"=\s*[$\u20ac\u00a3]?-?\d|\d\s*=")
_CONCLUDES = re.compile(
    r"\W*(?:so|therefore|thus|hence|in total|altogether|finally|this means|as a result|in conclusion)\b", re.IGNORECASE
)
_VALUE_AFTER = re.compile(
    r"(?:\b(?:is|are|be|as|returns?|gives?|prints?|outputs?)\b|==|:)[ \t]*[`*]*(?=[\[({'\"]|(?:True|False|None)\b)"
)
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_EQUALS = re.compile(r"=\s*(?=[^=\n]*$)")


def _stated(text: str, place: Place) -> Final | None:
    if not place.exact:
        return shape(text, place.start, place.end, "stated")
    inner = text[place.start : place.end]
    kind = kind_of(place.read or inner)
    if kind == "text" and not place.read and ("=" in inner or re.match(r"[A-Z]\S* \S+ .*\.\s*$", inner)):
        number = number_in(text, place.start, place.end, "stated")
        if number is not None:
            return number
    return Final(place.start, place.end, inner, kind, "stated", place.read)


def _whole(text: str) -> Final | None:
    """A draft that is one value, or a few words."""
    fences = list(_FENCE.finditer(text))
    if len(fences) == 1:
        start, end = _trimmed(text, *fences[0].span(1))
        rest = (text[: fences[0].start()] + text[fences[0].end() :]).strip()
        if start < end and literal_of(text[start:end]) is not None:
            return Final(start, end, text[start:end], kind_of(text[start:end]), "last" if rest else "whole")
        if rest or "\n" in text[start:end]:
            return None
    else:
        start, end = _trimmed(text, 0, len(text))
    if start < end and literal_of(text[start:end]) is not None:
        return Final(start, end, text[start:end], kind_of(text[start:end]), "whole")
    letter = _LAST_LETTER.search(text, max(0, end - _LAST_LINE), end)
    if letter is not None:
        return Final(letter.start(1) - 1, letter.end(1) + 1, f"({letter[1]})", "choice", "last")
    body = text[start:end]
    if "\n" in body or (fences and not body):
        return None
    if (letter_of(body) and len(body.split()) <= _OPTION_WORDS) or (
        len(body.split()) <= _FEW and not body.endswith(("?", ":"))
    ):
        return _value_at_end(text, start, end) or shape(text, start, end, "whole")
    return None


def _opener(text: str) -> Final | None:
    match = _OPENING.match(text)
    if match is None:
        return None
    kind: Kind = "value" if literal_of(match[1]) is not None else "text"
    return Final(match.start(1), match.end(1), match[1], kind, "whole")


def _last(text: str) -> Final | None:
    """The value or number with which the last sentences end."""
    if "```" in text:
        return None
    begin = max(0, len(text) - _TAIL)
    tail = text[begin:]
    sentences = [s for s in split_sentences(tail) if not s.heading]
    may_count = len(text) <= _SHORT or _RECKONS.search(text) is not None
    for sentence in reversed(sentences[-_LAST_SENTENCES:]):
        start, end = begin + sentence.start, begin + sentence.end
        piece = text[start:end]
        if piece.endswith("?") or refusal(piece):
            continue
        found = _value_at_end(text, start, end)
        if found is None and (may_count or _CONCLUDES.match(piece)):
            found = _last_number(text, start, end)
        if found is not None:
            return found
    return None


def _value_at_end(text: str, start: int, end: int) -> Final | None:
    for match in reversed(list(_VALUE_AFTER.finditer(text, start, end))):
        stop = literal_end(text, match.end())
        if stop is not None and stop <= end and not text[stop:end].strip("`*. \n"):
            return Final(match.end(), stop, text[match.end() : stop], "value", "last")
    return None


def _last_number(text: str, start: int, end: int) -> Final | None:
    """What is printed bold, else what stands behind the last equals sign, else the last number."""
    for bold in reversed(list(_BOLD.finditer(text, start, end))):
        found = number_in(text, bold.start(1), bold.end(1), "last")
        if found is not None:
            return found
    equals = _EQUALS.search(text, start, end)
    behind = NUMBER.search(text, equals.end(), end) if equals else None
    numbers = [n for n in NUMBER.finditer(text, start, end) if text[n.start() - 1 : n.start()] != "[" or n.start() == 0]
    number = behind or (numbers[-1] if numbers else None)
    if number is None or DENIED.search(text, start, number.start()):
        return None
    return Final(number.start(), number.end(), number[0], "number", "last")


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())

"""Whether an answer that no passage is cited for has been invented, or can still stand.

A citation asks that a span says what the sentence says, and many a right answer in other words gets none. So a missing
citation alone refuses nothing. An answer is taken for invented if, besides, it states a number, code or name that
neither a passage nor the question has, if most of its own words stand in no passage, or if no passage so much as
mentions what the question is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import product

from tierwise.types import Draft, Passage, Reason
from tierwise.words import STOPWORDS, content_words, stem, words

UNBORNE = ("invented", "subject_missing")
"""Codes of the reasons that :func:`invented` gives."""

_NUMBER = re.compile(r"(?<![\w.-])\d+(?:[.:,]\d+)*(?!\w)")
_TOKEN = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*|\w+(?:[.:,/-]\w+)*")
_NAME = re.compile(r"[^\W\d_][\w.+]*\w")
_AMOUNT = re.compile(
    r"\b(?:how (?:many|much|long|large|big|far|old|high|often|fast)|total|sum|difference|average|times|percent"
    r"|more|less|longer|larger|together|altogether|both)\b",
    re.IGNORECASE,
)
_MOST_NUMBERS = 80
_LIST_NUMBER = re.compile(r"^\s*\d{1,2}[.)]\s", re.MULTILINE)
_OWN_SHARE = 0.5  # of an answer's own words; of right answers on the labelled questions the lowest had 0.67
_FEW_OWN = 2
_ENGLISH = 0.2  # stop words among the words of a question, from which it is taken for English
_LEAST_NAME = 3


def invented(draft: Draft) -> Reason | None:
    """Why an answer without a citation is taken for invented; ``None`` if nothing says so."""
    seen = _Seen(draft.passages)
    text = _LIST_NUMBER.sub(" ", draft.text)
    for found in _hard_facts(text):
        if not seen.states(found) and not _states(draft.question, found) and not _reckoned(found, draft, seen):
            return Reason("invented", f'No passage has "{found}", which the draft states.')
    if (name := _missing_subject(draft.question, seen)) is not None:
        return Reason("subject_missing", f'No passage mentions "{name}", which the question is about.')
    own = set(content_words(text)) - set(content_words(draft.question))
    if len(own) >= _FEW_OWN:
        share = len(own & seen.stems) / len(own)
        if share < _OWN_SHARE:
            return Reason("invented", "Most of what the draft says stands in no passage.", share, _OWN_SHARE)
    return None


class _Seen:
    """The words of all passages, with their titles."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        texts = [f"{passage.title or ''} {passage.head or ''} {passage.text}" for passage in passages]
        self.text = " ".join(texts).lower()
        self.words = set(words(self.text))
        self.stems = set(content_words(self.text))

    def states(self, fact: str) -> bool:
        """Whether a passage has the number or code as it is."""
        return _states(self.text, fact)

    def has(self, word: str) -> bool:
        """Whether a passage has the word, in another form or with a slip of the pen."""
        lower = word.lower()
        if lower in self.text or stem(lower) in self.stems:
            return True
        return bool(get_close_matches(lower, self.words, n=1, cutoff=0.85))


def _states(text: str, fact: str) -> bool:
    """Whether a text has a number or code, with or without its hyphens."""
    for said, wanted in ((text.lower(), fact.lower()), (_unjoined(text), _unjoined(fact))):
        if re.search(rf"(?<![\w.])(?<![a-z]-){re.escape(wanted)}(?!\w)", said):
            return True
    return False


def _unjoined(text: str) -> str:
    return re.sub(r"(?<=\w)[-_,](?=\w)", "", text.lower())


def _hard_facts(text: str) -> Iterable[str]:
    """Numbers, and words that only a document or a machine can have spelt so."""
    return (match[0] for match in _TOKEN.finditer(text) if _is_code(match[0]))


def _reckoned(found: str, draft: Draft, seen: _Seen) -> bool:
    """Whether a number may have been worked out of two others, where a question of amounts was asked."""
    value = _value(found)
    if value is None or not _AMOUNT.search(draft.question):
        return False
    given = _values(draft.question) + _values(draft.text)
    known = list(dict.fromkeys(given + _values(seen.text)))[:_MOST_NUMBERS]
    for a, b in product(dict.fromkeys(given) if len(known) == _MOST_NUMBERS else known, known):
        results = (a + b, a - b, a * b, a / b if b else None, a % b if b else None)
        if any(r is not None and abs(r - value) <= 0.005 * abs(value) for r in results) and value not in (a, b):
            return True
    return False


def _values(text: str) -> list[float]:
    return [value for match in _NUMBER.finditer(text) if (value := _value(match[0])) is not None]


def _value(number: str) -> float | None:
    try:
        return float(number.replace(",", ""))
    except ValueError:  # a time, a version
        return None


def _is_code(word: str) -> bool:
    return re.search(r"^-|\d|_|[a-z][A-Z]|\w\.\w", word) is not None


def _missing_subject(question: str, seen: _Seen) -> str | None:
    """A name or code in an English question that no passage has.

    Only what is spelt like one counts: ordinary words have too many others that mean the same.
    """
    asked = words(question)
    if not asked or sum(word in STOPWORDS for word in asked) < _ENGLISH * len(asked):
        return None
    for match in _NAME.finditer(question):
        word = match[0].removesuffix("'s")
        before = question[: match.start()].rstrip()
        opens = not before or before[-1] in ".!?:;\"'("
        named = (word[0].isupper() and not opens) or _is_code(word)
        if named and len(word) >= _LEAST_NAME and not before[-1:].isdigit() and not seen.has(word):
            return word
    return None

"""What a follow-up question is searched with: its own words, and the subject that was spoken of.

"And how do I turn it off?" finds nothing by itself. Whoever asks it has named the subject a moment ago, so the search
gets the last question that stands by itself in front, and what the last answer said in a sentence or two, which often
holds the very word that the documents have for it. Nothing is reworded: a small model that rewrites questions takes
seconds and invents. A question that stands by itself is searched as it is, whatever was said before: carrying the old
subject into a new one is worse than missing a follow-up. The rules know English; in other languages only what
:func:`~tierwise.routing.thread.leaning.leans_back` knows of them is carried.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tierwise.graph.gist import short_answer, short_question
from tierwise.record import Exchange
from tierwise.routing.thread.leaning import EMPTY_IT, leans_back
from tierwise.words import STOPWORDS, stem, words

LOOK_BACK = 4
"""Exchanges that are looked through for the subject."""
_LONGEST, _MOST_CHARACTERS = 14, 300  # words; who writes more says what is meant
_ENGLISH = 3  # common English words, the one that points included
_FEW = 3  # words of its own in a question that begins with "and"
_MOST_OF_QUESTION, _MOST_OF_ANSWER = 300, 160  # characters of what was said before

_POINTER = re.compile(
    r"\b(?:it|its|he|him|his|she|her|they|them|their|those|these|others?|else|elsewhere)\b"
    r"|\b(?:(?:a|an|another|any|each|that|the|this|which) )?(?:[\w'-]+ )?ones?\b"
    r"(?=$| (?:again|are|can|do|does|for|from|i|is|to)\b)"
    r"|\b(?:several|both)\b(?=$| at)|(?<=\w )there$"
)
# "it" and "there" that stand for nothing, "one" that stands for people
_NO_POINTER = re.compile(
    r"^(?:hi|hello|hey) there|\bthere(?:'s| is| are| was| were| any| an?\b)"
    r"|\b(?:is|are|was|were|isn't|aren't) there (?=\w)|\b(?:is|isn't) it worth\b"
    r"|\b(?:does|do|can|should|must|would) one\b|\b(?:each|one) another\b|\beach other\b|\bother than\b"
    r"|\bin other words\b|\b(?:some|any|no)(?:body|one) else\b"
)
_THAT = re.compile(
    r"^(?:and |but |so )?(?:does|did|do|is|was|will|would|can|could|should|has) (?:that|this)\b(?! (?:the|a|an)\b)"
)
_THING = re.compile(r"\b(?:the|those|these|that|my|your) [\w'-]+")
_GREETING = re.compile(
    r"^(?:hi|hello|hey)\b(?: there)?[\s,.!]*(?:how(?:'s| is| are) (?:it|you|things|everything)\b.*)?$"
)
_THANKS = re.compile(
    r"^thanks?(?: you)?(?: \w+ much)?[\s,.!]+(?:that|this|it)(?:'s| is| was| did| has| worked| helped)\b"
)
# Words for work on an answer ("undo", "commit", "table") may be the matter itself: "How do I undo a commit?"
_MATTER = re.compile(
    r"^(?:how (?:do|does|did|can|could|should|to)|what(?:'s| is| are| does)|when|why) .*\b(?:a|an) (?!way\b)[\w'-]+"
)
_BEFORE_NOUNS = """
    a all an any are both can could did do does each every had has have if in into is many my no of on our several some
    the this was were when which your two three four five six seven eight nine ten
"""
_BEFORE_A_NOUN = frozenset(_BEFORE_NOUNS.split())
_BETWEEN = re.compile(r"\b(?:at|behind|between|for|from|in|inside|of|on|to|with)$")
_JOINED = re.compile(r"^(?:(?:ok|okay|well|thanks|hm+)\b[\s,.!]*)?(?:and|but|or)\b[\s,]*", re.IGNORECASE)
_DEFINES = re.compile(r"^(?:what|who)(?:'s| is| are| was| were) (?!the\b|its?\b|their\b)")
_MARKED = re.compile(r"\d|[_/\\.:@#$`-](?=\w)|[A-Z]")
_SO_WHAT = re.compile(r"^(?:but )?why (?:so|not|only|that) [\w'-]+$")
_CLOCK = re.compile(r"^what(?:'s| is) the (?:time|date|day)$")
# What can be asked of anything: a question made of these alone has left out what it is about.
_ASPECTS = """
    advantage alternative amount answer benefit best case cause cost default difference disadvantage drawback effect
    error example exception fastest happen happened happens highest kind largest least length level limit longest lowest
    maximum meaning minimum name normal number option order other place point price purpose rate reason recommended
    requirement result risk side size smallest sort step syntax type usual usually value work worst worth zero
"""
_ASPECT = frozenset(stem(word) for word in _ASPECTS.split())


@dataclass(frozen=True, slots=True)
class Carried:
    """What is searched for in place of a question; ``locked``: it holds words of a locked turn."""

    text: str
    locked: bool


def carried(question: str, said: Sequence[Exchange]) -> Carried | None:
    """The text to search with in place of a question that means nothing without what was said before.

    Args:
        question: as it was asked.
        said: the thread's last exchanges, oldest first.

    Returns:
        The subject and the question; ``None`` for a question that stands by itself, or has nothing before it.
    """
    if not said or not needs_subject(question):
        return None
    last = said[-1]
    parts, locked = [short_answer(last.asked, last.text, 2, _MOST_OF_ANSWER), question], False
    for exchange in reversed(said[-LOOK_BACK:]):
        parts.insert(0, short_question(exchange.asked, _MOST_OF_QUESTION))
        locked = locked or exchange.locked
        if not needs_subject(exchange.asked):
            break
    return Carried("\n".join(" ".join(part.split()) for part in parts if part), locked)


def needs_subject(question: str) -> bool:
    """Whether a question leaves out what it is about."""
    if len(question) > _MOST_CHARACTERS:
        return False
    question = " ".join(question.replace("\u2019", "'").split())
    text = question.lower().rstrip("?!. ")
    if _GREETING.match(text) or _THANKS.match(text) or _CLOCK.match(text):
        return False
    found = words(text)
    pointer = _POINTER.search(_NO_POINTER.sub(_blank, EMPTY_IT.sub(_blank, text)))
    if pointer is not None and _names_later(question, pointer):
        return False
    if leans_back(question):
        return pointer is not None or _MATTER.match(text) is None
    if len(found) > _LONGEST:
        return False
    is_english = sum(word in STOPWORDS for word in found) >= _ENGLISH
    if pointer is not None and is_english and not _names_before(question, pointer):
        return True
    return _THAT.match(text) is not None or _leaves_out(question, text)


def _names_before(question: str, pointer: re.Match[str]) -> bool:
    """Whether what a word points to has been named before it."""
    before = pointer.string[: pointer.start()].rstrip()
    # "the text in it": what stands right before is a part of what is pointed to.
    if (link := _BETWEEN.search(before)) is not None:
        before = before[: link.start()].rstrip().rpartition(" ")[0]
    return _has_name(question[: len(before)]) or _has_noun(before.split())


def _names_later(question: str, pointer: re.Match[str]) -> bool:
    """Whether it is named behind a comma: "Are they any good, those electric bikes?"."""
    _, comma, after = question[pointer.end() :].partition(",")
    return bool(comma) and (_THING.search(after.lower()) is not None or _has_name(after))


def _leaves_out(question: str, text: str) -> bool:
    """Whether the question goes on with what was spoken of without a word for it."""
    if _SO_WHAT.match(text):
        return True
    joined = _JOINED.match(question)
    own = [stem(word) for word in words(text) if word not in STOPWORDS and "'" not in word]
    if joined is not None:
        rest = question[joined.end() :]
        return len(own) <= _FEW and not _has_name("x " + rest) and not _DEFINES.match(rest.lower())
    return bool(own) and all(word in _ASPECT for word in own) and not _has_name(question)


def _blank(match: re.Match[str]) -> str:
    """Something as long that holds no word."""
    return "-" * len(match[0])


def _has_name(text: str) -> bool:
    """Whether a text holds a name, a number or an identifier behind its first word."""
    rest = text.partition(" ")[2]
    return any(_MARKED.search(word) for word in rest.split() if word not in ("I", "I'm", "I'd", "I've", "I'll"))


def _has_noun(before: list[str]) -> bool:
    """Whether a word of these is likely to be a thing: what stands behind an article, or behind ``does``."""
    return any(
        left in _BEFORE_A_NOUN and right not in STOPWORDS and stem(right) not in _ASPECT
        for left, right in pairwise(before)
    )

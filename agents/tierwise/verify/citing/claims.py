"""The sentences of an answer that claim something, and what has to be said elsewhere for them to be true."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tierwise.types import Passage
from tierwise.verify.citing.facts import NO_FACTS, Facts, facts_of
from tierwise.verify.marks import Mark
from tierwise.verify.phrases import is_hedge
from tierwise.verify.sentences import Sentence

_LIST_NUMBER = re.compile(r"^\d{1,2}[.)]\s+")
_LABEL = r"(?:documents?|documentation|manual|text|passages?|source|guide|page|context|information|notes?|section)"
# "According to the manual, ...", "The text says that ...", "Yes, ...": how something is said, not what.
_LEAD_IN = re.compile(
    rf"^(?:(?:yes|no|well|so|thus|therefore|in short|in summary),\s+"
    rf"|(?:according to|based on|as (?:stated|described|mentioned|noted) in) the (?:(?:provided|given) )?{_LABEL}"
    rf"(?: provided| given)?,\s+"
    rf"|it (?:seems|appears|is (?:likely|probable|possible)) that\s+"
    rf"|the (?:(?:provided|given) )?{_LABEL} (?:says?|states?|explains?|notes?|mentions?|indicates?)(?: that)?:?\s+)",
    re.IGNORECASE,
)
# A claim of so few words that carry meaning is read together with its question, if it is no sentence or has only one.
_SHORT = 2
_TELLING = 100
_WORD = re.compile(r"\S+")
_SWEEPING_WORDS = "all always any every each never no none not nobody nothing only except without unless"
_SWEEPING = frozenset(_SWEEPING_WORDS.split())
_PRONOUN = re.compile(r"(?:it|they|he|she|this|these|that|those)\b", re.IGNORECASE)
_VERBS = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "has",
        "have",
        "had",
        "can",
        "could",
        "may",
        "might",
        "must",
        "will",
        "would",
        "shall",
        "should",
        "does",
        "do",
        "did",
    ]
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence, or a part of one, that needs support.

    Attributes:
        text: its words, without list numbers and lead-ins.
        facts: of ``text``.
        hints: passages that the model itself named for it, from 0.
        question: what was asked.
        asked: its facts.
        before: keys of the sentence before it and of the question, where it begins with a pronoun.
        short: it does not say by itself what it is about.
        core: it is what a sentence says beyond its question, see :func:`core_of`.
    """

    text: str
    facts: Facts
    hints: frozenset[int]
    question: str = ""
    asked: Facts = NO_FACTS
    before: frozenset[str] | None = None
    short: bool = False
    core: bool = False


def claim_of(
    text: str, sentence: Sentence, before: str, question: str, marks: Sequence[Mark], passages: Sequence[Passage]
) -> Claim | None:
    """The claim of a sentence of an answer; ``None`` for code, questions, refusals and mere talk.

    Args:
        text: the answer.
        sentence: the sentence's place.
        before: the sentence before it, which tells what "it" is.
        question: what was asked.
        marks: the model's own.
        passages: what it was given.
    """
    piece = _LIST_NUMBER.sub("", text[sentence.start : sentence.end], count=1)
    if sentence.code or piece.endswith(("?", ":", "\uff1f")) or is_hedge(piece):
        return None
    hints = {n - 1 for mark in marks if sentence.start < mark.position <= sentence.end for n in mark.numbers}
    claim = read_claim(piece, question, frozenset(hints), passages)
    if claim is not None and _PRONOUN.match(claim.text):
        return replace(claim, before=facts_of(before).keys | claim.asked.keys)
    return claim


def read_claim(piece: str, question: str, hints: frozenset[int], passages: Sequence[Passage]) -> Claim | None:
    """The claim that a piece of an answer makes; ``None`` if it holds nothing that could be true or false."""
    piece = _LEAD_IN.sub("", piece, count=1)
    facts = facts_of(piece)
    if not facts.keys and not facts.numbers and not facts.marks:
        return None
    if facts.opener and _is_name(facts.opener, passages):
        facts = replace(facts, names=facts.names | {facts.opener})
    size = len(facts.keys) + len(facts.marks) + len(facts.numbers)
    short = size < _SHORT or (size == _SHORT and not facts.words & _VERBS)
    return Claim(piece, facts, hints, question, facts_of(question), short=short)


def _is_name(word: str, passages: Sequence[Passage]) -> bool:
    """Whether the passages write the word with a capital inside a sentence; at the start of one it is a name, too."""
    inside = re.compile(rf"(?<=[\w,;] ){re.escape(word.capitalize())}\b")
    return any(inside.search(passage.text) for passage in passages)


def core_of(claim: Claim) -> str | None:
    """What a sentence says beyond its question, which it repeats: "108 bytes", of "The path of a socket is 108 bytes".

    Returns:
        One stretch of the sentence that states a number, code or name; ``None`` if what is new stands in several
        places, is no hard fact, or comes with a word that reaches over all of the sentence.
    """
    if claim.short or not claim.question or claim.facts.negations or claim.facts.words & _SWEEPING:
        return None
    asked = claim.asked.keys | claim.asked.units
    new: list[tuple[int, int]] = []
    between = False
    for match in _WORD.finditer(claim.text):
        facts = facts_of(match[0])
        own = (
            (facts.keys | facts.units) - asked or facts.numbers - claim.asked.numbers or facts.marks - claim.asked.marks
        )
        if own:
            if between and new:
                return None
            new.append(match.span())
        elif new and facts.keys:
            between = True
    if not new or len(new) == len(claim.text.split()):
        return None
    core = claim.text[new[0][0] : new[-1][1]].strip(" .,;:")
    facts = facts_of(core)
    # A bare small number stands nearly everywhere, in some other role.
    told = [n for n in facts.numbers if n.unit or n.counted or (n.value.isdigit() and int(n.value) >= _TELLING)]
    named = [mark for mark in facts.marks if re.search(r"[a-z]", mark)]
    return core if (told or named) and len(told) == len(facts.numbers) else None

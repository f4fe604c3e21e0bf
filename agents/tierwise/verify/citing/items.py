"""A text as a sequence of words, facts and punctuation, in an order that does not depend on turns of phrase."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tierwise.verify.citing.keys import FILLER_KEYS, is_content, key_of
from tierwise.verify.citing.quantities import SCALES, UNIT_OF
from tierwise.verify.sentences import ABBREVIATIONS
from tierwise.words import words

STOPS = frozenset(".!?")
_BREAKS_WORDS = """
    , ; : ( ) | \u2013 \u2014 and or but if when while because since which that who what how whose where whereas
    although unless so as then than
"""
BREAKS = frozenset(_BREAKS_WORDS.split()) | STOPS
_FRONTS_WORDS = """
    if when whenever because since although while after before once until unless in on at by for with from
    during as to under within without per
"""
_FRONTS = frozenset(_FRONTS_WORDS.split())
BE = frozenset(["am", "is", "are", "was", "were", "be", "been", "being"])
_BETWEEN = frozenset(["not", "never", "also", "then", "only", "still", "already", "always", "just", "first"])
_SUBJECT_BEFORE = (BREAKS | BE) - {"(", ")"}
_PARTICIPLES_WORDS = """
    begun bound bought broken brought built caught chosen cut dealt done drawn driven fed felt forbidden
    forgotten fought found given held hidden hit kept known laid led left lent lost made meant met overridden
    paid put read reset rewritten run said seen sent set shown shut sold sought spent split stolen struck taken
    taught thought thrown told undone understood unset withdrawn won worn written
"""
_PARTICIPLES = frozenset(_PARTICIPLES_WORDS.split())
_PHRASE_END_WORDS = "in on at from to with for into during after before until by"
_PHRASE_END = BREAKS | frozenset(_PHRASE_END_WORDS.split())
_BEFORE_NOT = {"can't": "can", "won't": "will", "shan't": "shall"}
_ITEM = re.compile(
    r"(?P<fact>[\ue000-\uf8ff])|(?P<word>[^\W\d_]+(?:['\u2019][^\W\d_]+)*)|[,;:()|\u2013\u2014=]|[.!?](?=\s|$)"
)


_AGENT_WITHIN = 6  # items from a participle to "by"


class Item(NamedTuple):
    """A word, a fact or a punctuation mark.

    Attributes:
        word: as written, in lower case; empty for a fact.
        key: what it is compared by; empty for function words and punctuation.
        number: it is a number.
        unit: what the number counts: its unit, or the key of the word after it.
        loose: it may stand anywhere in its sentence without changing what that says (an adverb).
        moved: it is a participle that stood behind its object.
        filler: it carries nothing by itself, so it may be left out or be added.
    """

    word: str
    key: str = ""
    number: bool = False
    unit: str = ""
    loose: bool = False
    filler: bool = False
    moved: bool = False

    @property
    def weighs(self) -> bool:
        """Whether the sentence says less without it."""
        return bool(self.key) and not self.loose and not self.filler


def items_of(text: str, facts: Sequence[Item | None]) -> tuple[Item, ...]:
    """Read a text in which facts were replaced by private characters, U+E000 for ``facts[0]`` and so on.

    A unit right after its number belongs to the number, so it is not an item.
    """
    found: list[Item] = []
    counted = False  # the last number has its unit
    for match in _ITEM.finditer(text):
        if match["fact"]:
            fact = facts[ord(match["fact"]) - 0xE000]
            counted = False
            if fact is not None:
                found.append(fact)
            continue
        if not match["word"]:
            if match[0] != "." or not found or found[-1].word not in ABBREVIATIONS:
                found.append(Item(match[0]))
            continue
        for word in _parted(match[0]):
            if found and found[-1].number and not counted and (word in UNIT_OF or word in SCALES):
                counted = word in UNIT_OF
                continue
            key = key_of(word) if is_content(word) else ""
            filler = key in FILLER_KEYS
            found.append(Item(word, key, loose=word.endswith("ly"), filler=filler))
    return tuple(found)


def _parted(word: str) -> list[str]:
    """The words in a word: "isn't" is two."""
    (first, *more) = found = words(word)
    if more or not first.endswith("n't"):
        return found
    return [_BEFORE_NOT.get(first, first.removesuffix("n't")), "not"]


def in_plain_order(items: Sequence[Item]) -> list[Item]:
    """The items with what a sentence begins with moved behind it, and passives turned round.

    "If A, B" is read as "B if A", "X is made by Y" as "Y made X", and "X must be made" as "made X must".
    """
    found: list[Item] = []
    start = 0
    for at, item in enumerate((*items, Item("."))):
        if item.word in STOPS or item.word == ";":
            sentence = _unfronted(list(items[start:at]))
            found += _active(sentence)
            if at < len(items):
                found.append(item)
            start = at + 1
    return found


def _unfronted(sentence: list[Item]) -> list[Item]:
    if not sentence or not (sentence[0].word in _FRONTS or sentence[0].number):
        return sentence
    for at, item in enumerate(sentence):
        if item.word == ",":
            if sentence[0].number and not any(item.word in _FRONTS for item in sentence[:at]):
                return sentence
            rest = sentence[at + 1 :]
            if rest and rest[0].word == "then":
                rest = rest[1:]
            return rest + sentence[:at] if rest else sentence
    return sentence


def _active(sentence: list[Item]) -> list[Item]:
    at = 0
    while at < len(sentence):
        if sentence[at].word in BE and (made := _made(sentence, at + 1)):
            first, end = made
            start = next((i + 1 for i in range(at - 1, -1, -1) if sentence[i].word in _SUBJECT_BEFORE), 0)
            by, agent_end = _agent(sentence, end)
            agent = sentence[by + 1 : agent_end]
            if any(item.loose or item.number or item.word.endswith("ing") or item.word == "default" for item in agent):
                agent, by, agent_end = [], end, end
            moved = agent + [item._replace(moved=True) for item in sentence[first:end]]
            # Without the "is", which links nothing here.
            front = sentence[:start] + moved + sentence[start:at] + sentence[at + 1 : first]
            sentence, at = front + sentence[end:by] + sentence[agent_end:], len(front) - 1
        at += 1
    return sentence


def _agent(sentence: list[Item], end: int) -> tuple[int, int]:
    """Where "by" stands in the clause that goes on at ``end``, and where what it leads ends; ``(end, end)`` without."""
    for at in range(end, min(end + _AGENT_WITHIN, len(sentence))):
        if sentence[at].word in BREAKS:
            break
        if sentence[at].word == "by":
            return at, next((i for i in range(at + 1, len(sentence)) if sentence[i].word in _PHRASE_END), len(sentence))
    return end, end


def _made(sentence: list[Item], at: int) -> tuple[int, int] | None:
    """Where the participles after a form of "be" begin and end ("caught, blocked or ignored")."""
    while at < len(sentence) and (sentence[at].word in _BETWEEN or sentence[at].word.endswith("ly")):
        at += 1
    if at >= len(sentence) or not _is_participle(sentence[at]):
        return None
    end = at + 1
    while True:
        after = end
        while after < len(sentence) and sentence[after].word in (",", "and", "or"):
            after += 1
        if after == end or after >= len(sentence) or not _is_participle(sentence[after]):
            return at, end
        end = after + 1


def _is_participle(item: Item) -> bool:
    return bool(item.key) and (item.word.endswith("ed") or item.word in _PARTICIPLES)

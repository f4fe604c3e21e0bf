"""What a claim must keep of its source's wording: whose numbers they are, "must" and "may", the order of a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from itertools import pairwise

from tierwise.verify.citing.items import STOPS, Item
from tierwise.verify.citing.keys import key_of

MODALS = {"must": 3, "shall": 3, "should": 2, "may": 1, "can": 1, "might": 1, "could": 1}
_AFTER_MODAL = frozenset(["be", "not", "have", "been", "also", "then", "always", "never", "only"])
_ARTICLES = frozenset(("the", "a", "an", "your", "this"))
_PARTING, _PARTED = frozenset((",", ";", "and", "or", "but")), 20
_SHUFFLED_WORDS, _SAME_WORDS, _TOGETHER = 6, 0.85, 0.45


def numbers_belong(claim: Sequence[Item], span: Sequence[Item], asked: Set[str] = frozenset()) -> bool:
    """Whether the numbers of the claim are those that its words stand nearest to.

    "Adults pay 40 and children 20" does not say that children pay 40. Words before the first number hold for all of
    them, and numbers that count other things do not matter.

    Args:
        claim: items of the claim.
        span: items of the span.
        asked: further keys that belong to the claim: those of the question that it answers.
    """
    said = {item.key for item in claim if item.number}
    units = {item.unit for item in span if item.key in said}
    numbers = [at for at, item in enumerate(span) if item.number and item.unit in units]
    if not said or all(span[at].key in said for at in numbers):
        return True
    keys = {item.key for item in claim if item.weighs and not item.number} | asked
    count = Counter(item.key for item in span)
    told = span[numbers[0]].key in said  # something says which of the numbers it is
    for at, item in enumerate(span):
        if item.key in keys and not item.loose and count[item.key] == 1 and at > numbers[0]:
            far = {number: _distance(span, at, number) for number in numbers}
            if not any(span[number].key in said for number in numbers if far[number] <= min(far.values()) + 1):
                return False
            told = True
    return told


def _distance(items: Sequence[Item], one: int, other: int) -> int:
    """How far apart two items stand; what a comma or an "and" parts is far."""
    between = items[min(one, other) + 1 : max(one, other)]
    return len(between) + _PARTED * sum(item.word in _PARTING for item in between)


def modals_hold(claim: Sequence[Item], span: Sequence[Item]) -> bool:
    """Whether nothing that the span only allows has become a duty in the claim, and no duty a choice."""
    mine, theirs = _modals(claim), _modals(span)
    return all(mine[key] == theirs[key] for key in mine.keys() & theirs.keys())


def _modals(items: Sequence[Item]) -> dict[str, int]:
    found: dict[str, int] = {}
    for at, item in enumerate(items):
        if strength := MODALS.get(item.word):
            denied = any(i.word == "not" for i in items[at + 1 : at + 2])  # what must not be may not be
            verb = next((i for i in items[at + 1 :] if i.word not in _AFTER_MODAL and not i.loose), None)
            if verb is not None and verb.word:
                key = key_of(verb.word)
                found[key] = 0 if denied else max(strength, found.get(key, 0))
    return found


def is_shuffled(claim: str, span: str) -> bool:
    """Whether a claim is made of the span's words, function words too, in another order than there."""
    mine, theirs = claim.split(), span.split()
    if len(mine) < _SHUFFLED_WORDS or len(set(mine) & set(theirs)) < _SAME_WORDS * len(set(mine)):
        return False
    pairs = set(pairwise(theirs))
    together = sum(pair in pairs for pair in pairwise(mine))
    return together < _TOGETHER * (len(mine) - 1)


def begins_alike(claim: Sequence[Item], span: Sequence[Item]) -> bool:
    """Whether the first word of the claim that carries meaning begins a sentence of the span: both are about it."""
    first = next((item.key for item in claim if item.weighs), None)
    begins, fresh = set(), True
    for item in span:
        if item.word in STOPS:
            fresh = True
        elif fresh and item.weighs:
            begins.add(item.key)
            fresh = False
    return first is not None and first in begins


def is_about(span: Sequence[Item], keys: Set[str]) -> bool:
    """Whether the first word of a span that carries meaning is one of the keys.

    "They are kept for 90 days" is about what the sentence before it names; a span about another thing does not say it.
    """
    first = next((item for item in span if item.weighs), None)
    return first is None or first.key in keys


def without_topic(items: Sequence[Item], span: Sequence[Item], topic: Set[str]) -> list[Item]:
    """The items of a claim without phrases such as "of the coffee machine" that only name what the passage is about.

    Where the span says of what something is, or has all its words, the phrase stays: it may be another thing's.

    Args:
        items: of the claim.
        span: those of the span.
        topic: keys of the passage's title.
    """
    owned = {one.key for one, two in pairwise(span) if two.word in ("of", "in", "for", "on")}
    present = {item.key for item in span}
    found: list[Item] = []
    at = 0
    while at < len(items):
        end = at + 1
        while end < len(items) and (items[end].key in topic or items[end].word in _ARTICLES):
            end += 1
        owner = items[at].word == "of" and found and found[-1].key and found[-1].key not in owned
        if owner and any(item.key and item.key not in present for item in items[at + 1 : end]):
            at = end
        else:
            found.append(items[at])
            at += 1
    return found

"""Negation: where a sentence says "not", what it sits on, and whether two sentences differ in it."""

from __future__ import annotations

import re
from collections.abc import Set

from tierwise.words import STOPWORDS, stem, words

Scopes = tuple[frozenset[str], ...]

# "No later than" and "no. 5" deny nothing.
_IDIOMS = re.compile(
    r"\b(?:no|not) (?:later|more|less|fewer|earlier|only|sooner|just(?! as\b))\b(?: than)?"
    r"|\bno longer than\b|\bNo\. ?(?=\d)",
    re.IGNORECASE,
)
_NEGATOR = re.compile(
    r"\b(?:not|no|never|none|neither|nor|nobody|nothing|cannot|without|unable|prohibited|forbidden|banned|"
    r"excluded|excludes|refused|lacks?|fails? to|failed to|(?:advise|decide|vote|warn)[ds]? against)\b|n['\u2019]t\b",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r"[,;:.!?()]|\b(?:but|however|although|though|while|whereas|except|unless|and|because|so|since|if|when|where|which|who|that)\b",
    re.IGNORECASE,
)
_REACH = 3  # content words on either side


def scopes_of(text: str) -> Scopes:
    """For each negation the stems of the content words next to it, within its clause."""
    text = _IDIOMS.sub(" ", text)
    found = []
    for match in _NEGATOR.finditer(text):
        ends = [end.end() for end in _CLAUSE_END.finditer(text, 0, match.start())]
        after = _CLAUSE_END.search(text, match.end())
        left = _stems(text[ends[-1] if ends else 0 : match.start()])[-_REACH:]
        right = _stems(text[match.end() : after.start() if after else len(text)])[:_REACH]
        found.append(frozenset((*left, *right)))
    return tuple(found)


def differs(claim: Scopes, stems: Set[str], span: Scopes) -> bool:
    """Whether the span denies what the claim affirms, or the other way round.

    Two negations cancel out: "not allowed without consent" does not deny "allowed with consent".

    Args:
        claim: scopes of the claim.
        stems: all content words of the claim.
        span: scopes of the span; those that touch nothing the claim says do not matter.
    """
    touching = [scope for scope in span if scope & stems]
    if claim:
        if any(not any(_same(mine, theirs) for theirs in touching) for mine in claim if mine):
            return True
        return len(claim) % 2 != len(touching) % 2
    enough = 1 if len(stems) <= _REACH else 2
    return sum(len(scope & stems) >= enough for scope in touching) % 2 == 1


def _same(one: frozenset[str], other: frozenset[str]) -> bool:
    # A neighbouring sentence may deny something else of the same thing: one word in common is not the same denial.
    return len(one & other) >= min(2, len(one), len(other))


def _stems(text: str) -> list[str]:
    return [stem(word) for word in words(text) if word not in STOPWORDS]

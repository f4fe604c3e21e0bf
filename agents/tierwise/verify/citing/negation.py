"""Negation: where a sentence says "not", what it sits on, and whether two sentences differ in it."""

from __future__ import annotations

import re
from collections.abc import Set

from tierwise.verify.citing.keys import keys_of

Scopes = tuple[frozenset[str], ...]

# "No later than" and "no. 5" deny nothing.
_IDIOMS = re.compile(
    r"\b(?:no|not) (?:later|more|less|fewer|earlier|longer) than\b|\bnot (?:only|just(?! as\b))\b|\bno sooner\b"
    r"|\bNo\. ?(?=\d)",
    re.IGNORECASE,
)
_NEGATOR = re.compile(
    r"\b(?:not|no|never|none|neither|nor|nobody|nothing|cannot|without|unable|prohibited|forbidden|banned|"
    r"excluded|excludes|refused?|refuses|lacks?|prevents?|prevented|disallow(?:s|ed)?|"
    r"instead of|rather than|other than|fails? to|failed to|(?:advise|decide|vote|warn)[ds]? against)\b|n['\u2019]t\b",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r"[,;:.!?()]|\b(?:but|however|although|though|while|whereas|except|unless|and|because|so|since|if|when|where|which|who|that)\b",
    re.IGNORECASE,
)
_WITHOUT = "~without"  # beside the keys of a scope; the only negation that may cancel out another one
_REACH = 3  # content words on either side


def scopes_of(text: str) -> Scopes:
    """For each negation the keys of the content words next to it, within its clause."""
    text = _IDIOMS.sub(" ", text)
    found = []
    for match in _NEGATOR.finditer(text):
        ends = [end.end() for end in _CLAUSE_END.finditer(text, 0, match.start())]
        after = _CLAUSE_END.search(text, match.end())
        left = keys_of(text[ends[-1] if ends else 0 : match.start()])[-_REACH:]
        right = keys_of(text[match.end() : after.start() if after else len(text)])[:_REACH]
        found.append(frozenset((*left, *right, *([_WITHOUT] if match[0].lower() == "without" else []))))
    return tuple(found)


def differs(claim: Scopes, keys: Set[str], span: Scopes) -> bool:
    """Whether the span denies what the claim affirms, or the other way round.

    Two negations cancel out: "not allowed without consent" does not deny "allowed with consent".

    Args:
        claim: scopes of the claim.
        keys: those of all content words of the claim.
        span: scopes of the span; those that touch nothing the claim says do not matter.
    """
    if claim and not span:
        return True
    if any(not scope - {_WITHOUT} for scope in span) and not claim:
        return True
    claim = tuple(scope for scope in claim if scope - {_WITHOUT})
    touching = [scope for scope in span if scope & keys]
    if claim:
        if any(not any(_same(mine, theirs) for theirs in touching) for mine in claim):
            return True
        return len(claim) % 2 != len(touching) % 2
    enough = 1 if len(keys) <= _REACH else 2
    denying = [scope for scope in touching if len(scope & keys) >= min(enough, len(scope - {_WITHOUT}))]
    return bool(denying) and not (len(denying) == 2 and sum(_WITHOUT in scope for scope in denying) == 1)


def _same(one: frozenset[str], other: frozenset[str]) -> bool:
    # A neighbouring sentence may deny something else of the same thing: one word in common is not the same denial.
    one, other = one - {_WITHOUT}, other - {_WITHOUT}
    return len(one & other) >= min(2, len(one), len(other))

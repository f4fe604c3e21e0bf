"""Words that turn a sentence into another one: opposites, bounds, "all" and "only", "must" and "may"."""

from __future__ import annotations

import re
from collections.abc import Set

_OPPOSITES = (
    ("minimum min least above over exceed", "maximum max most below under within"),
    ("before earlier prior", "after later following"),
    ("increase raise rise grow higher more gain", "decrease reduce lower fall drop less fewer shrink loss"),
    ("open opened opening opens", "closed closing closes close shut"),
    ("left", "right"),
    ("same identical", "different"),
    ("allowed permitted", "prohibited forbidden banned"),
    ("buyer buy bought purchase", "seller sell sold sale"),
    ("tenant renter", "landlord owner lessor"),
    ("hot warm", "cold cool"),
    ("first", "last"),
    ("won win winner", "lost lose loser"),
    ("accepted approved agreed", "rejected refused declined denied"),
    ("included includes include", "excluded excludes exclude"),
    ("north northern", "south southern"),
    ("east eastern", "west western"),
    ("mandatory required obligatory", "optional voluntary"),
    ("morning", "afternoon evening night"),
    ("weekday weekdays", "weekend weekends"),
    ("daily", "weekly monthly yearly annually"),
    ("weekly", "daily monthly yearly annually"),
    ("monthly", "daily weekly yearly annually"),
)
_OPPOSITE_SETS = tuple((frozenset(a.split()), frozenset(b.split())) for a, b in _OPPOSITES)
_COLOURS_WORDS = "red blue green yellow black white grey gray brown orange purple pink violet golden silver"
_COLOURS = frozenset(_COLOURS_WORDS.split())

_NUMBER = r"\s+(?:about\s+|around\s+)?[$\u20ac\u00a3]?[\ue000-\uf8ff]"
_BOUNDS = {
    "lower": r"\b(?:at least|minimum|min\.?|or more|n(?:o|ot) (?:less|fewer) than)\b|\bfrom [^.]* upwards?\b",
    "upper": r"\b(?:at most|maxim\w+|max\.?|up to|or less|or fewer|within|limit\w*)\b"
    r"|\bn(?:o|ot) (?:more|longer|later|greater|larger|higher) than\b",
    "over": r"(?<!no )(?<!not )\b(?:more|greater|larger|longer|higher|older|later) than\b"
    rf"{_NUMBER}|\b(?:over|above|exceed\w*|beyond){_NUMBER}",
    "under": r"(?<!no )(?<!not )\b(?:less|fewer|smaller|shorter|lower|younger|earlier) than\b"
    rf"{_NUMBER}|\b(?:under|below){_NUMBER}",
}
_BOUND_PATTERNS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _BOUNDS.items()}

# "Every six weeks" and "each 3 May" say when, not how many of them.
_ALL = re.compile(
    r"\b(?:all|always|any|entire|entirely|whole|throughout|whenever|every|each)\b",
    re.IGNORECASE,
)
_CLAIMS_ALL = re.compile(
    r"\b(?:all|always|entirely"
    r"|(?:every|each)(?!\s+(?:[\ue000-\uf8ff]|second|minute|hour|day|week|month|year|time)))\b",
    re.IGNORECASE,
)
_ONLY = re.compile(r"\b(?:only|solely|exclusively|sole|alone|nothing but|unless)\b", re.IGNORECASE)
_CLAIMS_ONLY = re.compile(r"\b(?:only|solely|exclusively)\b", re.IGNORECASE)
_NOT_ALL = re.compile(r"\bnot (?:only|all|every|always|necessarily|each|both)\b", re.IGNORECASE)
_EITHER = re.compile(r"\beither\b", re.IGNORECASE)
_OR = re.compile(r"\bn?or\b", re.IGNORECASE)
# What ties two statements together; a claim may not bring a tie of its own.
_TIES = {
    "tie:if": re.compile(r"\b(?:if|when|whenever|once|unless|in case|provided|where)\b", re.IGNORECASE),
    "tie:because": re.compile(r"\b(?:because|since|due to|as|so|therefore|thus|hence|for|why|reason)\b", re.IGNORECASE),
    "tie:although": re.compile(r"\b(?:although|though|but|however|despite|even|while|whereas)\b", re.IGNORECASE),
}
_CLAIMED_TIES = {
    "tie:if": re.compile(r"\b(?:if|unless)\b", re.IGNORECASE),
    "tie:because": re.compile(r"\b(?:because|therefore|hence|which is why|due to|so that)\b", re.IGNORECASE),
    "tie:although": re.compile(r"\b(?:although|though|despite)\b", re.IGNORECASE),
}
_MUST = re.compile(
    r"\b(?:must|shall|has to|have to|had to|(?:is|are|be) required|requires|needs?"
    r"|mandatory|obliged|obligatory|necessary)\b",
    re.IGNORECASE,
)
_SHOULD = re.compile(r"\b(?:should|ought|recommend\w*|advis\w+|suggest\w*)\b", re.IGNORECASE)
_MAY = re.compile(r"\b(?:may|can|might|could|optional|optionally)\b", re.IGNORECASE)


def emphasis_of(text: str) -> frozenset[str]:
    """What a text says of how many, how much and how surely, as codes; numbers are private characters by now."""
    found = {kind for kind, pattern in _BOUND_PATTERNS.items() if pattern.search(text)}
    for name, pattern in (
        ("all", _ALL), ("claims all", _CLAIMS_ALL), ("only", _ONLY), ("claims only", _CLAIMS_ONLY),
        ("must", _MUST), ("should", _SHOULD), ("may", _MAY), ("not all", _NOT_ALL), ("either", _EITHER), ("or", _OR),
    ):  # fmt: skip
        if pattern.search(text):
            found.add(name)
    found |= {tie for tie, pattern in _TIES.items() if pattern.search(text)}
    found |= {f"claims {tie}" for tie, pattern in _CLAIMED_TIES.items() if pattern.search(text)}
    return frozenset(found)


def stronger(claim: Set[str], span: Set[str]) -> bool:
    """Whether the claim says more than the span: a bound, an "all", an "only" or a "must" of its own."""
    if (claim & _BOUND_PATTERNS.keys()) - span:
        return True
    if any(f"claims {tie}" in claim and tie not in span for tie in _TIES):
        return True
    if ("not all" in claim) != ("not all" in span) or ("either" in span and "or" not in claim):
        return True
    if ("claims all" in claim and "all" not in span) or ("claims only" in claim and "only" not in span):
        return True
    if "must" in claim and "must" not in span:
        return bool(span & {"should", "may"})
    return "should" in claim and "may" in span and not span & {"must", "should"}


def opposed(claim: Set[str], span: Set[str]) -> bool:
    """Whether the words of the claim hold the opposite of a word of the span, or another colour."""
    if span & _COLOURS and (claim & _COLOURS) - span:
        return True
    return any(
        claim & mine and not claim & theirs and span & theirs and not span & mine
        for one, other in _OPPOSITE_SETS
        for mine, theirs in ((one, other), (other, one))
    )

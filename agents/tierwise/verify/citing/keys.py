"""Words made comparable between a claim and its source: one key for all forms of a word and for its synonyms."""

from __future__ import annotations

from functools import lru_cache

from tierwise.verify.citing.synonyms import FILLERS, GROUPS
from tierwise.words import STOPWORDS, stem, words

# Nouns made of verbs: "deletion" and "deleted". What makes another thing of a word (-er, -less, -able) is not here.
_SUFFIXES = ("ation", "ition", "ion", "ment", "ance", "ence", "ness")
# Function words elsewhere, for they are about the text; here "the source of the package" is not the package.
_THINGS = frozenset(
    ("answer", "context", "document", "documents", "passage", "passages", "question", "source", "sources")
)
_SHORTEST = 5  # letters that are left of a word without its suffix


def _root(word: str) -> str:
    found = stem(word)
    for suffix in _SUFFIXES:
        if found.endswith(suffix) and len(found) - len(suffix) >= _SHORTEST:
            found = found.removesuffix(suffix)
            break
    if found.endswith("at") and len(found) - 2 >= _SHORTEST:
        found = found.removesuffix("at")
    return found.rstrip("e") if len(found) > _SHORTEST else found


def _groups() -> dict[str, str]:
    """The first word of its group for each word that has synonyms; the first group that has a word keeps it."""
    found: dict[str, str] = {}
    for line in GROUPS.split("\n"):
        roots = [_root(word) for word in line.split()]
        for root in roots:
            found.setdefault(root, roots[0])
    return found


_GROUP_OF = _groups()
FILLER_KEYS = frozenset(_GROUP_OF.get(_root(word), _root(word)) for word in FILLERS.split())


@lru_cache(maxsize=20_000)
def key_of(word: str) -> str:
    """The key of a word in lower case."""
    root = _root(word)
    return _GROUP_OF.get(root, root)


def keys_of(text: str) -> list[str]:
    """Keys of the words that carry meaning, in order, repeats kept; numbers are not words."""
    return [key_of(word) for word in words(text) if is_content(word)]


def is_content(word: str) -> bool:
    """Whether a word in lower case is no mere function word."""
    return (word not in STOPWORDS or word in _THINGS) and "'" not in word.removesuffix("'s")

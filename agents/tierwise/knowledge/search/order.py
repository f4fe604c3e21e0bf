"""From a question to an order of passages: nearest vectors first, with a small bonus for matching words.

The figures behind the constants are in docs/knowledge.md; ``benches/retrieval.py`` makes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

RELEVANCE_FLOOR = 0.20
"""A best cosine below this says that most likely nothing relevant is stored.

Measured: of 50 questions that 176 documents answer, the lowest best cosine was 0.38; over four short documents a
question that one of them answered had 0.27, and remarks about none of them stayed below 0.20. It does not tell
questions whose answer is missing: those on the documents' own subjects reached 0.36 to 0.63.
"""

DEPTH = 50
"""Passages of each kind, near and matching, that are looked at."""

WORD_BONUS = 0.05
"""What the best match of words is worth, as a difference in cosine."""

_MAX_WORDS = 64
_WORD = re.compile(r"\w+")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """
        a about an and any are as at be been but by can could did do does for from get had has have how i if
        in into is it its many may me much my no not of on one or our out should so some than that the their
        them then there these they this to up use was we were what when where which while who why will with
        would you your
        """,
    )
)


def query_words(query: str) -> list[str]:
    """The words of a question that are worth looking for: each once, common ones only if there are no others."""
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(query)))
    return ([word for word in words if word not in _COMMON] or words)[:_MAX_WORDS]


def combine(cosines: Mapping[str, float], words: Sequence[tuple[str, float]]) -> list[str]:
    """Put passages in order by cosine plus a bounded bonus for words; equal ones by id.

    Fusion by rank alone loses to cosines alone, since matching words are by far the weaker sign; as a bonus they break
    near ties, and lift the passage that holds the very name or number asked for.

    Args:
        cosines: cosine of the question to each passage, in [-1, 1].
        words: BM25 of the passages that hold words of the question, best first, higher is better.

    Returns:
        All ids of ``cosines``, best first; a passage of ``words`` without a cosine follows after them.
    """
    best = words[0][1] if words else 0.0
    bonus = {id_: WORD_BONUS * score / best for id_, score in words} if best > 0 else {}
    ranked = sorted(cosines, key=lambda id_: (-(cosines[id_] + bonus.get(id_, 0.0)), id_))
    return ranked + [id_ for id_, _ in words if id_ not in cosines]

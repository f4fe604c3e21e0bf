"""What a passage is worth for a question: nearness in meaning, and a bounded bonus for holding its words.

The figures behind the constants are in docs/knowledge.md; ``tierwise bench retrieval`` makes them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from tierwise.knowledge.search.words import Held, share

DEPTH = 50
"""Passages of each kind, near and holding words, that are looked at."""

WORD_BONUS = 0.3
"""What holding all of a question's words is worth, as a difference in cosine."""

EXACT_BONUS = 0.15
"""What holding all its names and quotes, as they are spelt, is worth on top."""


def worth(cosine: float, held: Sequence[Held], row: int, window: Collection[int]) -> float:
    """The worth of a passage: its cosine, plus a bonus of at most ``WORD_BONUS + EXACT_BONUS`` for words.

    The bonus is the share of the question's words that it holds, rare ones counting for more. Words in the passage
    itself count fully, those beside it, in its window, half. Unlike a fusion of ranks this does not take the best match
    of words for as good as the nearest passage: a question of which nothing telling is held gets no bonus anywhere.

    Args:
        cosine: of the question to the passage; 0.0 if there are no vectors.
        held: the question's terms with the passages that hold them.
        row: of the passage.
        window: rows of the passages that are shown with it, its own among them.
    """
    exact = [one for one in held if one.exact]
    words = (share(held, (row,)) + share(held, window)) / 2
    return cosine + WORD_BONUS * words + EXACT_BONUS * share(exact, window)


def relevance_floor(passages: int) -> float:
    """The :func:`worth` below which the best of so many passages most likely has nothing to do with the question.

    Cosines of a question to passages about other things scatter around 0 with a standard deviation of 0.055 (MiniLM,
    over two stores), so the greatest of n of them grows like ``0.055 * sqrt(2 ln n)``; the floor is 0.08 above that.
    Of 95 questions that 3,447 and 8,166 passages answer none was below, of 62 everyday questions and remarks 46 were.
    It cannot tell a question on the documents' own subjects whose answer is missing.
    """
    return 0.08 + 0.055 * math.sqrt(2 * math.log(max(1, passages)))

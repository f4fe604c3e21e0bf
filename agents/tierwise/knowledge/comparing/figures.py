"""What came of a comparison, in figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tierwise.knowledge.comparing.questions import FIRST, Rank


@dataclass(frozen=True, slots=True)
class Hits:
    """Shares of questions whose first counting passage stands among the first 1, 5 or 10, and its mean inverse rank."""

    at_1: float
    at_5: float
    at_10: float
    mrr: float


@dataclass(frozen=True, slots=True)
class Way:
    """One way to search.

    Attributes:
        name: ``ours``, ``words``, ``dense`` or ``fusion``.
        over: what it searched: ``chunks`` of 200 words, our ``passages``, or these ``widened`` as ours are.
        quote: by passages that hold a quote; the main figures.
        file: by passages from a right file.
        all_parts: share of questions of which every part was among the first ten.
        words: mean length of what it found.
    """

    name: str
    over: str
    quote: Hits
    file: Hits
    all_parts: float
    words: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Ours against another way, question by question.

    Attributes:
        name: of the other way.
        over: what the other way searched.
        by: ``rank``: who has a quote earlier; ``hit@5``: who has one among the first five.
        won: questions that ours did better at.
        lost: that the other did better at.
        tied: all others.
        p: two-sided, of an exact sign test over those not tied.
    """

    name: str
    over: str
    by: str
    won: int
    lost: int
    tied: int
    p: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """How often nothing relevant was said to be found for questions of a kind."""

    kind: str
    asked: int
    refused: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ways to search one corpus, on the same questions.

    Attributes:
        files: that were read.
        failed: that were not.
        passages: stored.
        passage_words: their mean length as they are embedded.
        questions: that have quotes.
        ways: ours first.
        pairs: ours against each of the others.
        refusals: ``answerable`` first, where each is a mistake.
        search_ms: median of our search without the embedding of the question.
        seconds: that reading and embedding the corpus took.
    """

    files: int
    failed: int
    passages: int
    passage_words: float
    questions: int
    ways: tuple[Way, ...]
    pairs: tuple[Pair, ...]
    refusals: tuple[Refusal, ...]
    search_ms: float
    seconds: float


def way(name: str, over: str, ranks: Sequence[Rank], words: float) -> Way:
    """The figures of one way from its ranks."""
    quote, file = _hits([rank.quote for rank in ranks]), _hits([rank.file for rank in ranks])
    return Way(name, over, quote, file, sum(rank.parts for rank in ranks) / len(ranks), words)


def _hits(ranks: Sequence[int]) -> Hits:
    at_1, at_5, at_10 = (sum(0 < rank <= n for rank in ranks) / len(ranks) for n in (1, 5, FIRST))
    return Hits(at_1, at_5, at_10, sum(map(_inverse, ranks)) / len(ranks))


def _inverse(rank: int) -> float:
    return 1 / rank if rank else 0.0


def pairs(name: str, over: str, ours: Sequence[Rank], other: Sequence[Rank]) -> tuple[Pair, Pair]:
    """Ours against another way: by rank, and by being among the first five."""
    inverse = [
        (1 / a.quote if a.quote else 0.0, 1 / b.quote if b.quote else 0.0) for a, b in zip(ours, other, strict=True)
    ]
    return (
        _pair(name, over, "rank", inverse),
        _pair(name, over, "hit@5", [(float(a >= 1 / 5), float(b >= 1 / 5)) for a, b in inverse]),
    )


def _pair(name: str, over: str, by: str, values: Sequence[tuple[float, float]]) -> Pair:
    won, lost = sum(a > b for a, b in values), sum(a < b for a, b in values)
    return Pair(name, over, by, won, lost, len(values) - won - lost, sign_test(won, lost))


def sign_test(won: int, lost: int) -> float:
    """The two-sided chance of a split at least as uneven, if both were equally good."""
    n = won + lost
    tail = sum(math.comb(n, i) for i in range(min(won, lost) + 1))
    return min(1.0, 2 * tail / (1 << n))

"""What the model's own probabilities say about the answer proper, and how unsure its least sure tokens are.

Most tokens of a draft are filler that every model is sure of, so the mean over all of them hardly moves; quantiles tell
more (Gupta et al. 2024, arXiv 2404.10136), and so do the tokens of the answer itself.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from tierwise.types import TokenEvidence
from tierwise.verify.final import final_answer

_NUMBERS = re.compile(r"\d[\d,.]*(?<![,.])")


def answer_features(text: str, evidence: TokenEvidence | None) -> dict[str, float]:
    """Measure the tokens of the final answer, of numbers, and of the whole draft.

    Args:
        text: the draft, as it was generated: ``evidence.starts`` are places in it.
        evidence: one number a token; tokens that a schema forced have none and are passed over.

    Returns:
        Over the tokens of :func:`~tierwise.verify.final.final_answer`: ``answer_logprob_min``, ``answer_logprob_mean``
        (nats), ``answer_margin_min`` (in [0, 1]), ``answer_entropy_max`` (nats). Over those of all numbers:
        ``number_logprob_min``. Over all tokens: ``logprob_p25``, ``logprob_p50`` (nats), ``margin_p10``,
        ``entropy_p90``, ``entropy_max`` (nats). What cannot be measured is absent: without ``starts`` the first two
        groups, without a final answer the first, without evidence everything.
    """
    if evidence is None or not evidence.logprobs:
        return {}
    features = _overall(evidence)
    if len(evidence.starts) != len(evidence.logprobs):
        return features
    final = final_answer(text)
    if final is not None:
        features |= _within(evidence, tokens_within(evidence.starts, final.start, final.end))
    numbers = [
        evidence.logprobs[i]
        for match in _NUMBERS.finditer(text)
        for i in tokens_within(evidence.starts, match.start(), match.end())
    ]
    if numbers:
        features["number_logprob_min"] = min(numbers)
    return features


def tokens_within(starts: Sequence[int], start: int, end: int) -> range:
    """Which tokens overlap ``text[start:end]``: a token reaches to the start of the next one.

    Args:
        starts: where each token begins, rising; several may begin at one place (bytes of one character).
        start: first character.
        end: one past the last; an empty stretch has no tokens.
    """
    if start >= end or not starts or end <= starts[0]:
        return range(0)
    last = bisect_left(starts, end)
    # The first one begins at the start itself or is the last that begins before it.
    first = bisect_left(starts, start)
    if first == len(starts) or starts[first] != start:
        first = max(0, bisect_right(starts, start) - 1)
    return range(first, last)


def _overall(evidence: TokenEvidence) -> dict[str, float]:
    logprobs = sorted(evidence.logprobs)
    features = {"logprob_p25": _quantile(logprobs, 0.25), "logprob_p50": _quantile(logprobs, 0.5)}
    if evidence.margins:
        features["margin_p10"] = _quantile(sorted(evidence.margins), 0.1)
    if evidence.entropies:
        entropies = sorted(evidence.entropies)
        features |= {"entropy_p90": _quantile(entropies, 0.9), "entropy_max": entropies[-1]}
    return features


def _within(evidence: TokenEvidence, tokens: range) -> dict[str, float]:
    logprobs = evidence.logprobs[tokens.start : tokens.stop]
    if not logprobs:
        return {}
    features = {"answer_logprob_min": min(logprobs), "answer_logprob_mean": sum(logprobs) / len(logprobs)}
    if margins := evidence.margins[tokens.start : tokens.stop]:
        features["answer_margin_min"] = min(margins)
    if entropies := evidence.entropies[tokens.start : tokens.stop]:
        features["answer_entropy_max"] = max(entropies)
    return features


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[int(share * (len(ordered) - 1))]

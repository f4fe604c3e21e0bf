"""What a second look says about a draft: another sample of the same model, or the model's own yes or no.

A model that knows gives the same answer when it is asked again (self-consistency, Wang et al. 2022, arXiv 2203.11171),
and the probability it gives to "Yes, that is right" is a fair chance (P(True), Kadavath et al. 2022, arXiv 2207.05221).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from tierwise.types import TokenEvidence
from tierwise.verify.answer_tokens import tokens_within
from tierwise.verify.final import final_answer, same_answer
from tierwise.words import content_words, words


def agreement(draft: str, other: str) -> dict[str, float]:
    """How far two answers to one question agree; symmetric.

    Returns:
        All in [0, 1]: ``agree_answer`` (1 if their final answers are the same, 0 if they differ; absent if one has none
        or they cannot be compared), ``agree_words`` (content words in both among those in either; absent if neither has
        any), ``agree_length`` (words of the shorter one over those of the longer; absent if both are empty).
    """
    features: dict[str, float] = {}
    mine, theirs = final_answer(draft), final_answer(other)
    same = same_answer(mine, theirs) if mine is not None and theirs is not None else None
    if same is not None:
        features["agree_answer"] = float(same)
    one, two = set(content_words(draft)), set(content_words(other))
    if one or two:
        features["agree_words"] = len(one & two) / len(one | two)
    lengths = sorted((_length(draft), _length(other)))
    if lengths[1]:
        features["agree_length"] = lengths[0] / lengths[1]
    return features


def mean_agreement(draft: str, others: Sequence[str]) -> dict[str, float]:
    """The mean of :func:`agreement` with each of several samples, over those for which it is there."""
    found = [agreement(draft, other) for other in others]
    names = dict.fromkeys(name for one in found for name in one)
    return {name: _mean([one[name] for one in found if name in one]) for name in names}


def self_yes(text: str, evidence: TokenEvidence | None, yes: str = "Yes", no: str = "No") -> float | None:
    """The probability of yes from a short answer that begins with one of two words.

    Args:
        text: what the model answered to "Is that right?".
        evidence: of that answer. Without ``starts``, the text must be the word alone.
        yes: the word that agrees; case does not matter.
        no: the word that does not.

    Returns:
        The probability of the tokens of the word, ``p``, if it is yes, and ``1 - p`` if it is no: all that is not no is
        taken for yes, which holds if the model was held to the two words. ``None`` if the answer is neither or there is
        no evidence.
    """
    if evidence is None or not evidence.logprobs:
        return None
    choices = "|".join(sorted(map(re.escape, (yes, no)), key=len, reverse=True))
    match = re.match(rf"[\s*_\"'`]*({choices})(?!\w)", text, re.IGNORECASE)
    if match is None:
        return None
    if len(evidence.starts) == len(evidence.logprobs):
        tokens = tokens_within(evidence.starts, match.start(1), match.end(1))
    elif re.sub(r"\W+$", "", text[match.end(1) :]):
        return None
    else:
        tokens = range(len(evidence.logprobs))
    if not tokens:
        return None
    p = math.exp(min(0.0, sum(evidence.logprobs[i] for i in tokens)))
    return p if match[1].casefold() == yes.casefold() else 1.0 - p


def _length(text: str) -> int:
    return len(words(text)) + len(re.findall(r"\d+", text))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)

"""What can be read off a question before anything is drafted, in about a tenth of a millisecond."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from tierwise.routing.thread.staying import RETRY, escalated, is_above
from tierwise.turns import PastTurn
from tierwise.types import Passage
from tierwise.words import content_words, coverage, words

_OPERATORS = re.compile(r"[-+*/^=<>%\u00d7\u00f7\u2211\u221a\u222b]")
_CODE = re.compile(
    r"```|`[^`\n]+`|\b(?:def|class|import|SELECT|return|function|const)\b|[{};]\s*$|\w+\(.*\)|=>", re.MULTILINE
)
_PART = re.compile(
    r"(?:^|\n)\s*(?:\d+[.)]|[a-h][.)]|[-*\u2022])\s+\S|\?(?=\s|$)|\b(?:and then|as well as|in addition)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(r"\b(?:not|never|no|none|without|except)\b|n['\u2019]t\b", re.IGNORECASE)
_REASONING = re.compile(
    r"\b(?:why|explain|prove|derive|compare|contrast|design|analy[sz]e|evaluate|optimi[sz]e|step by step)\b",
    re.IGNORECASE,
)


def surface_features(text: str) -> dict[str, float]:
    """Features of the wording alone.

    Returns:
        ``log_words`` (natural log of 1 + words), ``digits`` and ``operators`` and ``code`` (how many), ``parts`` (how
        many things are asked), ``negations``, ``reasoning`` (words that ask for reasoning), ``mean_word`` (letters a
        word) and ``non_ascii`` (share of letters outside ASCII: another language or script).
    """
    found = words(text)
    letters = [char for char in text if char.isalpha()]
    return {
        "log_words": math.log1p(len(found)),
        "digits": float(sum(char.isdigit() for char in text)),
        "operators": float(len(_OPERATORS.findall(text))),
        "code": float(len(_CODE.findall(text))),
        "parts": float(max(1, len(_PART.findall(text)))),
        "negations": float(len(_NEGATION.findall(text))),
        "reasoning": float(len(_REASONING.findall(text))),
        "mean_word": sum(map(len, found)) / len(found) if found else 0.0,
        "non_ascii": sum(not char.isascii() for char in letters) / len(letters) if letters else 0.0,
    }


def retrieval_features(question: str, passages: Sequence[Passage]) -> dict[str, float]:
    """How well the passages fit the question; nothing but ``passages`` when there are none: absent is absent.

    Returns:
        ``passages`` and ``sources`` (how many), ``top_score`` and ``mean_score`` (cosine), ``score_margin`` (best minus
        second best, only with two or more), ``question_coverage`` (share of the question's content words that stand in
        the passages, only if it has any).
    """
    features = {"passages": float(len(passages))}
    if not passages:
        return features
    scores = sorted((passage.score for passage in passages), reverse=True)
    features["sources"] = float(len({passage.source for passage in passages}))
    features["top_score"] = scores[0]
    features["mean_score"] = sum(scores) / len(scores)
    if len(scores) > 1:
        features["score_margin"] = scores[0] - scores[1]
    covered = coverage(content_words(question), (w for passage in passages for w in content_words(passage.text)))
    if covered is not None:
        features["question_coverage"] = covered
    return features


def conversation_features(
    question: str, turns: Sequence[PastTurn], tiers: Sequence[str], *, likeness: float | None = None
) -> dict[str, float]:
    """What the thread so far tells; nothing when it has no turns: absent is absent.

    Args:
        question: the user's message.
        turns: the newest of the thread, oldest first.
        tiers: names of the tiers, cheapest first.
        likeness: cosine of the question to the nearest of the earlier ones, ``None`` if not known.

    Returns:
        ``turns_since_escalation`` (0 if the last turn was led to a larger tier by evidence; only if one was),
        ``previous_above`` (1 if a tier above the cheapest served the last turn), ``retry`` (1 if the question was asked
        before), ``overrules`` (answers that took the place of another) and, if it is known, ``likeness``.
    """
    if not turns:
        return {}
    since = next((n for n, turn in enumerate(reversed(turns)) if escalated(turn, tiers)), None)
    again = _even(question) in {_even(turn.asked) for turn in turns} or (likeness is not None and likeness > RETRY)
    features = {
        "previous_above": float(is_above(turns[-1], tiers)),
        "retry": float(again),
        "overrules": float(sum(turn.overrule is not None for turn in turns)),
    }
    if since is not None:
        features["turns_since_escalation"] = float(since)
    if likeness is not None:
        features["likeness"] = likeness
    return features


def _even(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip("?!. ")

"""What is measured of a question and a draft: in words, what a rise may mean, and which values it can have.

Routing learns from these and verification reports them, so both name them alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signal:
    """One measurement.

    Attributes:
        words: what it is, for people.
        sign: more of it can only speak for the draft (1), only against it (-1), or either (0).
        low: it is above this, or cannot be below.
        high: it is below this, or cannot be above.
    """

    words: str
    sign: int = 0
    low: float = -math.inf
    high: float = math.inf


def _logprob(words: str) -> Signal:
    return Signal(words, 1, high=0.0)


def _entropy(words: str) -> Signal:
    return Signal(words, -1, low=0.0)


def _share(words: str, sign: int) -> Signal:
    return Signal(words, sign, 0.0, 1.0)


DRAFT: dict[str, Signal] = {
    "logprob_mean": _logprob("mean log-probability of its tokens"),
    "logprob_p10": _logprob("log-probability of its weakest tenth"),
    "logprob_p25": _logprob("log-probability of its weakest quarter"),
    "logprob_p50": _logprob("median log-probability of its tokens"),
    "logprob_min": _logprob("log-probability of its weakest token"),
    "low_share": _share("share of tokens the model itself doubted", -1),
    "margin_mean": _share("mean lead of the chosen token", 1),
    "margin_p10": _share("lead of the chosen token in its weakest tenth", 1),
    "entropy_mean": _entropy("mean entropy of its tokens"),
    "entropy_p90": _entropy("entropy of its least certain tenth"),
    "entropy_max": _entropy("entropy of its least certain token"),
    "answer_logprob_min": _logprob("log-probability of the weakest token of its final answer"),
    "answer_logprob_mean": _logprob("mean log-probability of its final answer"),
    "answer_margin_min": _share("smallest lead of a token in its final answer", 1),
    "answer_entropy_max": _entropy("largest entropy of a token in its final answer"),
    "number_logprob_min": _logprob("log-probability of the weakest token of its numbers"),
    "log_tokens": Signal("length (log of tokens)", low=0.0),
    "sums_wrong": Signal("sums that are wrong", -1, low=0.0),
    "numbers_used": _share("share of the question's numbers that it uses", 0),
    "numbers_new": Signal("numbers that the question has not", low=0.0),
    "grounded": Signal("made from passages", low=0.0, high=1.0),
    "top_score": Signal("similarity of the best passage", 1, -1.0, 1.0),
    "question_coverage": _share("share of the question's words in the passages", 1),
    "supported_share": _share("share of its claims that the passages support", 1),
    "hedges": Signal("words of doubt", -1, low=0.0),
    "echo": _share("share of its words that repeat the question", 0),
}
"""Of a draft, without a further model call."""

SELF_CHECK: dict[str, Signal] = {"self_yes": _share("chance that its model, asked, calls it right", 1)}
SECOND_SAMPLE: dict[str, Signal] = {
    "agree_answer": _share("agreement of a second sample's final answer", 1),
    "agree_words": _share("share of words in common with a second sample", 1),
    "agree_length": _share("likeness in length to a second sample", 1),
}
"""Of further looks at a draft."""

ASKED: dict[str, Signal] = {
    "log_words": Signal("length of the question (log of words)", low=0.0),
    "digits": Signal("digits in the question", low=0.0),
    "operators": Signal("operators in the question", low=0.0),
    "code": Signal("pieces of code in the question", low=0.0),
    "parts": Signal("things the question asks", low=0.0),
    "negations": Signal("negations in the question", low=0.0),
    "reasoning": Signal("words of the question that ask for reasoning", low=0.0),
    "mean_word": Signal("mean length of the question's words", low=0.0),
    "non_ascii": _share("share of the question's letters outside ASCII", 0),
    "passages": Signal("passages found", low=0.0),
    "sources": Signal("sources of the passages", low=0.0),
    "mean_score": Signal("mean similarity of the passages", 0, -1.0, 1.0),
    "score_margin": Signal("lead of the best passage", low=0.0),
}
"""Of a question before drafting; its vector comes on top."""

BEGUN: dict[str, Signal] = {"begun_logprob": _logprob("mean log-probability of its first tokens")}
BEGUN_TOKENS = 24
"""Of the beginning of a draft, and how many tokens that is."""

ALL: dict[str, Signal] = {**ASKED, **DRAFT, **SELF_CHECK, **SECOND_SAMPLE, **BEGUN}


def signs(signals: dict[str, Signal]) -> dict[str, int]:
    """Sign of each signal by its name."""
    return {name: signal.sign for name, signal in signals.items()}


def words_of(name: str) -> str:
    """A signal for people; the name itself for one that is not known here."""
    return ALL[name].words if name in ALL else name


def vector_names(dimension: int) -> tuple[str, ...]:
    """Names of a vector's numbers as features."""
    return tuple(f"v{place}" for place in range(dimension))

"""Evidence in a draft that costs no model call: what can be measured, and what is plainly wrong.

Measures return features; a feature that cannot be measured is absent. Checks return the :class:`~tierwise.types.Reason`
why a draft cannot stand, or ``None``.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter

from tierwise.signals import BEGUN_TOKENS
from tierwise.types import Draft, Reason, TokenEvidence
from tierwise.verify.citing.support import Support
from tierwise.verify.phrases import hedges, refusal
from tierwise.words import content_words, coverage

# -- measures ----------------------------------------------------------------------------------------------------------


def token_features(evidence: TokenEvidence | None) -> dict[str, float]:
    """What the model's own probabilities say.

    Returns:
        ``logprob_mean``, ``logprob_p10`` (10 % quantile), ``logprob_min`` in nats; ``low_share`` (share of tokens under
        p = 0.5); ``margin_mean``; ``entropy_mean`` in nats; ``log_tokens`` (natural log of the number of tokens). Empty
        without evidence.
    """
    if evidence is None or not evidence.logprobs:
        return {}
    ordered = sorted(evidence.logprobs)
    n = len(ordered)
    features = {
        "logprob_mean": sum(ordered) / n,
        "logprob_p10": ordered[int(0.1 * (n - 1))],
        "logprob_min": ordered[0],
        "low_share": sum(value < math.log(0.5) for value in ordered) / n,
        "log_tokens": math.log(n),
    }
    if n >= BEGUN_TOKENS:
        features["begun_logprob"] = sum(evidence.logprobs[:BEGUN_TOKENS]) / BEGUN_TOKENS
    if evidence.margins:
        features["margin_mean"] = sum(evidence.margins) / len(evidence.margins)
    if evidence.entropies:
        features["entropy_mean"] = sum(evidence.entropies) / len(evidence.entropies)
    return features


def retrieval_features(draft: Draft) -> dict[str, float]:
    """How well the passages fit the question.

    Returns:
        ``grounded`` (1 if the draft was made from passages, else 0); with passages ``top_score`` (cosine), ``sources``
        (how many) and ``question_coverage`` (share of the question's content words in them, if it has any).
    """
    if not draft.passages:
        return {"grounded": 0.0}
    features = {
        "grounded": 1.0,
        "top_score": max(passage.score for passage in draft.passages),
        "sources": float(len({passage.source for passage in draft.passages})),
    }
    present = (word for passage in draft.passages for word in content_words(passage.text))
    covered = coverage(content_words(draft.question), present)
    if covered is not None:
        features["question_coverage"] = covered
    return features


def text_features(draft: Draft) -> dict[str, float]:
    """``hedges``: words of doubt in the draft; ``echo``: share of its content words that stand in the question."""
    features = {"hedges": float(hedges(draft.text))}
    echo = coverage(content_words(draft.text), content_words(draft.question))
    if echo is not None:
        features["echo"] = echo
    return features


def support_features(support: Support | None) -> dict[str, float]:
    """``claims`` (how many) and ``supported_share``, if the draft claims anything and was made from passages."""
    if support is None or support.supported_share is None:
        return {}
    return {
        "claims": float(sum(sentence.is_claim for sentence in support.sentences)),
        "supported_share": support.supported_share,
    }


# -- checks ------------------------------------------------------------------------------------------------------------

_LOOP_WORDS = 24
_LOOP_SHARE = 0.5
_LOOP_LINES = 4


def check_doubted(draft: Draft) -> Reason | None:
    """Its model doubted the first words so much that they were not written on."""
    if draft.finish != "doubted" or draft.evidence is None:
        return None
    mean = sum(draft.evidence.logprobs) / len(draft.evidence.logprobs)
    text = f"Its model doubted its own first words (mean log-probability {mean:.2f}), so they were not written on."
    return Reason("doubted", text, mean, draft.begun_floor)


def check_empty(draft: Draft) -> Reason | None:
    """Nothing was said."""
    if any(char.isalnum() for char in draft.text):
        return None
    return Reason("empty", "The draft is empty.")


def check_truncated(draft: Draft) -> Reason | None:
    """The token limit cut the draft."""
    return Reason("truncated", "The draft ran into its token limit.") if draft.finish == "length" else None


def check_filtered(draft: Draft) -> Reason | None:
    """A content filter cut the draft."""
    return Reason("filtered", "A content filter cut the draft.") if draft.finish == "content_filter" else None


def check_loop(draft: Draft) -> Reason | None:
    """The draft says the same again and again."""
    lines = Counter(line.strip() for line in draft.text.splitlines() if len(line.strip()) > 12)
    most = max(lines.values(), default=0)
    if most >= _LOOP_LINES:
        return Reason("loop", f"The draft repeats one line {most} times.", float(most), float(_LOOP_LINES))
    words = draft.text.lower().split()
    if len(words) < _LOOP_WORDS:
        return None
    grams = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
    repeated = 1 - len(set(grams)) / len(grams)
    if repeated < _LOOP_SHARE:
        return None
    return Reason("loop", f"The draft repeats itself ({repeated:.0%} of its phrases).", repeated, _LOOP_SHARE)


def check_refusal(draft: Draft) -> Reason | None:
    """The draft declines to answer, or says that the passages do not tell."""
    words = refusal(draft.text)
    return None if words is None else Reason("refusal", f'The draft does not answer: "{words}".')


def check_tools(draft: Draft) -> Reason | None:
    """A tool that the draft needed failed."""
    if not draft.tool_errors:
        return None
    calls = "A tool call" if draft.tool_errors == 1 else f"{draft.tool_errors} tool calls"
    return Reason("tool_error", f"{calls} failed.", float(draft.tool_errors), 1.0)


_JSON_ASKED = re.compile(
    r"\b(?:as|in|into|valid|return|output|respond with|reply with|only|a|an?)"
    r" (?:a |an |valid |only |pure )*json\b",
    re.IGNORECASE,
)
_ABOUT_JSON = re.compile(r"\b(?:what|why|explain|how)\b[^.?!\n]*\bjson\b", re.IGNORECASE)
_FENCED = re.compile(r"```[a-zA-Z]*\n(.*?)```", re.DOTALL)
_COUNT_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_COUNTS = {word: n for n, word in enumerate(_COUNT_WORDS, 2)}
_NO_ITEMS = "percent|words?|sentences?|letters?|lines?|paragraphs?|euros?|dollars?|years?"
_COUNT_ASKED = re.compile(
    rf"\b(?:list|name|give(?: me)?|write|suggest|mention|enumerate|provide)(?: the| me| at least| exactly)*"
    rf" (\d{{1,2}}|{'|'.join(_COUNTS)})\b(?! (?:{_NO_ITEMS}))",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^\s*(?:[-*\u2022+]|\(?\d{1,2}[.)])\s+\S", re.MULTILINE)
_PARTS = re.compile(r",\s*(?:and\s+|or\s+)?|;\s*|\s+and\s+|\n+|(?<=[.!?])\s+")


def check_format(draft: Draft) -> Reason | None:
    """The draft does not have the form that was asked for: JSON, a closed code block, a number of items."""
    if draft.text.count("```") % 2:
        return Reason("format", "A code block of the draft is not closed.")
    if _JSON_ASKED.search(draft.question) and not _ABOUT_JSON.search(draft.question) and not _is_json(draft.text):
        return Reason("format", "JSON was asked for, and the draft is not valid JSON.")
    asked = _COUNT_ASKED.search(draft.question)
    if asked:
        wanted = _COUNTS.get(asked[1].lower()) or int(asked[1])
        found = len(_ITEM.findall(draft.text)) or sum(bool(p.strip()) for p in _PARTS.split(draft.text))
        if found < wanted:
            return Reason("format", f"{wanted} items were asked for, {found} came.", float(found), float(wanted))
    return None


def _is_json(text: str) -> bool:
    fenced = _FENCED.search(text)
    try:
        json.loads(fenced[1] if fenced else text)
    except ValueError:
        return False
    return True

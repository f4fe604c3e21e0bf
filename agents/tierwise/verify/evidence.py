"""The verifier that needs no further model call: plain failures first, then one calibrated probability."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tierwise.signals import words_of
from tierwise.types import Draft, Reason, Verdict, Wish
from tierwise.verify import checks
from tierwise.verify.answer_tokens import answer_features
from tierwise.verify.base import Judge
from tierwise.verify.card import EvidenceCard
from tierwise.verify.citing.support import Support, cite
from tierwise.verify.grounded import invented
from tierwise.verify.marks import read_marks
from tierwise.verify.reckoning import reckoning_features
from tierwise.verify.wording import about_own_documents

if TYPE_CHECKING:
    from tierwise.models.base import Embedder

_CHECKS: tuple[Callable[[Draft], Reason | None], ...] = (
    checks.check_doubted,
    checks.check_empty,
    checks.check_filtered,
    checks.check_truncated,
    checks.check_loop,
    checks.check_tools,
    checks.check_format,
    checks.check_refusal,
)
_JSON_CHECKS = (checks.check_doubted, checks.check_filtered, checks.check_truncated, checks.check_tools)
_MOST_REASONS = 3

_SHORT = 2000  # characters of a draft without passages that are measured in a moment


class EvidenceVerifier:
    """Judges a draft by what is in it (a :class:`~tierwise.verify.base.Verifier`).

    A draft that is empty, cut, looping, of the wrong form, made with failed tools or that declines to answer goes up.
    Any other is weighed by calibration; where there is none, it gets ``p_good`` from its model's evidence card and goes
    up if that is below the card's line for the dial.
    JSON that fits the schema it was asked for is accepted: evidence cards and word lists are made for sentences.
    A draft whose model reports no token probabilities cannot be judged so, and is accepted with ``p_good`` absent.

    Args:
        embedder: for the support of claims; without one, words alone decide.
        evidence_for: the evidence card of a model, by the name configuration gives it.
        calibrated: what calibration on the user's own questions knows, if there is one.
    """

    def __init__(
        self,
        embedder: Embedder | None,
        evidence_for: Callable[[str], EvidenceCard],
        calibrated: Judge | None = None,
    ) -> None:
        self._embedder = embedder
        self._evidence_for = evidence_for
        self._calibrated = calibrated

    async def verify(self, draft: Draft, *, dial: Wish = "balanced") -> Verdict:
        """Measure the draft and judge it; embedding happens in a thread."""
        started = time.perf_counter()
        if draft.passages or len(draft.text) > _SHORT:
            features = await asyncio.to_thread(measure, draft, self._embedder)
        else:  # a thread would take longer
            features = measure(draft, self._embedder)
        verdict = judge(draft, features, self._evidence_for(draft.model), dial, self._calibrated)
        return replace(verdict, ms=(time.perf_counter() - started) * 1000)


def measure(draft: Draft, embedder: Embedder | None) -> dict[str, float]:
    """All features of a draft; what cannot be measured is absent."""
    support: Support | None = None
    if draft.structured:
        return {**checks.token_features(draft.evidence), **checks.retrieval_features(draft)}
    if draft.passages:
        text, marks = read_marks(draft.text)
        support = cite(text, draft.passages, embedder, question=draft.question, marks=marks)
    return {
        **checks.token_features(draft.evidence),
        **checks.retrieval_features(draft),
        **checks.text_features(draft),
        **checks.support_features(support),
        **(answer_features(draft.text, draft.evidence) if draft.evidence else {}),
        **reckoning_features(draft.question, draft.text),
        **draft.looks,
    }


def plain_failures(draft: Draft, features: Mapping[str, float]) -> tuple[Reason, ...]:
    """Why a draft cannot stand, whatever its probabilities say; empty for one that has to be judged."""
    chosen = _JSON_CHECKS if draft.structured else _CHECKS
    failures = tuple(reason for check in chosen if (reason := check(draft)) is not None)
    if not failures and draft.grounded and features.get("supported_share", 1.0) <= 0:
        made_up = invented(draft)
        return (made_up,) if made_up is not None else ()
    return failures


def judge(
    draft: Draft, features: dict[str, float], card: EvidenceCard, dial: Wish, calibrated: Judge | None = None
) -> Verdict:
    """The verdict from a draft, its features, and calibration or its model's card."""
    failures = plain_failures(draft, features)
    if failures:
        return _failed(draft, features, failures)
    if draft.structured:
        text = "The draft fits the schema that was asked for. How sure its model was is not judged on JSON."
        return Verdict("accept", None, (Reason("fits_schema", text),), features)
    if calibrated is not None and (verdict := calibrated.judge(draft, features, dial)) is not None:
        return verdict
    p_good = card.p_good(features)
    if p_good is None:
        text = "The model reports no token probabilities to judge by."
        return Verdict("accept", None, (Reason("unmeasured", text),), features)
    line = card.line(dial)
    good = p_good >= line
    text = f"Estimated chance that the draft is right: {p_good:.0%}; {line:.0%} is needed."
    reasons = [Reason("p_good", text, p_good, line)]
    if not good:
        for name, value, threshold in card.turning_points(features, line)[:_MOST_REASONS]:
            words = f"{words_of(name)}: {value:.2f}; {threshold:.2f} would do."
            reasons.append(Reason(name, words[0].upper() + words[1:], value, threshold))
    if not card.calibrated:
        words = "This model has no evidence card: until it is calibrated, the line is drawn on the cautious side."
        reasons.append(Reason("uncalibrated_model", words))
    return Verdict("accept" if good else "escalate", p_good, tuple(reasons), features)


def _failed(draft: Draft, features: dict[str, float], failures: tuple[Reason, ...]) -> Verdict:
    """The verdict on a plain failure. ``p_good`` stays absent: no card was fitted on such drafts."""
    codes = [reason.code for reason in failures]
    if codes == ["subject_missing"]:
        return Verdict("give_up", None, failures, features)  # a larger model reads the same passages
    declined = codes == ["refusal"]
    if declined and not draft.passages and about_own_documents(draft.question):
        # What stands in the user's documents is not in a larger model either.
        text = "The question is about your documents, and nothing in them was found for it."
        return Verdict("give_up", None, (*failures, Reason("not_in_documents", text)), features)
    return Verdict("escalate", None, failures, features)

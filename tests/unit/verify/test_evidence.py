"""The verdict: plain failures first, then one calibrated chance whose reasons are true causes."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tierwise.errors import ConfigError
from tierwise.models import MiniLM, card
from tierwise.types import Dial, Draft, Passage, TokenEvidence
from tierwise.verify.base import Verifier
from tierwise.verify.card import CAUTIOUS, EvidenceCard
from tierwise.verify.evidence import EvidenceVerifier, judge

SURE = TokenEvidence((-0.02,) * 9, (0.97,) * 9, (0.1,) * 9)
DOUBTFUL = TokenEvidence((-1.6,) * 9, (0.1,) * 9, (3.0,) * 9)
TEXT = "The compressor is guaranteed for seven years."
PASSAGE = Passage("p", "/a.txt", "default", None, 0, len(TEXT), TEXT, 0.8)


def embedded() -> EvidenceCard:
    evidence = card("smollm2-135m").evidence
    assert evidence is not None
    return EvidenceCard.from_dict(evidence)


def draft(text: str = "It is guaranteed for seven years.", **more: object) -> Draft:
    asked = "How long is the compressor guaranteed?"
    return Draft("quick", "llama:smollm2-135m", asked, text, **{"finish": "stop", "evidence": SURE, **more})  # type: ignore[arg-type]


def verifier() -> Verifier:
    return EvidenceVerifier(MiniLM(), lambda model: embedded())


async def test_a_sure_and_supported_draft_is_accepted_with_its_figures() -> None:
    verdict = await verifier().verify(draft("The compressor is guaranteed for seven years.", passages=(PASSAGE,)))
    assert verdict.outcome == "accept"
    assert verdict.features["supported_share"] == 1.0
    assert verdict.p_good is not None and verdict.p_good > 0.6
    assert verdict.reasons[0].code == "p_good"
    assert verdict.ms > 0


async def test_a_doubtful_draft_goes_up_and_its_own_doubt_is_among_the_reasons() -> None:
    verdict = await verifier().verify(draft("It is nine years.", evidence=DOUBTFUL, passages=(PASSAGE,)))
    assert verdict.outcome == "escalate"
    assert verdict.features["supported_share"] == 0.0
    reason = verdict.reasons[0]
    assert reason.value == verdict.p_good and reason.threshold == embedded().accept_at["balanced"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"text": ""}, "empty"),
        ({"finish": "length"}, "truncated"),
        ({"finish": "content_filter"}, "filtered"),
        ({"text": "I do not know."}, "refusal"),
        ({"text": "It is so and so it is. " * 20}, "loop"),
        ({"tool_errors": 2}, "tool_error"),
        ({"text": "```\nopen"}, "format"),
    ],
)
async def test_a_plain_failure_goes_up_whatever_the_probabilities_say(change: dict[str, object], code: str) -> None:
    verdict = await verifier().verify(replace(draft(), **change))
    assert (verdict.outcome, verdict.reasons[0].code) == ("escalate", code)
    assert (await verifier().verify(draft(), dial="economy")).outcome == "accept"


async def test_a_larger_model_cannot_know_documents_that_were_not_found() -> None:
    declined = draft("I do not know.")
    mine = replace(declined, question="What does my lease agreement say about pets?")
    verdict = await verifier().verify(mine)
    assert verdict.outcome == "give_up"
    assert [reason.code for reason in verdict.reasons] == ["refusal", "not_in_documents"]
    assert (await verifier().verify(replace(mine, passages=(PASSAGE,)))).outcome == "escalate"
    assert (await verifier().verify(declined)).outcome == "escalate"


async def test_without_token_probabilities_nothing_is_made_up() -> None:
    verdict = await verifier().verify(draft(evidence=None))
    assert (verdict.outcome, verdict.p_good, verdict.reasons[0].code) == ("accept", None, "unmeasured")


async def test_it_works_without_an_embedder() -> None:
    verdict = await EvidenceVerifier(None, lambda model: CAUTIOUS).verify(draft(TEXT, passages=(PASSAGE,)))
    assert verdict.features["supported_share"] == 1.0
    assert "uncalibrated_model" in [reason.code for reason in verdict.reasons]


def test_an_unknown_model_is_judged_more_strictly() -> None:
    known = embedded()
    assert (CAUTIOUS.features, CAUTIOUS.weights) == (known.features, known.weights)
    for dial, line in known.accept_at.items():
        assert CAUTIOUS.accept_at[dial] > line
    assert not CAUTIOUS.calibrated


def test_a_card_survives_its_table_and_a_broken_one_says_so() -> None:
    known = embedded()
    assert EvidenceCard.from_dict(known.to_dict()) == known
    with pytest.raises(ConfigError, match="make_evidence_card"):
        EvidenceCard.from_dict({**known.to_dict(), "weights": [1.0]})
    with pytest.raises(ConfigError, match="make_evidence_card"):
        EvidenceCard.from_dict({"model": "x"})


def test_an_absent_feature_is_neither_good_nor_bad() -> None:
    known = embedded()
    measured = {"logprob_mean": -0.5}
    at_mean = {**measured, "supported_share": known.means[known.features.index("supported_share")]}
    assert known.p_good(measured) == pytest.approx(known.p_good(at_mean))


_features = st.fixed_dictionaries(
    {"logprob_mean": st.floats(-2.5, -0.01)},
    optional={
        "logprob_min": st.floats(-5, -0.01),
        "low_share": st.floats(0, 1),
        "margin_mean": st.floats(0, 1),
        "supported_share": st.floats(0, 1),
        "echo": st.floats(0, 1),
        "grounded": st.sampled_from([0.0, 1.0]),
    },
)
_dials = st.sampled_from(["economy", "balanced", "quality"])


@given(_features, _dials)
def test_turning_any_reason_turns_the_outcome(features: dict[str, float], dial: Dial) -> None:
    known = embedded()
    verdict = judge(draft(), features, known, dial)
    for reason in verdict.reasons:
        assert reason.value is not None and reason.threshold is not None
        if reason.code == "p_good":
            moved = replace(known, accept_at=dict.fromkeys(known.accept_at, verdict.p_good))
            if verdict.outcome == "escalate":
                assert judge(draft(), features, moved, dial).outcome == "accept"
            continue
        beyond = reason.threshold + math.copysign(1e-6, reason.threshold - reason.value)
        assert judge(draft(), {**features, reason.code: beyond}, known, dial).outcome == "accept"


@given(_features, _features)
def test_a_wider_dial_accepts_no_less(features: dict[str, float], other: dict[str, float]) -> None:
    assume(features)
    known = embedded()
    accepted = [
        judge(draft(), features, known, dial).outcome == "accept" for dial in ("economy", "balanced", "quality")
    ]  # type: ignore[arg-type]
    assert accepted == sorted(accepted, reverse=True)

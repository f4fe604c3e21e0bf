"""What is read off a question, and what is not claimed to be known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.routing import RuleRouter, retrieval_features, surface_features
from tierwise.routing.base import Question, Router
from tierwise.types import Passage


def passage(text: str, score: float, source: str = "/a.txt") -> Passage:
    return Passage(text, source, "default", None, 0, len(text), text, score)


async def test_nothing_is_predicted_before_calibration() -> None:
    router: Router = RuleRouter()
    assessment = await router.assess(Question("Prove that 17 is prime.", ("quick", "deep")))
    assert assessment.p_good == {}
    assert assessment.reasons[0].code == "uncalibrated_routing"
    assert assessment.features["digits"] == 2


def test_retrieval_features_are_absent_without_passages() -> None:
    assert retrieval_features("How long is the warranty?", ()) == {"passages": 0.0}


def test_coverage_tells_a_question_the_passages_speak_of_from_one_they_do_not() -> None:
    passages = [passage("The warranty of the machine lasts 24 months.", 0.8), passage("Clean it weekly.", 0.3)]
    near = retrieval_features("How long does the warranty last?", passages)
    far = retrieval_features("Who composed the opera?", passages)
    assert near["question_coverage"] > far["question_coverage"]
    assert near["score_margin"] == pytest.approx(0.5)


@given(st.text())
def test_any_text_gives_finite_features(text: str) -> None:
    assert all(abs(value) < 1e9 for value in surface_features(text).values())


def test_parts_count_what_is_asked() -> None:
    assert surface_features("Who wrote it? When? And why?")["parts"] == 3

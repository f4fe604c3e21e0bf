"""Plain failures of a draft, and measures that are absent when there is nothing to measure."""

from __future__ import annotations

import math

import pytest

from tierwise.types import Draft, Passage, TokenEvidence
from tierwise.verify import checks
from tierwise.verify.phrases import refusal


def draft(text: str, question: str = "How long is the warranty?", **more: object) -> Draft:
    return Draft("quick", "llama:x", question, text, **{"finish": "stop", **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "  \n", "...", "[]"])
def test_empty(text: str) -> None:
    assert checks.check_empty(draft(text)) is not None
    assert checks.check_empty(draft("No")) is None


def test_a_cut_draft_and_a_failed_tool() -> None:
    assert checks.check_truncated(draft("It is", finish="length")) is not None
    assert checks.check_tools(draft("It is 4.", tool_errors=1)) is not None
    assert checks.check_truncated(draft("It is 4.")) is checks.check_tools(draft("It is 4.")) is None


def test_loops_are_seen_and_ordinary_repetition_is_not() -> None:
    assert checks.check_loop(draft("The boat is on the island of the " + "island of the " * 12)) is not None
    assert checks.check_loop(draft("The club is open today.\n" * 5)) is not None
    prose = (
        "The compressor is guaranteed for seven years. All other parts are guaranteed for three years. The guarantee"
    )
    assert (
        checks.check_loop(draft(prose + " is void if the unit was opened by anyone other than a technician.")) is None
    )


@pytest.mark.parametrize(
    "text",
    [
        "I don't know.",
        "I\u2019m sorry, but I cannot answer that.",
        "I do not have enough information.",
        "As an AI, I cannot see files.",
        "The passages do not mention the price.",
        "The price is not stated in the document.",
        "There is no information about it.",
    ],
)
def test_refusals(text: str) -> None:
    assert refusal(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "You cannot cancel after 48 hours.",
        "The lease does not allow pets.",
        "Water is available at the hut.",
        "If you don't clean it, the filter clogs.",
        "The tank is provided with the machine.",
        "I would take the earlier train.",
    ],
)
def test_what_only_sounds_like_a_refusal_is_none(text: str) -> None:
    assert refusal(text) is None


@pytest.mark.parametrize(
    ("question", "text", "fits"),
    [
        ("Return the result as JSON.", '{"a": 1}', True),
        ("Return the result as JSON.", 'Sure:\n```json\n{"a": 1}\n```', True),
        ("Return the result as JSON.", "a is 1", False),
        ("What is JSON?", "A text format.", True),
        ("How do I write a JSON file?", "With json.dump.", True),
        ("List three colours.", "Red, green and blue.", True),
        ("List three colours.", "1. Red\n2. Green\n3. Blue", True),
        ("List three colours.", "- Red\n- Green", False),
        ("Name five rivers.", "The Rhine.", False),
        ("Write two sentences about cats.", "Cats sleep a lot.", True),
        ("Show the code.", "```python\nprint(1)", False),
    ],
)
def test_the_form_that_was_asked_for(question: str, text: str, fits: bool) -> None:
    assert (checks.check_format(draft(text, question)) is None) is fits


def test_token_features() -> None:
    found = checks.token_features(TokenEvidence((-0.1, -2.0, -0.3), (0.8, 0.1, 0.6), (0.2, 2.0, 0.5)))
    assert found["logprob_min"] == -2.0
    assert found["low_share"] == pytest.approx(1 / 3)
    assert found["log_tokens"] == pytest.approx(math.log(3))
    assert found["margin_mean"] == pytest.approx(0.5)


def test_what_cannot_be_measured_is_absent() -> None:
    assert checks.token_features(None) == {}
    assert checks.token_features(TokenEvidence()) == {}
    assert checks.retrieval_features(draft("x")) == {"grounded": 0.0}
    assert checks.support_features(None) == {}


def test_coverage_of_the_question_by_the_passages() -> None:
    passage = Passage("p", "/a", "default", None, 0, 9, "The warranty lasts long.", 0.7)
    found = checks.retrieval_features(draft("x", passages=(passage,)))
    assert (found["top_score"], found["sources"]) == (0.7, 1.0)
    assert found["question_coverage"] > 0

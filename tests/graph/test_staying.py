"""Within a task a thread stays on its tier: no draft of the small model for what is known to be too hard for it."""

from __future__ import annotations

from typing import Any

import pytest
from parts import Shelf, TinyEmbedder

from tierwise import Answer, Copilot
from tierwise.errors import Unreachable
from tierwise.testing import Step

HARD = "Prove that there are infinitely many primes of the form 4k+3."
OTHER = "What is the capital of France?"


def doubted_if_hard(request: Any) -> str:
    return "UNSURE." if "Prove" in request.messages[-1].content else "Fine."


class Counting(TinyEmbedder):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def embed(self, texts: Any) -> Any:
        self.seen += texts
        return super().embed(texts)


@pytest.fixture
def copilot(copilots: Any) -> Copilot:
    made: Copilot = copilots([doubted_if_hard], ["Proof."])
    return made


def asked(copilot: Copilot, tier: str = "quick") -> int:
    return len(copilot.model(tier).requests)  # type: ignore[attr-defined]


def codes(answer: Answer) -> list[str]:
    assert answer.decision is not None
    return [reason.code for reason in answer.decision.reasons]


def test_commit_it_is_as_hard_as_what_it_refers_to(copilot: Copilot) -> None:
    assert copilot.ask(HARD, thread="t").tier == "deep"
    answer = copilot.ask("commit it", thread="t")
    assert (answer.tier, codes(answer)) == ("deep", ["stays", "same_task"])
    assert answer.decision is not None and answer.decision.stage == "policy"
    stays, same = answer.decision.reasons
    assert (stays.value, stays.threshold, same.value) == (0.0, 3.0, 1.0)
    assert [a.tier for a in answer.attempts] == ["deep"]  # no local draft
    assert asked(copilot) == 1


def test_after_three_follow_ups_the_small_model_drafts_again(copilot: Copilot) -> None:
    copilot.ask(HARD, thread="t")
    answers = [copilot.ask("Why?", thread="t") for _ in range(5)]
    assert [a.tier for a in answers] == ["deep", "deep", "deep", "quick", "quick"]
    assert [a.decision.reasons[0].value for a in answers[:3] if a.decision] == [0.0, 1.0, 2.0]
    assert copilot.ask(HARD, thread="t").tier == "deep"  # up again at once: its draft is doubted
    assert copilot.ask("Why?", thread="t").tier == "deep"


def test_a_near_question_stays_and_another_task_does_not(copilot: Copilot) -> None:
    copilot.ask(HARD, thread="t")
    near = copilot.ask("Prove that there are infinitely many primes of the form 6k+5.", thread="t")
    assert (near.tier, codes(near)) == ("deep", ["stays", "same_task"])
    assert asked(copilot) == 1
    other = copilot.ask(OTHER, thread="t")
    assert (other.tier, asked(copilot)) == ("quick", 2)
    assert copilot.ask("Why?", thread="t").tier == "quick"  # it goes on with that


def test_other_threads_are_not_concerned(copilot: Copilot) -> None:
    copilot.ask(HARD, thread="t")
    assert copilot.ask("Why?", thread="u").tier == "quick"


def test_a_tier_asked_for_by_name_is_no_evidence(copilot: Copilot) -> None:
    copilot.ask(OTHER, thread="t", tier="deep")
    assert copilot.ask("Why?", thread="t").tier == "quick"
    copilot.ask(HARD, thread="t")
    assert copilot.ask("Why?", thread="t", tier="quick").tier == "quick"  # the word of the user wins


def test_escalate_this_is_evidence_and_answer_locally_ends_the_stay(copilot: Copilot) -> None:
    easy = copilot.ask(OTHER, thread="t")
    up = copilot.again(easy.turn_id, tier="deep")
    follow_up = copilot.ask("Why?", thread="t")
    assert (follow_up.tier, codes(follow_up)[0]) == ("deep", "stays")
    copilot.again(follow_up.turn_id, tier="quick")
    assert copilot.ask("Are you sure?", thread="t").tier == "quick"
    assert copilot.record.get(up.turn_id).overruled is None


@pytest.mark.parametrize("rules", [{"lock": True}, {"offline": True}])
def test_locks_hold_also_for_a_thread_that_stays(copilot: Copilot, rules: dict[str, bool]) -> None:
    copilot.ask(HARD, thread="t")
    answer = copilot.ask("commit it", thread="t", **rules)  # type: ignore[arg-type]
    assert (answer.status, answer.tier) == ("done", "quick")
    assert asked(copilot, "deep") == 1


def test_a_tier_that_fails_ends_the_stay(copilots: Any) -> None:
    copilot = copilots([doubted_if_hard], ["Proof.", Step(error=Unreachable("The cable is out."))])
    copilot.ask(HARD, thread="t")
    answer = copilot.ask("commit it", thread="t")
    assert (answer.tier, answer.decision.stage) == ("quick", "fallback")
    requests = asked(copilot, "deep")
    assert copilot.ask("commit it", thread="t").tier == "quick"
    assert asked(copilot, "deep") == requests


def test_the_record_tells_of_the_conversation(copilot: Copilot) -> None:
    first = copilot.record.get(copilot.ask(HARD, thread="t").turn_id)
    second = copilot.record.get(copilot.ask(HARD, thread="t").turn_id)
    third = copilot.record.get(copilot.ask("Why?", thread="t").turn_id)
    assert "retry" not in first.features
    assert {k: second.features[k] for k in ("previous_above", "retry", "overrules", "turns_since_escalation")} == {
        "previous_above": 1.0,
        "retry": 1.0,
        "overrules": 0.0,
        "turns_since_escalation": 0.0,
    }
    assert second.features["likeness"] == pytest.approx(1.0)
    assert (third.features["turns_since_escalation"], third.features["retry"]) == (1.0, 0.0)


def test_nothing_is_embedded_for_it_unless_a_larger_tier_answered(copilots: Any) -> None:
    embedder = Counting()
    copilot = copilots([doubted_if_hard], ["Proof."], embedder=embedder)
    copilot.ask(OTHER, thread="t")
    copilot.ask("What is the capital of Spain?", thread="t")
    copilot.ask(HARD, thread="t")
    assert embedder.seen == [OTHER, "What is the capital of Spain?", HARD]
    copilot.ask("What is the capital of Peru?", thread="t")
    assert embedder.seen[3:] == ["What is the capital of Peru?"]  # the earlier question is remembered


class Broken:
    identity, dimension = "broken", 3

    def embed(self, texts: Any) -> Any:
        raise RuntimeError("no vectors today")


@pytest.mark.parametrize("retriever", [Shelf(), None])
def test_without_vectors_the_wording_still_tells(copilots: Any, retriever: Any) -> None:
    copilot = copilots([doubted_if_hard], ["Proof."], embedder=Broken(), retriever=retriever)
    copilot.ask(HARD, thread="t")
    assert copilot.ask("commit it", thread="t").tier == "deep"
    assert copilot.ask(OTHER, thread="t").tier == "quick"


def test_a_router_gets_to_know_the_conversation(copilots: Any) -> None:
    from tierwise.types import Assessment

    seen: list[dict[str, float]] = []

    class Watching:
        async def assess(self, question: Any) -> Assessment:
            seen.append(dict(question.conversation))
            return Assessment(features={"retry": 7.0})

    copilot = copilots([doubted_if_hard], ["Proof."], router=Watching())
    copilot.ask(HARD, thread="t")
    last = copilot.ask(HARD, thread="t")
    assert seen[0] == {}
    assert seen[1]["turns_since_escalation"] == 0.0
    assert copilot.record.get(last.turn_id).features["retry"] == 7.0  # what a router says itself stands

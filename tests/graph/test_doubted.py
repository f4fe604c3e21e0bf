"""A draft whose model doubts its first words is not written on, if somebody else can answer; and is, if nobody can."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from parts import Shelf, TinyEmbedder

from tierwise import AsyncCopilot, Tier
from tierwise.errors import ServerError, Unreachable
from tierwise.models import ChatRequest
from tierwise.routing.base import Question
from tierwise.testing import ScriptedModel, Step
from tierwise.types import Assessment, Draft, Floor, TokenEvidence, ToolCall
from tierwise.verify.card import EvidenceCard, MadeFrom
from tierwise.verify.evidence import EvidenceVerifier

FLOOR = Floor(3, -0.5)
DOUBTS = TokenEvidence((-0.9, -1.0, -1.1), (0.1,) * 3, (3.0,) * 3, (0, 4, 8))
WHOLE = "It may perhaps be seven years."
ANYTHING_WILL_DO = {"economy": 0.1, "balanced": 0.1, "quality": 0.1}
CARD = EvidenceCard("test", MadeFrom("none", 0, "", ""), (), (), (), (), 3.0, ANYTHING_WILL_DO, 0.5, 0.2, 0.5)  # type: ignore[arg-type]


@dataclass
class Floored:
    """A router that knows how sure a draft must begin."""

    asked: list[Question] = field(default_factory=list)

    async def assess(self, question: Question) -> Assessment:
        self.asked.append(question)
        return Assessment(floor=FLOOR)


def doubting(request: ChatRequest) -> Step:
    """A model that doubts its beginning: what the engine does with a floor."""
    if request.floor is not None:
        return Step("It may perhaps", evidence=DOUBTS, finish="doubted")
    return Step(WHOLE, evidence=TokenEvidence((-0.9,) * 6, (0.1,) * 6, (3.0,) * 6, (0, 3, 7, 15, 18, 24)))


def copilot_of(copilots: Any, quick: Any = (doubting,), deep: Any = ("Seven years.",), **options: Any) -> Any:
    verifier = EvidenceVerifier(None, lambda model: CARD)
    return copilots(quick, deep, **({"router": Floored(), "verifier": verifier} | options))


def test_a_doubted_beginning_goes_up_at_once_with_its_true_cause(copilots: Any) -> None:
    copilot = copilot_of(copilots)
    events = list(copilot.stream("How long?", thread="t"))
    answer = events[-1].answer
    assert (answer.text, answer.tier) == ("Seven years.", "deep")
    assert [(a.tier, a.outcome, a.text) for a in answer.attempts] == [
        ("quick", "discarded", "It may perhaps"),
        ("deep", "accepted", "Seven years."),
    ]
    reason = answer.attempts[0].reasons[0]
    assert reason.code == "doubted"
    assert reason.value == pytest.approx(-1.0) and reason.threshold == FLOOR.logprob_mean
    assert answer.decision.reasons[0].code == "doubted"
    assert [e.type for e in events if e.type in ("attempt.discarded", "tier.escalated", "look.started")] == [
        "tier.escalated",
        "attempt.discarded",
    ]
    first, _ = copilot.model("quick").requests[0], copilot.model("deep").requests[0]
    assert first.floor == FLOOR
    assert copilot.model("deep").requests[0].floor is None  # the larger one is trusted to its end
    assert copilot.record.get("last").stage == "post"


def test_a_surer_draft_is_not_touched(copilots: Any) -> None:
    copilot = copilot_of(copilots, ["Seven years."])
    answer = copilot.ask("How long?")
    assert (answer.text, answer.tier) == ("Seven years.", "quick")
    assert copilot.model("quick").requests[0].floor == FLOOR


@pytest.mark.parametrize(
    "options", [{"lock": True}, {"offline": True}, {"tier": "quick"}, {"schema": {"type": "object"}}]
)
def test_nothing_is_given_up_where_nobody_else_may_answer(copilots: Any, options: dict[str, Any]) -> None:
    quick = ['{"a": 1}'] if "schema" in options else [doubting]
    copilot = copilot_of(copilots, quick)
    answer = copilot.ask("How long?", **options)
    assert (answer.status, answer.tier) == ("done", "quick")
    assert answer.text == ('{"a": 1}' if "schema" in options else WHOLE)
    assert [request.floor for request in copilot.model("quick").requests] == [None]


def test_a_tier_alone_writes_to_the_end(copilots: Any) -> None:
    copilot = copilot_of(copilots, deep=None)
    assert copilot.ask("How long?").text == WHOLE
    assert copilot.model("quick").requests[0].floor is None


def test_after_tool_calls_nothing_is_given_up(copilots: Any) -> None:
    call = ToolCall("1", "calculator", {"expression": "1+1"})
    copilot = copilot_of(copilots, [Step(calls=(call,)), doubting])
    assert copilot.ask("How long?").text == WHOLE
    assert [request.floor for request in copilot.model("quick").requests] == [FLOOR, None]


# -- when the larger tier cannot help ----------------------------------------------------------------------------------

FAILURES = [Unreachable("Nothing answers.", nothing_sent=True), ServerError("It failed."), RuntimeError("boom")]


@pytest.mark.parametrize("broken", FAILURES)
def test_then_the_local_tier_writes_its_answer_after_all(copilots: Any, broken: Exception) -> None:
    copilot = copilot_of(copilots, deep=[Step(error=broken)])
    events = list(copilot.stream("How long?", thread="t"))
    answer = events[-1].answer
    assert (answer.status, answer.text, answer.tier) == ("done", WHOLE, "quick")
    assert [(a.n, a.tier, a.outcome) for a in answer.attempts] == [
        (1, "quick", "discarded"),
        (2, "deep", "failed"),
        (3, "quick", "accepted"),
    ]
    assert answer.attempts[0].text == "It may perhaps"
    assert [n.code for n in answer.notices if n.code in ("degraded", "fallback")] == ["degraded"]
    assert [request.floor for request in copilot.model("quick").requests] == [FLOOR, None]
    turn = copilot.record.get("last")
    assert turn.stage == "fallback"
    assert {a.text for a in turn.attempts} >= {"It may perhaps", WHOLE}
    assert turn.usage.completion_tokens == sum(a.usage.completion_tokens for a in turn.attempts)


def test_the_larger_tiers_half_answer_is_never_joined_to_anything(copilots: Any) -> None:
    copilot = copilot_of(copilots, deep=[Step("Half an answer", error=ServerError("It broke."))])
    events = list(copilot.stream("How long?"))
    answer = events[-1].answer
    assert answer.text == WHOLE
    texts = {n: "".join(e.text for e in events if e.type == "text.delta" and e.attempt == n) for n in (1, 2, 3)}
    assert texts == {1: "It may perhaps", 2: "Half an answer", 3: WHOLE}
    assert [e.attempt for e in events if e.type == "attempt.discarded"] == [1, 2]
    history = copilot.record.history(answer.thread, with_locked=True)
    assert [m.content for m in history] == ["How long?", WHOLE]


def test_nothing_is_escalated_twice_to_a_tier_that_failed(copilots: Any) -> None:
    copilot = copilot_of(copilots, deep=[Step(error=Unreachable("Nothing answers.", nothing_sent=True))])
    copilot.ask("How long?")
    asked = len(copilot.model("deep").requests)
    assert asked <= 3  # once, and twice more because it may have failed in passing


def test_a_verdict_that_changes_its_mind_writes_on(copilots: Any) -> None:
    class Accepts:
        async def verify(self, draft: Draft, *, dial: Any = "balanced") -> Any:
            from tierwise.types import Verdict

            return Verdict("accept", 0.9)

    answer = copilot_of(copilots, verifier=Accepts()).ask("How long?")
    assert (answer.status, answer.text, answer.tier) == ("done", WHOLE, "quick")
    assert [a.outcome for a in answer.attempts] == ["discarded", "accepted"]


def test_a_verifier_that_breaks_on_a_beginning_does_not_serve_it(copilots: Any) -> None:
    class Broken:
        async def verify(self, draft: Draft, *, dial: Any = "balanced") -> Any:
            raise RuntimeError("boom")

    answer = copilot_of(copilots, verifier=Broken()).ask("How long?")
    assert (answer.status, answer.text) == ("done", WHOLE)
    assert "verifier_failed" in [n.code for n in answer.notices]


async def test_of_three_tiers_the_next_takes_over_then_the_last_then_the_first_again(own_home: Path) -> None:
    quick = ScriptedModel([doubting], repeat=True)
    broken = {"on_device": False, "host": "h", "repeat": True}
    error = Step(error=Unreachable("Nothing answers.", nothing_sent=True))
    mid, deep = ScriptedModel([error], name="mid", **broken), ScriptedModel([error], name="deep", **broken)
    tiers = [Tier("quick", quick), Tier("mid", mid), Tier("deep", deep)]
    verifier = EvidenceVerifier(None, lambda model: CARD)
    async with AsyncCopilot(
        tiers, home=own_home, retriever=Shelf(), embedder=TinyEmbedder(), verifier=verifier, router=Floored()
    ) as copilot:
        answer = await copilot.ask("How long?")
    assert (answer.status, answer.text, answer.tier) == ("done", WHOLE, "quick")
    assert [(a.tier, a.outcome) for a in answer.attempts] == [
        ("quick", "discarded"),
        ("mid", "failed"),
        ("deep", "failed"),
        ("quick", "accepted"),
    ]


async def test_stopping_while_the_larger_tier_is_asked_keeps_the_beginning_marked(own_home: Path) -> None:
    deep = ScriptedModel([Step("one two three", delay=0.05)], on_device=False, host="h")
    tiers = [Tier("quick", ScriptedModel([doubting])), Tier("deep", deep)]
    verifier = EvidenceVerifier(None, lambda model: CARD)
    async with AsyncCopilot(
        tiers, home=own_home, retriever=Shelf(), embedder=TinyEmbedder(), verifier=verifier, router=Floored()
    ) as copilot:
        events = copilot.stream("How long?", thread="t")
        async for event in events:
            if event.type == "attempt.started" and event.attempt == 2:
                break
        await events.aclose()
        (turn,) = copilot.record.turns("t")
    assert turn.status == "stopped"
    assert [(a.tier, a.outcome) for a in turn.attempts] == [("quick", "discarded"), ("deep", "stopped")]

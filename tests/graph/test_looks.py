"""A further look at a draft: had where the verdict asks for it and it may change something, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from parts import MarkerVerifier, Shelf, Stuck, TinyEmbedder

from tierwise import Copilot, Tier
from tierwise.errors import ServerError
from tierwise.testing import ScriptedModel, Step
from tierwise.types import Draft, Look, Reason, TokenEvidence, ToolCall, Verdict

YES = Step("Yes", evidence=TokenEvidence((-0.1,), (0.8,), (0.3,), (0,)))
NO = Step("No", evidence=TokenEvidence((-0.1,), (0.8,), (0.3,), (0,)))


class Looker:
    """Wants looks at every draft of the quick tier, then escalates what the looks speak against."""

    def __init__(self, *looks: Look, again: bool = False) -> None:
        self.looks, self.again, self.seen = looks, again, list[Draft]()

    async def verify(self, draft: Draft, *, dial: Any = "balanced") -> Verdict:
        self.seen.append(draft)
        left = self.looks if self.again else [look for look in self.looks if look not in draft.looks_had]
        if draft.tier == "quick" and draft.may_look and left:
            return Verdict(
                "look", 0.5, (Reason("undecided", "near the line", 0.01, 0.1),), dict(draft.looks), look=left[0]
            )
        bad = draft.looks.get("self_yes", 1.0) < 0.5 or draft.looks.get("agree_words", 1.0) < 0.5
        reason = Reason("marker", "the looks say so", float(bad), 0.5)
        return Verdict("escalate" if bad else "accept", 0.2 if bad else 0.9, (reason,), dict(draft.looks))


def quick(*looks: Any, draft: str = "Seven years.") -> Any:
    """Answers; then gives the looks in turn."""
    return [draft, *looks]


def kinds(events: list[Any], *wanted: str) -> list[str]:
    return [event.type for event in events if event.type in wanted]


def test_a_look_is_had_and_the_draft_judged_anew_with_what_it_found(copilots: Any) -> None:
    verifier = Looker("self_check")
    copilot = copilots(quick(YES), ["Better."], verifier=verifier)
    events = list(copilot.stream("How long?", thread="t"))
    shown = kinds(events, "draft.verified", "look.started", "look.finished", "answer.ready")
    assert shown == ["draft.verified", "look.started", "look.finished", "draft.verified", "answer.ready"]
    started = next(e for e in events if e.type == "look.started")
    finished = next(e for e in events if e.type == "look.finished")
    assert (started.attempt, started.look, finished.look) == (1, "self_check", "self_check")
    assert finished.found["self_yes"] == pytest.approx(0.905, abs=0.001)
    assert finished.ms > 0
    first, second = verifier.seen
    assert (first.looks_had, second.looks_had) == ((), ("self_check",))
    assert second.looks == finished.found
    assert first.text == second.text == "Seven years."
    answer = events[-1].answer
    assert (answer.text, answer.tier, len(answer.attempts)) == ("Seven years.", "quick", 1)
    turn = copilot.record.get("last")
    assert turn.features["quick.self_yes"] == pytest.approx(0.905, abs=0.001)
    assert turn.ms["look"] > 0
    assert copilot.model("deep").requests == []


def test_the_model_is_asked_in_its_own_conversation_and_held_to_yes_or_no(copilots: Any) -> None:
    copilot = copilots(quick(YES), ["Better."], verifier=Looker("self_check"))
    copilot.ask("How long?", thread="t")
    draft, check = copilot.model("quick").requests
    assert check.messages[: len(draft.messages)] == draft.messages  # what is in memory is not read again
    assert [m.role for m in check.messages[len(draft.messages) :]] == ["assistant", "user"]
    assert check.messages[-2].content == "Seven years."
    assert check.choices == ("Yes", "No")
    assert check.temperature == 0 and check.max_tokens < 20
    assert (check.thread, check.floor, check.tools) == (draft.thread, None, ())


def test_a_second_sample_is_the_same_question_at_a_temperature(copilots: Any) -> None:
    copilot = copilots(quick("Seven years."), ["Better."], verifier=Looker("second_sample"))
    answer = copilot.ask("How long?", thread="t")
    draft, sample = copilot.model("quick").requests
    assert sample.messages == draft.messages
    assert (sample.temperature, sample.choices, sample.max_tokens) == (0.7, (), draft.max_tokens)
    assert sample.seed is not None
    assert answer.text == "Seven years."
    assert copilot.record.get("last").features["quick.agree_words"] == 1.0


def test_what_a_look_finds_decides(copilots: Any) -> None:
    assert copilots(quick(NO), ["Better."], verifier=Looker("self_check")).ask("How long?").text == "Better."
    other = copilots(quick("Entirely different words here."), ["Better."], verifier=Looker("second_sample"))
    answer = other.ask("How long?")
    assert (answer.text, answer.tier) == ("Better.", "deep")
    assert [(a.tier, a.outcome, a.text) for a in answer.attempts] == [
        ("quick", "discarded", "Seven years."),
        ("deep", "accepted", "Better."),
    ]


def test_a_sample_is_never_shown_or_served(copilots: Any) -> None:
    copilot = copilots(quick("Hidden words of another sample."), ["Better."], verifier=Looker("second_sample"))
    events = list(copilot.stream("How long?"))
    said = "".join(e.text for e in events if e.type == "text.delta")
    assert "Hidden" not in said
    assert said == "Seven years.Better."
    assert "Hidden" not in "".join(a.text for a in events[-1].answer.attempts)


def test_several_looks_follow_each_other_and_none_comes_twice(copilots: Any) -> None:
    verifier = Looker("self_check", "second_sample")
    copilot = copilots(quick(YES, "Seven years."), ["Better."], verifier=verifier)
    events = list(copilot.stream("How long?"))
    assert [e.look for e in events if e.type == "look.started"] == ["self_check", "second_sample"]
    assert verifier.seen[-1].looks_had == ("self_check", "second_sample")
    assert set(verifier.seen[-1].looks) >= {"self_yes", "agree_words"}
    assert len(copilot.model("quick").requests) == 3


def test_a_verifier_that_keeps_asking_for_the_same_look_gets_it_once(copilots: Any) -> None:
    copilot = copilots(quick(YES), ["Better."], verifier=Looker("self_check", again=True))
    events = list(copilot.stream("How long?"))
    assert len([e for e in events if e.type == "look.started"]) == 1
    assert (events[-1].answer.status, events[-1].answer.text) == ("done", "Seven years.")


@pytest.mark.parametrize("look", ["self_check", "second_sample"])
@pytest.mark.parametrize("broken", [Step("Y", error=ServerError("It broke.")), Step(error=RuntimeError("boom"))])
def test_a_look_that_fails_has_found_nothing(copilots: Any, look: Look, broken: Step) -> None:
    verifier = Looker(look)
    copilot = copilots(quick(broken), ["Better."], verifier=verifier)
    events = list(copilot.stream("How long?"))
    finished = next(e for e in events if e.type == "look.finished")
    assert finished.found == {}
    assert verifier.seen[-1].looks_had == (look,)
    assert (events[-1].answer.status, events[-1].answer.text) == ("done", "Seven years.")
    assert len(events[-1].answer.attempts) == 1


def test_a_model_that_does_not_say_yes_or_no_has_said_nothing(copilots: Any) -> None:
    verifier = Looker("self_check")
    copilots(quick("Well, it depends."), ["Better."], verifier=verifier).ask("How long?")
    assert verifier.seen[-1].looks == {}


def test_the_tokens_of_looks_are_on_the_account_of_their_attempt(copilots: Any) -> None:
    plain = copilots(quick(), ["Better."], verifier=Looker())
    without = plain.ask("How long?").attempts[0].usage
    copilot = copilots(quick("Seven years."), ["Better."], verifier=Looker("second_sample"))
    answer = copilot.ask("How long?")
    (attempt,) = answer.attempts
    assert attempt.usage.completion_tokens == 2 * without.completion_tokens
    assert attempt.usage.prompt_tokens == 2 * without.prompt_tokens
    assert answer.usage == attempt.usage
    up = copilots(quick(NO), ["Better."], verifier=Looker("self_check")).ask("How long?")
    assert up.attempts[0].usage.prompt_tokens > 2 * without.prompt_tokens


# -- where nobody looks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"lock": True}, {"offline": True}, {"tier": "quick"}, {"schema": {"type": "object"}}]
)
def test_where_it_could_change_nothing_nobody_looks(copilots: Any, options: dict[str, Any]) -> None:
    verifier = Looker("self_check", "second_sample")
    draft = '{"a": 1}' if "schema" in options else "Seven years."
    copilot = copilots(quick(draft=draft), ["Better."], verifier=verifier)
    answer = copilot.ask("How long?", **options)
    assert (answer.status, answer.text, answer.tier) == ("done", draft, "quick")
    assert len(copilot.model("quick").requests) == 1
    assert [draft.may_look for draft in verifier.seen] == [False]


def test_the_largest_tier_is_not_looked_at(copilots: Any) -> None:
    verifier = Looker("self_check")
    alone = copilots(quick(), verifier=verifier)
    assert alone.ask("How long?").status == "done"
    assert [draft.may_look for draft in verifier.seen] == [False]
    up = copilots(quick(NO), ["Better."], verifier=Looker("self_check"))
    up.ask("How long?")
    assert len(up.model("deep").requests) == 1


def test_a_tier_off_the_device_is_not_asked_once_more(own_home: Path) -> None:
    verifier = Looker("self_check")
    hosted = ScriptedModel(["Seven years."], on_device=False, host="h")
    tiers = [Tier("quick", hosted), Tier("deep", ScriptedModel(["x"], on_device=False, host="h"))]
    parts = {"home": own_home, "retriever": Shelf(), "embedder": TinyEmbedder(), "verifier": verifier}
    with Copilot(tiers, **parts) as copilot:
        assert copilot.ask("How long?").text == "Seven years."
    assert len(hosted.requests) == 1


def test_a_draft_that_came_out_of_tool_calls_is_not_made_again(copilots: Any) -> None:
    call = ToolCall("1", "calculator", {"expression": "1+1"})
    verifier = Looker("self_check", "second_sample")
    copilot = copilots([Step(calls=(call,)), "It is 2."], ["Better."], verifier=verifier)
    assert copilot.ask("What is 1+1?").text == "It is 2."
    assert [draft.may_look for draft in verifier.seen] == [False]


def test_a_verdict_for_a_look_that_may_not_be_had_does_not_hold_the_turn(copilots: Any) -> None:
    class Stubborn(MarkerVerifier):
        async def verify(self, draft: Draft, *, dial: Any = "balanced") -> Verdict:
            return Verdict("look", 0.5, (), {}, look="self_check")

    copilot = copilots(quick(YES), ["Better."], verifier=Stubborn())
    assert copilot.ask("How long?").text == "Seven years."
    assert len(copilot.model("quick").requests) <= 2


def test_a_turn_that_is_stopped_during_a_look_keeps_its_draft(copilots: Any) -> None:
    model = Stuck(quick("one two three"), repeat=True, nth=2)
    copilot = copilots(model, ["Better."], verifier=Looker("second_sample"))
    events = copilot.stream("How long?", thread="t")
    next(e for e in events if e.type == "look.started")
    events.close()
    (turn,) = copilot.record.turns("t")
    assert (turn.status, turn.text, turn.final) == ("stopped", "Seven years.", "quick")
    assert [(a.tier, a.outcome) for a in turn.attempts] == [("quick", "stopped")]
    assert copilot.ask("go on", thread="t", tier="quick").status == "done"

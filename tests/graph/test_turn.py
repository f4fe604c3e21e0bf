"""What happens in a turn, with models that do exactly what is written down for them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from parts import MarkerVerifier, Shelf, TinyEmbedder, passage

from tierwise import (
    Copilot,
    Reason,
    Settings,
    Tier,
    UsageError,
    event_from_json,
    event_to_json,
    from_json,
    to_json,
    tool,
)
from tierwise.errors import AuthError, ModelCrashed, Unreachable
from tierwise.models.base import ChatRequest
from tierwise.testing import ScriptedModel, Step
from tierwise.turns import DecisionRecord
from tierwise.types import Assessment, ToolCall


def kinds(events: list[Any]) -> list[str]:
    return [e.type for e in events if e.type not in ("text.delta", "prompt.progress")]


def codes(answer: Any) -> list[str]:
    return [n.code for n in answer.notices]


def test_a_good_draft_is_the_answer(copilots: Any) -> None:
    copilot = copilots(["Paris is the capital."], ["never asked"])
    events = list(copilot.stream("What is the capital of France?"))
    assert kinds(events) == [
        "turn.started", "passages.found", "tier.chosen", "attempt.started", "draft.verified", "answer.ready",
    ]  # fmt: skip
    answer = events[-1].answer
    assert (answer.status, answer.tier, answer.text) == ("done", "quick", "Paris is the capital.")
    assert "".join(e.text for e in events if e.type == "text.delta") == answer.text
    assert answer.sent_out.bytes == 0
    assert copilot.model("deep").requests == []


def test_events_are_numbered_and_survive_json(copilots: Any) -> None:
    events = list(copilots(["UNSURE."], ["Sure."]).stream("hello"))
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    assert len({e.turn_id for e in events}) == 1
    for event in events:
        assert event_from_json(json.loads(json.dumps(event_to_json(event)))) == event


def test_an_unsure_draft_escalates_and_stays_in_the_record(copilots: Any) -> None:
    copilot = copilots(["UNSURE: Lyon."], ["It is Paris."])
    events = list(copilot.stream("What is the capital of France?"))
    assert kinds(events)[4:] == [
        "draft.verified", "tier.escalated", "attempt.started", "attempt.discarded", "draft.verified", "answer.ready",
    ]  # fmt: skip
    answer = events[-1].answer
    assert (answer.text, answer.tier, answer.decision.stage) == ("It is Paris.", "deep", "post")
    assert [(a.tier, a.outcome, a.text) for a in answer.attempts] == [
        ("quick", "discarded", "UNSURE: Lyon."),
        ("deep", "accepted", "It is Paris."),
    ]
    assert answer.decision.reasons == (Reason("marker", "the draft says so", 1.0, 0.5),)
    assert answer.decision.p_good == {"quick": 0.2, "deep": 0.9}
    assert answer.sent_out.bytes > 0
    assert answer.sent_out.hosts == ("scripted.invalid",)
    record = copilot.record.get(answer.turn_id)
    assert record.attempts == answer.attempts
    assert from_json(DecisionRecord, json.loads(json.dumps(to_json(record)))) == record


def test_the_draft_is_discarded_only_when_the_better_answer_begins(copilots: Any) -> None:
    events = list(copilots(["UNSURE."], ["Better."]).stream("hello"))
    discarded = next(i for i, e in enumerate(events) if e.type == "attempt.discarded")
    assert events[discarded].attempt == 1
    assert events[discarded + 1].type == "text.delta"
    assert events[discarded + 1].attempt == 2


def test_the_larger_tier_gets_the_draft_and_the_passages(copilots: Any) -> None:
    copilot = copilots(["UNSURE: perhaps."], ["Yes."], retriever=Shelf(passage("The door code is 4411.")))
    copilot.ask("What is the door code?")
    prompt = copilot.model("deep").requests[0].messages[-1].content
    assert "The door code is 4411." in prompt
    assert "UNSURE: perhaps." in prompt
    assert prompt.rstrip().endswith("Question: What is the door code?")


@pytest.mark.parametrize("how", [{"lock": True}, {"offline": True}])
def test_lock_and_offline_never_reach_the_other_tier(copilots: Any, how: dict[str, bool]) -> None:
    copilot = copilots(["UNSURE."], ["never"])
    answer = copilot.ask("hello", **how)
    assert (answer.status, answer.tier, answer.text) == ("done", "quick", "UNSURE.")
    assert codes(answer) == ["would_escalate"]
    assert copilot.model("deep").requests == []
    blocked = copilot.ask("hello", tier="deep", **how)
    assert blocked.status == "blocked"
    assert blocked.error
    assert copilot.model("deep").requests == []


def test_a_locked_passage_locks_the_turn_and_its_place_in_the_history(copilots: Any) -> None:
    shelf = Shelf(passage("My salary is 5,000.", locked=True))
    copilot = copilots(["UNSURE salary 5,000."], ["never"], retriever=shelf)
    answer = copilot.ask("What do I earn?", thread="t")
    assert answer.tier == "quick"
    assert {"locked", "would_escalate"} <= set(codes(answer))
    shelf.passages = []
    copilot.ask("And now something harmless", thread="t", tier="deep")
    sent = copilot.model("deep").requests[0].messages
    assert not any("salary" in m.content or "earn" in m.content for m in sent)


def test_a_turn_that_reads_a_locked_message_is_locked_by_it(copilots: Any) -> None:
    copilot = copilots(["Noted.", "UNSURE: your salary is 5,000."], ["never"])
    copilot.ask("My salary is 5,000.", thread="t", lock=True)
    answer = copilot.ask("What did I say?", thread="t")
    assert (answer.tier, codes(answer)) == ("quick", ["locked", "would_escalate"])
    assert copilot.record.get(answer.turn_id).locked
    assert copilot.model("deep").requests == []
    copilot.ask("Something else", thread="t", tier="deep")  # it sees neither turn
    assert [m.content for m in copilot.model("deep").requests[0].messages[1:]] == ["Something else"]
    assert copilot.ask("What did I say?", thread="new").tier == "deep"  # other threads are not concerned


def test_a_locked_thread_stays_on_the_device(copilots: Any) -> None:
    copilot = copilots(["UNSURE."], ["never"])
    copilot.record.lock_thread("t", True)
    assert copilot.ask("hello", thread="t").tier == "quick"
    assert copilot.ask("hello", thread="t", tier="deep").status == "blocked"
    copilot.record.lock_thread("t", False)
    assert copilot.ask("hello", thread="t").tier == "quick"  # it reads what was said under the lock
    assert copilot.ask("hello", thread="t", tier="deep").tier == "deep"  # this one does not
    assert len(copilot.model("deep").requests[0].messages) == 2


def test_a_locked_app_stays_on_the_device(copilots: Any, own_home: Any) -> None:
    copilot = copilots(["UNSURE."], ["never"], settings=Settings(home=own_home, locked=True))
    assert copilot.ask("hello").tier == "quick"
    assert copilot.ask("hello", tier="deep").status == "blocked"


def test_a_server_that_is_down_costs_the_improvement_not_the_answer(copilots: Any) -> None:
    error = Unreachable("The server at 127.0.0.1:9 cannot be reached.", fix="Start it.")
    copilot = copilots(["UNSURE."], [Step(error=error)])
    events = list(copilot.stream("hello"))
    answer = events[-1].answer
    assert (answer.status, answer.tier, answer.text) == ("done", "quick", "UNSURE.")
    assert "degraded" in codes(answer)
    assert "attempt.discarded" not in kinds(events)
    assert [(a.tier, a.outcome) for a in answer.attempts] == [("quick", "accepted"), ("deep", "failed")]
    assert len(copilot.model("deep").requests) == 3  # tried twice more: it might have been passing


def test_a_wrong_key_is_not_tried_twice(copilots: Any) -> None:
    copilot = copilots(["UNSURE."], [Step(error=AuthError("The key was refused.", fix="Check DEEP_KEY."))])
    answer = copilot.ask("hello")
    assert answer.tier == "quick"
    assert "The key was refused. Check DEEP_KEY." in answer.notices[-1].text
    assert len(copilot.model("deep").requests) == 1


def test_text_of_two_models_is_never_spliced(copilots: Any) -> None:
    copilot = copilots(["UNSURE draft."], [Step("Half an ans", error=ModelCrashed("It broke off."))])
    events = list(copilot.stream("hello"))
    answer = events[-1].answer
    assert answer.text == "UNSURE draft."
    assert "Half" not in answer.text
    assert [e.attempt for e in events if e.type == "attempt.discarded"] == [1, 2]
    assert copilot.record.get(answer.turn_id).attempts[1].text == "Half an ans"


def test_a_local_model_that_dies_hands_over(copilots: Any) -> None:
    copilot = copilots([Step("Some te", error=ModelCrashed("The model's process was killed."))], ["Whole answer."])
    answer = copilot.ask("hello")
    assert (answer.tier, answer.text, answer.decision.stage) == ("deep", "Whole answer.", "fallback")
    assert "fallback" in codes(answer)


def test_a_local_model_that_dies_alone_fails_the_turn_in_one_sentence(copilots: Any) -> None:
    copilot = copilots([Step("Some te", error=ModelCrashed("The model's process was killed.", fix="Ask again."))])
    events = list(copilot.stream("hello", thread="t"))
    assert events[-1].type == "turn.failed"
    assert events[-1].message == "The model's process was killed. Ask again."
    assert events[-1].answer.text == "Some te"
    with pytest.raises(Exception, match="process was killed"):
        events[-1].answer.raise_for_status()
    assert [m.content for m in copilot.record.history("t", with_locked=True)] == ["hello", "Some te"]


def test_a_tier_asked_for_answers_without_escalation(copilots: Any) -> None:
    copilot = copilots(["UNSURE."], ["Deep."])
    by_hand = copilot.ask("hello", tier="quick")
    assert (by_hand.tier, by_hand.decision.stage) == ("quick", "manual")
    assert copilot.ask("hello", tier="deep").tier == "deep"


def test_without_a_larger_tier_the_answer_says_what_it_would_have_done(copilots: Any) -> None:
    answer = copilots(["UNSURE."]).ask("hello")
    assert (answer.status, codes(answer)) == ("done", ["would_escalate"])
    assert "none is configured" in answer.notices[0].text


def test_three_tiers_escalate_one_by_one(copilots: Any, own_home: Any) -> None:
    models = [ScriptedModel([text], name=text, repeat=True) for text in ("UNSURE 1", "UNSURE 2", "Sure 3")]
    tiers = [Tier(name, model) for name, model in zip(("small", "middle", "large"), models, strict=True)]
    with Copilot(
        tiers, home=own_home, retriever=Shelf(), embedder=TinyEmbedder(), verifier=MarkerVerifier()
    ) as copilot:
        answer = copilot.ask("hello")
        assert answer.tier == "large"
        assert [(a.n, a.outcome) for a in answer.attempts] == [(1, "discarded"), (2, "discarded"), (3, "accepted")]
        assert copilot.ask("hello", tier="quick").tier == "small"
        assert copilot.ask("hello", tier="deep").tier == "large"


class Broken:
    async def verify(self, draft: Any, *, dial: str = "balanced") -> Any:
        raise RuntimeError("verifier broke")

    async def assess(self, question: Any) -> Assessment:
        raise RuntimeError("router broke")

    def search(self, query: str, **_: Any) -> list[Any]:
        raise OSError("disk on fire")


def test_what_fails_beside_the_models_never_fails_the_turn(copilots: Any) -> None:
    copilot = copilots(["Fine."], verifier=Broken(), router=Broken(), retriever=Broken())
    answer = copilot.ask("hello")
    assert (answer.status, answer.text) == ("done", "Fine.")
    assert codes(answer) == ["no_passages", "router_failed", "verifier_failed"]
    assert "disk on fire" in answer.notices[0].text


def test_history_goes_along_and_passages_of_old_turns_do_not(copilots: Any) -> None:
    copilot = copilots(["First answer."], retriever=Shelf(passage("A passage of the time.")))
    copilot.ask("First question?", thread="t")
    copilot.ask("Second question?", thread="t")
    _, *history, last = copilot.model("quick").requests[-1].messages
    assert [m.content for m in history] == ["First question?", "First answer."]
    assert last.content.count("A passage of the time.") == 1


def test_a_history_that_does_not_fit_is_cut_with_a_notice(copilots: Any) -> None:
    model = ScriptedModel(["word " * 30], repeat=True, context_window=300)
    copilot = copilots(model)
    for n in range(8):
        answer = copilot.ask(f"question {n} " + "word " * 20, thread="t")
    assert "context_cut" in codes(answer)
    assert "window of quick (300 tokens)" in answer.notices[0].text
    messages = model.requests[-1].messages
    assert messages[-1].content.startswith("question 7")
    assert messages[-3].content.startswith("question 6")
    assert messages[1].role == "user"  # questions and answers are cut in pairs
    assert sum(len(m.content.split()) for m in messages) < 300
    assert len(copilot.record.turns("t")) == 8


def test_a_question_that_fits_no_window_is_refused_with_both_figures(copilots: Any) -> None:
    copilot = copilots(ScriptedModel(["x"], context_window=200))
    answer = copilot.ask("word " * 250, thread="t")
    assert answer.status == "failed"
    assert "200" in (answer.error or "")
    assert copilot.record.turns("t")[0].asked.startswith("word word")


@pytest.mark.parametrize("bad", ["", "  \n ", "\x00"])
def test_an_empty_question_is_refused_before_anything_happens(copilots: Any, bad: str) -> None:
    copilot = copilots(["x"])
    with pytest.raises(UsageError, match="empty"):
        copilot.ask(bad)
    assert copilot.record.threads() == []


def test_a_huge_question_is_blocked_and_kept(copilots: Any) -> None:
    copilot = copilots(["x"])
    question = "word " * 200_000
    answer = copilot.ask(question, thread="t")
    assert answer.status == "blocked"
    assert "1,000,000 characters" in (answer.error or "")
    assert copilot.record.turns("t")[0].asked == question
    assert copilot.model("quick").requests == []
    assert copilot.ask("short", thread="t").text == "x"  # the refused message does not burden the thread
    assert len(copilot.model("quick").requests[0].messages) == 2


def test_half_a_character_in_the_question_is_survived(copilots: Any) -> None:
    answer = copilots(["Fine."]).ask("what is \ud83d this?")
    assert answer.status == "done"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"tier": "huge"}, "huge"), ({"dial": "maximum"}, "maximum"), ({"thread": " "}, "thread")],
)
def test_wrong_use_is_said_at_once(copilots: Any, wrong: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        copilots(["x"]).ask("hello", **wrong)


# -- tools -------------------------------------------------------------------------------------------------------------


def calling(*calls: tuple[str, dict[str, Any]]) -> Step:
    return Step(calls=tuple(ToolCall(f"id{i}", name, arguments) for i, (name, arguments) in enumerate(calls)))


def echo(request: ChatRequest) -> Step:
    return Step(" | ".join(m.content for m in request.messages if m.role == "tool"))


def test_tools_run_and_their_results_reach_the_model_in_order(copilots: Any) -> None:
    shelf = Shelf(passage("The fee is 12."))
    call = calling(("calculator", {"expression": "6*7"}), ("search_knowledge", {"query": "fee"}))
    copilot = copilots([call, echo], retriever=shelf)
    events = list(copilot.stream("hello", collection="default"))
    answer = events[-1].answer
    first, second = answer.text.split(" | ")
    assert first == "42"
    assert json.loads(second)[0]["text"] == "The fee is 12."
    assert shelf.asked[-1] == ("fee", "default")
    record = copilot.record.get(answer.turn_id)
    assert [(t.name, t.ok) for t in record.tools] == [("calculator", True), ("search_knowledge", True)]
    assert kinds(events).count("tool.finished") == 2
    assert len(answer.attempts) == 1


def test_a_tool_that_fails_tells_the_model(copilots: Any) -> None:
    @tool(effects="read")
    def explode(n: int) -> int:
        """Explode.

        Args:
            n: how loudly.
        """
        raise ValueError(f"boom {n}")

    call = calling(("explode", {"n": 3}), ("explode", {"n": "x"}), ("nothing", {}))
    answer = copilots([call, echo], tools=[explode]).ask("hello")
    failed, wrong, unknown = answer.text.split(" | ")
    assert failed == "error: explode failed: ValueError: boom 3"
    assert "called wrongly" in wrong
    assert "there is no tool 'nothing'" in unknown


def test_a_model_that_only_calls_tools_is_made_to_answer(copilots: Any) -> None:
    def endless(request: ChatRequest) -> Step:
        n = len(request.messages)
        return calling(("calculator", {"expression": f"{n}+1"})) if request.tools else Step("Done.")

    copilot = copilots([endless])
    assert copilot.ask("hello").text == "Done."
    assert len(copilot.model("quick").requests) == 9


def test_a_model_that_repeats_a_call_is_made_to_answer(copilots: Any) -> None:
    def stuck(request: ChatRequest) -> Step:
        return calling(("calculator", {"expression": "1+1"})) if request.tools else Step("Done.")

    copilot = copilots([stuck])
    assert copilot.ask("hello").text == "Done."
    assert len(copilot.model("quick").requests) == 4


def test_a_model_that_calls_tools_it_was_not_offered_fails_in_one_sentence(copilots: Any) -> None:
    copilot = copilots([calling(("nothing", {}))])
    answer = copilot.ask("hello")
    assert answer.error == "quick kept asking for tools instead of answering. Ask another tier."
    assert len(copilot.model("quick").requests) == 4


def test_finished_tool_results_are_handed_up(copilots: Any) -> None:
    copilot = copilots([calling(("calculator", {"expression": "40+2"})), "UNSURE 42"], ["It is 42."])
    answer = copilot.ask("hello")
    assert answer.tier == "deep"
    assert [m.content for m in copilot.model("deep").requests[0].messages if m.role == "tool"] == ["42"]


def test_a_model_that_cannot_call_is_not_shown_tools(copilots: Any) -> None:
    copilot = copilots(ScriptedModel(["plain"], tools="none"))
    copilot.ask("hello")
    assert copilot.model("quick").requests[0].tools == ()

"""What leaves the device is seen first: every way to a hosted tier, what is taken out, yes and no, and restarts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from leaving_parts import DRAFT, NINE, SEVEN, decide, kinds, piece, sent, shown
from parts import Shelf

from tierwise import (
    Answer,
    Blocked,
    Copilot,
    Price,
    Settings,
    Tier,
    UsageError,
    event_from_json,
    event_to_json,
    from_json,
    to_json,
)
from tierwise.errors import ConfigError, InvalidInput, ModelError, ServerError, UnknownName
from tierwise.events import AttemptDiscarded, AttemptStarted, SendingNeeded
from tierwise.testing import ScriptedModel, Step


def test_nothing_is_shown_unless_it_is_asked_for(copilots: Any) -> None:
    copilot = copilots([DRAFT], ["Yes."])
    assert copilot.ask("Why?").text == "Yes."
    with pytest.raises(ConfigError, match="show_before_sending"):
        copilot.ask("Why?", show_before_sending="sometimes")


def test_an_escalation_is_shown_before_it_leaves(copilots: Any) -> None:
    copilot = copilots([DRAFT], ["Seven."], retriever=Shelf(SEVEN, NINE))
    events = list(copilot.stream("What is the fee?", show_before_sending="always"))
    (needed,) = [e for e in events if isinstance(e, SendingNeeded)]
    answer = events[-1].answer
    outgoing = shown(answer)
    assert event_from_json(event_to_json(needed)) == needed
    assert from_json(Answer, to_json(answer)) == answer
    assert needed.outgoing == outgoing == copilot.record.get("last").outgoing
    assert (needed.attempt, outgoing.tier, outgoing.host) == (2, "deep", "scripted.invalid")
    assert [e.tier for e in events if isinstance(e, AttemptStarted)] == ["quick"]
    assert not [e for e in events if isinstance(e, AttemptDiscarded)]
    assert sent(copilot) == []
    assert (answer.sent_out.bytes, answer.sent_out.hosts) == (0, ())
    assert [a.outcome for a in answer.attempts] == ["waiting"]

    assert kinds(outgoing) == ["instructions", "passage", "passage", "draft", "question"]
    assert [i.id for i in outgoing.items if i.kind == "passage"] == ["p1", "p2"]
    assert [i.removable for i in outgoing.items] == [False, True, True, True, False, False]
    assert outgoing.usd is None
    assert outgoing.bytes > sum(len(i.text) for i in outgoing.items)
    assert outgoing.tokens > 20

    copilot.decide_sending(answer.turn_id, outgoing.id, allow=True)
    after = list(copilot.stream_on(answer.turn_id))
    done = after[-1].answer
    assert (done.status, done.text, done.tier, done.outgoing) == ("done", "Seven.", "deep", None)
    assert [e.tier for e in after if isinstance(e, AttemptStarted)] == ["deep"]
    assert [e.seq for e in (*events, *after)] == sorted(e.seq for e in (*events, *after))
    (request,) = sent(copilot)
    assert all(item.text in request for item in outgoing.items if item.kind != "tools")
    assert done.sent_out.passages == 2


def test_the_items_are_the_payload_in_order(copilots: Any) -> None:
    copilot = copilots(["One.", "Two.", DRAFT], ["Done."], retriever=Shelf(SEVEN))
    copilot.ask("First?", thread="t")
    copilot.ask("Second?", thread="t")
    answer = copilot.ask("Third?", thread="t", show_before_sending="first")
    outgoing = shown(answer)
    assert kinds(outgoing) == ["instructions", "earlier", "earlier", "passage", "draft", "question"]
    assert [i.text for i in outgoing.items if i.kind == "earlier"] == ["First?\n\nOne.", "Second?\n\nTwo."]
    assert [i.title for i in outgoing.items if i.kind == "earlier"] == ["First?", "Second?"]
    decide(copilot, answer, allow=True)
    (request,) = copilot.model("deep").requests
    rest = "\n\n".join(m.content for m in request.messages)
    for item in [i for i in outgoing.items if i.kind != "tools"]:
        before, found, rest = rest.partition(item.text)
        assert found
        assert before.strip() in (
            "", "<passages>\n[1]", "</passages>\n\nA smaller model's draft, which may be wrong:", "Question:",
        )  # fmt: skip
    assert rest == ""


def test_items_that_are_taken_out_do_not_leave(copilots: Any) -> None:
    copilot = copilots(["One.", DRAFT], ["Nine, I think."], retriever=Shelf(SEVEN, NINE))
    first = copilot.ask("First?", thread="t").turn_id
    answer = copilot.ask("When does it shut?", thread="t", show_before_sending="first")
    draft = next(i.id for i in shown(answer).items if i.kind == "draft")
    done = decide(copilot, answer, allow=True, without=["p1", draft, f"earlier:{first}"])
    assert done.text == "Nine, I think."
    (request,) = sent(copilot)
    assert NINE.text in request
    assert "[1] 2.txt" in request  # numbered anew: no gap tells that something is missing
    for gone in (SEVEN.text, DRAFT, "First?", "One."):
        assert gone not in request
    assert done.sent_out.passages == 1
    assert [p.id for p in copilot.record.get("last").passages] == ["p1", "p2"]
    assert {c.passage_id for c in done.citations} <= {"p2"}


def test_what_was_taken_out_stays_out_of_later_requests(copilots: Any) -> None:
    copilot = copilots(["One.", "UNSURE two."], ["Done."], retriever=Shelf(SEVEN, NINE))
    first = copilot.ask("First?", thread="t").turn_id
    answer = copilot.ask("Second?", thread="t", tier="deep", show_before_sending="first")
    assert decide(copilot, answer, allow=True, without=["p1", f"earlier:{first}"]).status == "done"
    # Remembered, and nothing that may repeat what was taken out is in it: it leaves without a question.
    assert copilot.ask("Third?", thread="t", tier="deep", show_before_sending="first").status == "done"
    assert copilot.ask("Fourth?", thread="t", tier="deep").status == "done"
    for request in sent(copilot):
        assert SEVEN.text not in request
        assert "First?" not in request
        assert NINE.text in request
    # In another thread nothing was taken out.
    assert copilot.ask("Elsewhere?", thread="u", tier="deep").status == "done"
    assert SEVEN.text in sent(copilot)[-1]


def test_what_the_device_writes_from_it_does_not_leave_unseen(copilots: Any) -> None:
    copilot = copilots(["It is SEVEN.", "UNSURE, but seven."], ["Done."], retriever=Shelf(SEVEN))
    answer = copilot.ask("One?", thread="t", tier="deep", show_before_sending="first")
    decide(copilot, answer, allow=True, without=["p1"])
    # The tier on the device reads the passage; neither its answer nor its draft may carry it out.
    assert copilot.ask("Two?", thread="t").text == "It is SEVEN."
    answer = copilot.ask("Three?", thread="t")  # "never" was asked for
    assert kinds(shown(answer)) == ["instructions", "earlier", "earlier", "draft", "question"]
    assert len(sent(copilot)) == 1
    assert decide(copilot, answer, allow=True).status == "done"
    # What was seen once may leave again.
    assert copilot.ask("Four?", thread="t", tier="deep").status == "done"


def test_first_asks_once_a_thread_and_always_once_a_turn(copilots: Any) -> None:
    copilot = copilots([DRAFT], ["Yes."])
    for wish, waits in (("first", True), ("first", False), ("never", False), ("always", True), ("always", True)):
        answer = copilot.ask("Why?", thread="t", show_before_sending=wish)
        assert (answer.status == "needs_approval") is waits
        if waits:
            assert decide(copilot, answer, allow=True).status == "done"
    assert copilot.ask("Why?", thread="u", show_before_sending="first").status == "needs_approval"


def test_a_request_that_never_left_is_not_remembered(copilots: Any) -> None:
    refused = ModelError("No connection.")
    refused.nothing_sent = True
    copilot = copilots([DRAFT], [Step(error=refused)])
    answer = decide(copilot, copilot.ask("Why?", thread="t", show_before_sending="first"), allow=True)
    assert (answer.tier, answer.sent_out.bytes) == ("quick", 0)
    assert copilot.ask("Why?", thread="t", show_before_sending="first").status == "needs_approval"


def test_the_setting_holds_where_nothing_else_is_said(copilots: Any, own_home: Path) -> None:
    copilot = copilots([DRAFT], ["Yes."], settings=Settings(home=own_home, show_before_sending="first"))
    assert copilot.ask("Why?").status == "needs_approval"
    assert copilot.ask("Why?", show_before_sending="never").status == "done"


def test_a_tier_on_the_device_is_never_asked_about(copilots: Any) -> None:
    copilot = copilots(["Fine."], ["Yes."])
    assert copilot.ask("Why?", show_before_sending="always").status == "done"
    assert copilot.ask("Why?", tier="quick", show_before_sending="always").status == "done"


def test_no_makes_the_draft_the_answer(copilots: Any) -> None:
    copilot = copilots([DRAFT, DRAFT], ["Yes."])
    done = decide(copilot, copilot.ask("Why?", thread="t", show_before_sending="first"), allow=False)
    assert (done.status, done.text, done.tier) == ("done", DRAFT, "quick")
    assert [n.code for n in done.notices] == ["kept_here"]
    assert [a.outcome for a in done.attempts] == ["accepted"]
    assert done.sent_out.hosts == ()
    # It was said for this turn.
    assert decide(copilot, copilot.ask("Why?", thread="t", show_before_sending="first"), allow=True).text == "Yes."


def test_no_to_a_tier_that_was_named_asks_no_other(copilots: Any) -> None:
    copilot = copilots(["Mine."], ["Yes."])
    done = decide(copilot, copilot.ask("Why?", tier="deep", show_before_sending="always"), allow=False)
    assert done.status == "blocked"
    assert "You kept this turn on the device" in (done.error or "")
    assert copilot.model("quick").requests == copilot.model("deep").requests == []
    with pytest.raises(Blocked):
        done.raise_for_status()


def test_no_where_nothing_was_drafted_asks_a_tier_on_the_device(copilots: Any) -> None:
    """The thread is at a task of the larger tier, so the follow-up is chosen for it before anything is drafted."""
    copilot = copilots([DRAFT, "UNSURE again."], ["def f(): return 1"])
    copilot.ask("Write a function that returns one.", thread="t")
    answer = copilot.ask("Now make it shorter.", thread="t", show_before_sending="always")
    assert [a.tier for a in answer.attempts] == []
    done = decide(copilot, answer, allow=False)
    # Its draft would be escalated, but the no holds for the whole turn.
    assert (done.status, done.text, done.tier) == ("done", "UNSURE again.", "quick")
    assert {n.code for n in done.notices} == {"kept_here", "would_escalate"}
    assert "kept this turn here" in " ".join(n.text for n in done.notices)
    assert len(sent(copilot)) == 1
    record = copilot.record.get("last")
    assert (record.chosen, record.stage, record.reasons[0].code) == ("deep", "policy", "kept_here")


def test_only_what_was_shown_can_be_decided_on(copilots: Any) -> None:
    copilot = copilots([DRAFT], ["Yes."], retriever=Shelf(SEVEN))
    answer = copilot.ask("Why?", show_before_sending="always")
    turn, outgoing = answer.turn_id, shown(answer)
    with pytest.raises(InvalidInput, match="not the request that waits"):
        copilot.decide_sending(turn, "0" * 16, allow=True)
    with pytest.raises(InvalidInput, match="cannot be taken out"):
        copilot.decide_sending(turn, outgoing.id, allow=True, without=["question"])
    with pytest.raises(UnknownName, match="no item 'p9'"):
        copilot.decide_sending(turn, outgoing.id, allow=True, without=["p9"])
    with pytest.raises(UsageError):
        copilot.decide_sending("no-such-turn", outgoing.id, allow=True)
    # Going on without a decision shows the same again.
    again = copilot.go_on(turn)
    assert shown(again) == outgoing
    assert sent(copilot) == []
    assert decide(copilot, again, allow=True).status == "done"
    with pytest.raises(InvalidInput, match="waits to be sent"):
        copilot.decide_sending(turn, outgoing.id, allow=True)


def test_a_request_that_has_changed_is_shown_again(copilots: Any) -> None:
    """Without the passage that filled the window there is room for another, which nobody has seen."""
    long, other = piece(1, "word " * 60), piece(2, "other " * 40)
    deep = ScriptedModel(["Done."], on_device=False, host="h", context_window=200, repeat=True)
    copilot = copilots(["Fine."], deep, retriever=Shelf(long, other))
    answer = copilot.ask("Why?", tier="deep", show_before_sending="always")
    assert [i.id for i in shown(answer).items if i.kind == "passage"] == ["p1"]
    answer = decide(copilot, answer, allow=True, without=["p1"])
    assert [i.id for i in shown(answer).items if i.kind == "passage"] == ["p2"]
    assert sent(copilot) == []
    done = decide(copilot, answer, allow=True, without=["p2"])
    assert done.status == "done"
    assert "word" not in sent(copilot)[0]
    assert "other" not in sent(copilot)[0]


def test_a_thread_in_short_is_one_item_and_can_be_taken_out(copilots: Any) -> None:
    quick = [" ".join(f"Part {n} of answer {turn}." for n in range(12)) for turn in range(8)]
    deep = ScriptedModel(["Done."], on_device=False, host="h", context_window=400, repeat=True)
    copilot = copilots(ScriptedModel(quick), deep)
    for turn in range(8):
        copilot.ask(f"Question number {turn}?", thread="t", tier="quick")
    answer = copilot.ask("And now?", thread="t", tier="deep", show_before_sending="first")
    (item,) = [i for i in shown(answer).items if i.kind == "earlier"]
    assert "number 7" in item.text
    assert decide(copilot, answer, allow=True, without=[item.id]).status == "done"
    assert copilot.ask("And then?", thread="t", tier="deep").status == "done"
    for request in sent(copilot):
        assert "number" not in request
        assert "Part" not in request
    assert "And now?" in sent(copilot)[-1]


def test_a_draft_that_was_taken_out_does_not_leave_as_an_answer(copilots: Any) -> None:
    copilot = copilots([DRAFT, "Fine."], [Step(error=ServerError("It broke."))])
    answer = copilot.ask("Why?", thread="t", show_before_sending="first")
    draft = next(i.id for i in shown(answer).items if i.kind == "draft")
    done = decide(copilot, answer, allow=True, without=[draft])
    assert (done.text, done.tier) == (DRAFT, "quick")  # the larger tier failed
    copilot.ask("And?", thread="t", tier="deep")
    assert all(DRAFT not in request for request in sent(copilot))


def test_asking_again_does_not_bring_back_what_was_taken_out(copilots: Any) -> None:
    copilot = copilots(["One secret.", "Another secret."], ["Done."])
    first = copilot.ask("Whose secret?", thread="t").turn_id
    answer = copilot.ask("Second?", thread="t", tier="deep", show_before_sending="first")
    decide(copilot, answer, allow=True, without=[f"earlier:{first}"])
    copilot.again(first, tier="quick")
    copilot.ask("Third?", thread="t", tier="deep")
    assert all("secret" not in request for request in sent(copilot))


def test_a_lock_that_comes_while_it_waits_holds(copilots: Any) -> None:
    copilot = copilots([DRAFT], ["Yes."])
    answer = copilot.ask("Why?", thread="t", show_before_sending="first")
    copilot.decide_sending(answer.turn_id, shown(answer).id, allow=True)
    copilot.record.lock_thread("t", True)
    with pytest.raises(Blocked):
        copilot.go_on(answer.turn_id)
    assert sent(copilot) == []
    copilot.record.lock_thread("t", False)
    assert copilot.go_on(answer.turn_id).text == "Yes."


def test_a_locked_turn_is_not_asked_about(copilots: Any) -> None:
    copilot = copilots([DRAFT], ["Yes."])
    assert copilot.ask("Why?", lock=True, show_before_sending="always").status == "done"
    assert sent(copilot) == []


@pytest.mark.parametrize("decided", [False, True])
def test_a_restart_between_showing_and_sending_loses_nothing(copilots: Any, own_home: Path, decided: bool) -> None:
    first = copilots([DRAFT], ["Yes."], retriever=Shelf(SEVEN))
    answer = first.ask("Why?", thread="t", show_before_sending="first")
    if decided:
        first.decide_sending(answer.turn_id, shown(answer).id, allow=True, without=["p1"])
    first.close()
    second = copilots(["Unused."], ["Later."], retriever=Shelf(SEVEN))
    assert [turn.outgoing for turn in second.record.waiting_turns()] == [shown(answer)]
    if not decided:
        second.decide_sending(answer.turn_id, shown(answer).id, allow=True, without=["p1"])
    assert second.go_on(answer.turn_id).text == "Later."
    assert SEVEN.text not in sent(second)[0]
    assert second.model("quick").requests == []


def test_a_program_that_dies_after_showing_leaves_a_turn_that_waits(copilots: Any) -> None:
    copilot = copilots([DRAFT], ["Yes."])
    answer = copilot.ask("Why?", show_before_sending="first")
    with copilot.record._writing() as db:  # as if it had not come to storing that the turn waits
        db.execute("UPDATE turns SET status = 'running', parked = NULL, owner = 'gone'")
    copilot.record.repair()
    found = copilot.record.get("last")
    assert (found.status, found.outgoing) == ("needs_approval", shown(answer))
    assert decide(copilot, answer, allow=True).text == "Yes."


def test_what_asking_again_would_send_is_told_before(copilots: Any, own_home: Path) -> None:
    deep = ScriptedModel(["Yes, " * 100], on_device=False, host="h", repeat=True)
    tiers = [Tier("quick", ScriptedModel(["Fine."], repeat=True)), Tier("deep", deep, price=Price(1.0, 10.0))]
    with Copilot(tiers, home=own_home, retriever=Shelf(SEVEN, NINE)) as copilot:
        copilot.ask("First?", thread="t")
        turn = copilot.ask("Why?", thread="t").turn_id
        before = copilot.record.get(turn)
        told = copilot.outgoing(turn, tier="deep")
        assert kinds(told) == ["instructions", "earlier", "passage", "passage", "question"]
        assert told.usd == pytest.approx((told.tokens + 300 * 10) / 1e6)
        here = copilot.outgoing(turn, tier="quick")
        assert (here.host, here.usd, here.bytes) == ("", 0.0, 0)
        assert copilot.record.get(turn) == before
        assert len(copilot.record.turns("t")) == 2
        assert deep.requests == []

        answer = copilot.again(turn, tier="deep", show_before_sending="always")
        assert [replace(i, id="") for i in shown(answer).items] == [replace(i, id="") for i in told.items]
        assert shown(answer).tokens == told.tokens
        decide(copilot, answer, allow=True)
        # Now it is known how long its answers are.
        again = copilot.outgoing("last", tier="deep")
        assert again.usd == pytest.approx((again.tokens + 100 * 10) / 1e6)
        copilot.record.lock_thread("t", True)
        with pytest.raises(Blocked):
            copilot.outgoing("last", tier="deep")
        assert copilot.outgoing("last", tier="quick").usd == 0
        with pytest.raises(UsageError, match="Name one"):
            copilot.outgoing("last", tier="auto")

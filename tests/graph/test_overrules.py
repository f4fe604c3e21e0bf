"""A question asked again on another tier: the better answer takes the place of the old one, or nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from parts import MarkerVerifier, Shelf, Stuck, TinyEmbedder, passage

from tierwise import AsyncCopilot, Copilot, Tier, UnknownName
from tierwise.errors import InvalidInput, Unreachable
from tierwise.testing import ScriptedModel, Step


def read(copilot: Copilot, tier: str) -> list[str]:
    """What the tier's model read last, without the system text."""
    return [m.content for m in copilot.model(tier).requests[-1].messages[1:]]  # type: ignore[attr-defined]


def three(home: Path, **models: Sequence[str | Step]) -> Copilot:
    made = {
        name: ScriptedModel(list(steps), name=name, on_device=name != "large", repeat=True)
        for name, steps in models.items()
    }
    return Copilot(
        [Tier(name, model) for name, model in made.items()],
        home=home, retriever=Shelf(), embedder=TinyEmbedder(), verifier=MarkerVerifier(),
    )  # fmt: skip


def test_escalating_an_answer_replaces_it(copilots: Any) -> None:
    copilot = copilots(["Lyon."], ["Paris."])
    old = copilot.ask("What is the capital of France?", thread="t", collection=None, dial="quality")
    events = list(copilot.stream_again(old.turn_id, tier="deep"))
    new = events[-1].answer
    assert [e.type for e in events][:1] == ["turn.started"]
    assert (new.status, new.tier, new.text, new.thread, new.decision.stage) == ("done", "deep", "Paris.", "t", "manual")
    was, now = copilot.record.get(old.turn_id), copilot.record.get(new.turn_id)
    assert (was.overruled, was.text, was.status) == ("escalate", "Lyon.", "done")
    assert (now.overrules, now.overruled, now.asked, now.dial) == (old.turn_id, None, was.asked, "quality")
    assert read(copilot, "deep") == ["What is the capital of France?"]  # it does not read what it replaces
    copilot.ask("And of Spain?", thread="t", tier="quick")
    assert read(copilot, "quick") == ["What is the capital of France?", "Paris.", "And of Spain?"]


def test_answering_locally_replaces_an_answer_too(copilots: Any) -> None:
    copilot = copilots(["Paris."], ["Paris, of course, which ..."])
    old = copilot.ask("What is the capital of France?", thread="t", tier="deep")
    new = copilot.again("last", tier="quick", offline=True)
    assert (new.tier, new.sent_out.bytes) == ("quick", 0)
    assert copilot.record.get(old.turn_id).overruled == "local"


def test_collection_and_lock_are_kept(copilots: Any) -> None:
    shelf = Shelf()
    copilot = copilots(["One."], ["Two."], retriever=shelf)
    free = copilot.ask("hello", thread="t", collection="flat")
    copilot.again(free.turn_id, tier="deep")
    assert shelf.asked == [("hello", "flat")] * 2
    locked = copilot.ask("my secret", thread="u", lock=True)
    answer = copilot.again(locked.turn_id, tier="deep")
    assert answer.status == "blocked"
    assert "locked to this device, and deep is not on it" in (answer.error or "")
    assert copilot.record.get(locked.turn_id).overruled is None
    assert len(copilot.model("deep").requests) == 1
    assert [m.content for m in copilot.record.history("u", with_locked=True)] == ["my secret", "One."]


def test_a_turn_that_a_passage_locked_is_never_asked_again_off_the_device(copilots: Any) -> None:
    shelf = Shelf(passage("The salary is 5,000.", locked=True))
    copilot = copilots(["5,000."], ["never"], retriever=shelf)
    old = copilot.ask("What do I earn?", thread="t")
    shelf.passages = []  # were it found again, its lock would do
    assert copilot.again(old.turn_id, tier="deep").status == "blocked"
    assert copilot.model("deep").requests == []


def test_a_lock_of_the_thread_that_came_later_holds(copilots: Any) -> None:
    copilot = copilots(["One."], ["never"])
    old = copilot.ask("hello", thread="t")
    copilot.record.lock_thread("t", True)
    assert copilot.again(old.turn_id, tier="deep").status == "blocked"
    assert copilot.model("deep").requests == []


def test_a_locked_answer_may_be_given_again_on_the_device_and_stays_locked(own_home: Path) -> None:
    with three(own_home, small=["One."], middle=["Two."], large=["never"]) as copilot:
        old = copilot.ask("my secret", thread="t", lock=True)
        new = copilot.again(old.turn_id, tier="middle")
        assert (new.tier, copilot.record.get(new.turn_id).locked) == ("middle", True)
        assert copilot.again(new.turn_id, tier="large").status == "blocked"
        copilot.ask("Something else", thread="t", tier="large")
        assert read(copilot, "large") == ["Something else"]


def test_without_another_answer_the_old_one_stands(copilots: Any) -> None:
    copilot = copilots(["Lyon."], [Step(error=Unreachable("The cable is out."))])
    old = copilot.ask("What is the capital of France?", thread="t")
    new = copilot.again(old.turn_id, tier="deep")
    assert (new.status, new.tier) == ("done", "quick")  # quick stood in: that is no other answer
    assert copilot.record.get(old.turn_id).overruled is None
    assert "Lyon." in [m.content for m in copilot.record.history("t", with_locked=True)]


def test_a_turn_that_was_stopped_overrules_nothing(copilots: Any) -> None:
    deep = Stuck(["one two three four"], on_device=False, host="scripted.invalid", repeat=True, words=1)
    copilot = copilots(["Lyon."], deep)
    old = copilot.ask("What is the capital of France?", thread="t")
    events = copilot.stream_again(old.turn_id, tier="deep")
    next(e for e in events if e.type == "text.delta")
    events.close()
    stopped = copilot.record.turns("t")[-1]
    assert (stopped.status, stopped.overrules) == ("stopped", old.turn_id)
    assert copilot.record.get(old.turn_id).overruled is None
    assert copilot.again(old.turn_id, tier="deep").status == "done"  # and can be tried once more
    assert copilot.record.get(old.turn_id).overruled == "escalate"


def test_a_partial_answer_can_be_overruled(copilots: Any) -> None:
    copilot = copilots(Stuck(["one two three four"], words=1), ["Whole."])
    events = copilot.stream("Count.", thread="t")
    next(e for e in events if e.type == "text.delta")
    events.close()
    assert copilot.again("last", tier="deep").text == "Whole."
    assert [m.content for m in copilot.record.history("t", with_locked=True)] == ["Count.", "Whole."]


def test_an_old_question_is_asked_again_with_what_had_been_said_before_it(copilots: Any) -> None:
    copilot = copilots(["One.", "Two.", "Three."], ["Better."])
    turns = [copilot.ask(f"question {n}", thread="t") for n in range(3)]
    copilot.again(turns[1].turn_id, tier="deep")
    assert read(copilot, "deep") == ["question 0", "One.", "question 1"]
    copilot.ask("question 3", thread="t", tier="quick")
    assert read(copilot, "quick")[2:] == ["question 2", "Three.", "question 1", "Better.", "question 3"]


def test_three_tiers_are_gone_up_one_by_one(own_home: Path) -> None:
    with three(own_home, small=["1"], middle=["2"], large=["3"]) as copilot:
        first = copilot.ask("hello", thread="t")
        second = copilot.again(first.turn_id, tier="middle")
        third = copilot.again(second.turn_id, tier="deep")
        fourth = copilot.again(third.turn_id, tier="quick")
        kinds = [copilot.record.get(t.turn_id).overruled for t in (first, second, third, fourth)]
        assert kinds == ["escalate", "escalate", "local", None]
        assert [m.content for m in copilot.record.history("t", with_locked=True)] == ["hello", "1"]


@pytest.mark.parametrize(
    ("tier", "error", "says"),
    [
        ("huge", UnknownName, "There is no tier 'huge'"),
    ],
)
def test_what_cannot_be_is_said_at_once(copilots: Any, tier: str, error: type[Exception], says: str) -> None:
    copilot = copilots(["One."], ["Two."])
    copilot.ask("hello", thread="t")
    with pytest.raises(error, match=says):
        copilot.again("last", tier=tier)
    with pytest.raises(UnknownName):
        copilot.again("no-such-turn", tier="deep")
    assert len(copilot.record.turns("t")) == 1


def test_an_answer_is_overruled_once(copilots: Any) -> None:
    copilot = copilots(["One."], ["Two."])
    old = copilot.ask("hello", thread="t")
    new = copilot.again(old.turn_id, tier="deep")
    with pytest.raises(InvalidInput, match=new.turn_id):
        copilot.again(old.turn_id, tier="deep")


def test_a_turn_without_an_answer_can_be_asked_again(copilots: Any) -> None:
    copilot = copilots(["One."], ["Two."])
    blocked = copilot.ask("word " * 250_000, thread="t")
    assert blocked.status == "blocked"
    assert copilot.again(blocked.turn_id, question="a word").text == "One."
    assert copilot.record.get(blocked.turn_id).overruled == "edit"


@pytest.mark.parametrize("tier", ["quick", "auto"])
def test_the_same_tier_can_answer_again(copilots: Any, tier: str) -> None:
    copilot = copilots(["One.", "Another one."], ["Two."])
    old = copilot.ask("hello", thread="t")
    new = copilot.again(old.turn_id, tier=tier)
    assert (new.tier, new.text) == ("quick", "Another one.")
    assert copilot.record.get(old.turn_id).overruled == "again"
    assert said(copilot) == ["hello", "Another one."]


def said(copilot: Any) -> list[str]:
    return [m.content for m in copilot.record.history("t", with_locked=True)]


def test_a_question_in_other_words_replaces_what_followed_it(copilots: Any) -> None:
    copilot = copilots(["One.", "Two.", "Three.", "New."], ["never"])
    first, second, third = (copilot.ask(words, thread="t") for words in ("a first", "a second", "a third"))
    new = copilot.again(second.turn_id, question="a better second")
    assert said(copilot) == ["a first", "One.", "a better second", "New."]
    kinds = [copilot.record.get(t.turn_id).overruled for t in (first, second, third, new)]
    assert kinds == [None, "edit", "edit", None]
    assert copilot.record.get(new.turn_id).asked == "a better second"
    assert copilot.record.successor(second.turn_id) == new.turn_id


def test_what_followed_stands_until_the_new_answer_is_there(copilots: Any) -> None:
    copilot = copilots(["One.", "Two."], ["never"])
    first = copilot.ask("a first", thread="t")
    copilot.ask("a second", thread="t")
    assert copilot.again(first.turn_id, question="word " * 250_000).status == "blocked"
    assert said(copilot) == ["a first", "One.", "a second", "Two."]


def test_a_form_can_be_asked_for_again(copilots: Any) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    copilot = copilots(['{"city": "Lyon"}'], ['{"city": "Paris"}'])
    old = copilot.ask("Which city?", schema=schema, thread="t")
    assert copilot.again(old.turn_id, tier="deep", schema=schema).text == '{"city": "Paris"}'


async def test_the_same_in_async_code(own_home: Path) -> None:
    tiers = [Tier("quick", ScriptedModel(["One."])), Tier("deep", ScriptedModel(["Two."], on_device=False))]
    async with AsyncCopilot(
        tiers, home=own_home, retriever=Shelf(), embedder=TinyEmbedder(), verifier=MarkerVerifier()
    ) as copilot:
        old = await copilot.ask("hello")
        assert (await copilot.again(old.turn_id, tier="deep")).text == "Two."
        assert copilot.record.get(old.turn_id).overruled == "escalate"

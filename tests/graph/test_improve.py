"""Answers that a larger tier missed are improved once it can be asked: the right ones, once, and within the budget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from parts import MarkerVerifier, Shelf, TinyEmbedder
from tool_steps import calling

from tierwise import Budget, Copilot, Price, Settings, Tier
from tierwise.errors import Blocked, InvalidInput, ModelError, ServerError
from tierwise.testing import ScriptedModel, Step
from tierwise_tools import tool

PRICE = Price(0.0, 10_000.0)  # a cent a word that is written


@pytest.fixture
def make(own_home: Path) -> Any:
    """Copilots on one home, as programs that are started one after the other."""
    made: list[Copilot] = []

    def build(
        quick: Any = ("UNSURE.",), deep: Any = ("one",), *, budget: Budget | None = None, **options: Any
    ) -> Copilot:
        while made:
            made.pop().close()
        hosted = ScriptedModel(list(deep), name="scripted-deep", on_device=False, host="deep.invalid", repeat=True)
        tiers = [
            Tier("quick", ScriptedModel(list(quick), name="scripted-quick", repeat=True)),
            Tier("deep", hosted, price=PRICE),
        ]
        settings = Settings(home=own_home, budget=budget or Budget(), **options.pop("settings", {}))
        parts = {"retriever": Shelf(), "embedder": TinyEmbedder(), "verifier": MarkerVerifier()}
        made.append(Copilot(tiers, settings=settings, **(parts | options)))
        return made[-1]

    yield build
    for copilot in made:
        copilot.close()


def asked(copilot: Copilot) -> int:
    return len(copilot.model("deep").requests)  # type: ignore[attr-defined]


def test_what_was_asked_offline_is_improved_later(make: Any) -> None:
    away = make(settings={"offline": True})
    first, second = away.ask("Hard?", thread="a"), away.ask("Harder?", thread="b")
    assert (first.tier, second.tier) == ("quick", "quick")
    with pytest.raises(Blocked, match="tierwise is offline"):
        list(away.improve())

    home = make()
    found = home.improvable()
    assert [(one.asked, one.tier, one.host, one.against) for one in found] == [
        ("Hard?", "deep", "deep.invalid", None),
        ("Harder?", "deep", "deep.invalid", None),
    ]
    assert all(one.bytes > 0 and one.usd and "tierwise is offline" in one.why for one in found)
    assert asked(home) == 0

    answers = list(home.improve())
    assert [(a.tier, a.text, a.thread) for a in answers] == [("deep", "one", "a"), ("deep", "one", "b")]
    assert home.record.get(first.turn_id).overruled == "escalate"
    assert [turn.text for turn in home.record.turns("a", standing=True)] == ["one"]
    assert home.record.missed() == []
    assert home.record.missed_count() == 0
    assert list(home.improve()) == []


def test_a_tier_that_was_down_is_asked_once_it_is_up(make: Any) -> None:
    make(deep=[Step(error=ServerError("It is down."))]).ask("Hard?")
    home = make()
    (one,) = home.improvable()
    assert (one.missed, one.tier) == ("degraded", "deep")
    assert [a.tier for a in home.improve()] == ["deep"]


def test_what_asks_in_vain_is_not_asked_twice(make: Any) -> None:
    """The turn that asked again in vain has missed the tier as well; it is the first one's answer that stands."""
    make(settings={"offline": True}).ask("Hard?", thread="t")
    down = make(deep=[Step(error=ServerError("It is down."))])
    (vain,) = down.improve()
    assert vain.tier == "quick"
    home = make()
    assert [one.asked for one in home.improvable()] == ["Hard?"]
    assert [a.tier for a in home.improve()] == ["deep"]
    assert home.record.missed() == []


def test_it_stops_when_the_tier_fails_again_and_again(make: Any) -> None:
    away = make(settings={"offline": True})
    for n in range(4):
        away.ask(f"Hard {n}?")
    down = make(deep=[Step(error=ServerError("It is down."))])
    answers = []
    with pytest.raises(ModelError, match=r"answers? left to improve"):
        for answer in down.improve():
            answers.append(answer)
    assert 1 <= len(answers) <= 2
    assert down.record.missed_count() == 4


def test_it_stops_at_the_budget_and_says_how_many_are_left(make: Any) -> None:
    away = make(settings={"offline": True})
    for n in range(4):
        away.ask(f"Hard {n}?")
    poor, done = make(deep=["one two"], budget=Budget(day=0.03)), []
    with pytest.raises(Blocked, match=r"2 answers left to improve\. deep costs money, and \$0\.04 of today's budget"):
        for answer in poor.improve():
            done.append(answer.tier)
    assert done == ["deep", "deep"]
    assert [one.asked for one in poor.improvable()] == ["Hard 2?", "Hard 3?"]
    assert len(list(make().improve())) == 2


def test_a_threads_budget_leaves_other_threads_alone(make: Any) -> None:
    away = make(settings={"offline": True})
    for thread in ("a", "a", "b"):
        away.ask("Hard?", thread=thread)
    poor, done = make(deep=["one two"], budget=Budget(thread=0.02)), []
    with pytest.raises(Blocked, match="this thread's budget"):
        for answer in poor.improve():
            done.append(answer.thread)
    assert done == ["a", "b"]


def test_a_locked_turn_or_thread_is_not_among_them(make: Any) -> None:
    away = make(settings={"offline": True})
    away.ask("Hard?", thread="a", lock=True)
    away.ask("Hard?", thread="b")
    away.record.lock_thread("b", True)
    assert away.record.missed() == []
    locked = make(settings={"locked": True})
    with pytest.raises(Blocked, match="tierwise is locked"):
        list(locked.improve())


def test_an_answer_that_was_replaced_is_not_among_them(make: Any) -> None:
    away = make(settings={"offline": True})
    turn = away.ask("Hard?").turn_id
    home = make()
    home.again(turn, tier="deep")
    assert home.improvable() == []
    with pytest.raises(InvalidInput, match="no answer that a larger tier could improve"):
        home.improvable([turn])


def test_named_turns_only(make: Any) -> None:
    away = make(settings={"offline": True})
    turns = [away.ask(f"Hard {n}?").turn_id for n in range(3)]
    home = make()
    assert [one.asked for one in home.improvable([turns[2], turns[0]])] == ["Hard 2?", "Hard 0?"]
    assert [one.asked for one in home.improvable(last=1)] == ["Hard 2?"]
    assert len(list(home.improve([turns[1]]))) == 1
    assert home.record.missed_count() == 2


@tool(effects="write")
def note(at: str) -> str:
    """Note something.

    Args:
        at: what.
    """
    return "noted"


def test_a_turn_that_changed_something_is_left_out_unless_it_is_named(make: Any) -> None:
    steps = [calling(("note", {"at": "x"})), "UNSURE."]
    away = make(steps, settings={"offline": True}, tools=[note])
    turn = away.ask("Note x, and tell me why.")
    turn = away.approve(turn.turn_id)
    assert turn.status == "done"
    home = make()
    (one,) = home.improvable()
    assert "might do it again" in (one.against or "")
    assert list(home.improve()) == []
    assert [a.tier for a in home.improve([turn.turn_id])] == ["deep"]


def test_what_waits_for_a_person_waits(make: Any) -> None:
    make(settings={"offline": True}).ask("Hard?", thread="t")
    home = make(settings={"show_before_sending": "always"})
    (waits,) = home.improve()
    assert waits.status == "needs_approval"
    assert waits.outgoing is not None
    home.decide_sending(waits.turn_id, waits.outgoing.id, allow=True)
    assert home.go_on(waits.turn_id).tier == "deep"
    assert home.record.missed() == []


def test_a_turn_that_was_kept_here_stays_here(make: Any) -> None:
    home = make(settings={"show_before_sending": "always"})
    waits = home.ask("Hard?")
    home.decide_sending(waits.turn_id, waits.outgoing.id, allow=False)
    assert home.go_on(waits.turn_id).tier == "quick"
    assert home.record.missed() == []


def test_without_a_larger_tier_it_is_said(make: Any, own_home: Path) -> None:
    make(settings={"offline": True}).ask("Hard?").raise_for_status()
    model = ScriptedModel(["UNSURE."], repeat=True)
    with Copilot([Tier("quick", model)], settings=Settings(home=own_home), retriever=Shelf(), embedder=None) as alone:
        (one,) = alone.improvable()
        assert (one.tier, one.against) == (None, "No tier above the one that answered is configured.")
        with pytest.raises(InvalidInput, match="No tier above"):
            list(alone.improve([one.turn_id]))
    assert replace(one, against=None) != one

"""Turns that run by themselves: watched by several, by nobody, stopped, begun wrongly."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tierwise import UnknownName
from tierwise.events import AnswerReady, TextDelta, TurnStarted
from tierwise.testing import Step, make_copilot


def test_a_turn_goes_on_without_anybody_watching(copilots: Any) -> None:
    copilot = copilots(["One two three."], ["never"])
    turn = copilot.start("hello", thread="t")
    assert (turn.thread, turn.asked) == ("t", "hello")
    assert turn.wait(30)
    assert turn.over
    assert turn.answer.text == "One two three."
    assert copilot.record.get(turn.turn_id).text == "One two three."


def test_who_comes_late_sees_everything_and_who_comes_again_only_what_is_new(copilots: Any) -> None:
    copilot = copilots(["One two three."], ["never"])
    turn = copilot.start("hello")
    turn.wait(30)
    events = turn.events()
    assert isinstance(events[0], TurnStarted)
    assert isinstance(events[-1], AnswerReady)
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "One two three."
    assert turn.events(after=len(events) - 1) == events[-1:]
    assert turn.wait(0, after=len(events)), "it is over: nobody has to wait for more"


def test_stopping_keeps_what_was_written(own_home: Path) -> None:
    with make_copilot([Step(text="word " * 200, delay=0.05)], home=own_home) as copilot:
        turn = copilot.start("hello", thread="t")
        known = 0
        while not any(isinstance(e, TextDelta) for e in turn.events()):
            assert turn.wait(30, after=known)
            known = len(turn.events())
        turn.stop()
        assert turn.wait(10)
        assert turn.answer is not None
        assert turn.answer.status == "stopped"
        assert turn.answer.text.startswith("word")
        assert copilot.ask("and now?", thread="t").status in ("done", "failed"), "the thread goes on"


def test_what_is_wrong_is_told_and_nothing_is_stored(copilots: Any) -> None:
    copilot = copilots(["One."], ["never"])
    turn = copilot.start("hello", thread="t", tier="huge")
    assert turn.wait(30)
    assert "There is no tier 'huge'" in str(turn.error)
    assert turn.answer is None
    assert turn.turn_id is None
    with pytest.raises(UnknownName):
        copilot.record.turns("t")
    with pytest.raises(UnknownName):
        copilot.start_again("no-such-turn")


def test_a_question_is_asked_again_and_a_thread_gets_a_name_by_itself(copilots: Any) -> None:
    copilot = copilots(["One.", "Another."], ["Two."])
    first = copilot.start("hello")
    first.wait(30)
    second = copilot.start_again(first.turn_id, tier="deep")
    second.wait(30)
    assert second.thread == first.thread
    assert second.answer.text == "Two."
    third = copilot.start_again(second.turn_id, tier="quick", question="hello again")
    third.wait(30)
    assert (third.asked, third.answer.text) == ("hello again", "Another.")


def test_many_wait_at_once(copilots: Any) -> None:
    copilot = copilots(["One."], ["never"])
    turn = copilot.start("hello")
    seen: list[bool] = []
    waiting = [threading.Thread(target=lambda: seen.append(turn.wait(30))) for _ in range(8)]
    for one in waiting:
        one.start()
    for one in waiting:
        one.join()
    assert seen == [True] * 8


def test_closing_the_copilot_ends_its_turns(own_home: Path) -> None:
    copilot = make_copilot([Step(text="word " * 500, delay=0.05)], home=own_home)
    turn = copilot.start("hello")
    assert turn.wait(30, after=0)
    copilot.close()
    assert turn.wait(10)
    assert turn.answer is not None
    assert turn.answer.status == "stopped"

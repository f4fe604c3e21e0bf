"""Threads in the list have titles, and titles have locks; long threads are read no slower than short ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.errors import InvalidInput, UnknownName
from tierwise.record import Exchange, Record, stated_in
from tierwise.record.titles import title_of
from tierwise.turns import DecisionRecord


@pytest.fixture
def record(own_home: Path) -> Iterator[Record]:
    store = Record(own_home)
    yield store
    store.close()


def say(store: Record, asked: str, text: str = "Yes.", *, thread: str = "t", locked: bool = False) -> str:
    number = len(store.records())
    begun = DecisionRecord(f"turn-{number}", thread, asked, "running", time.time(), locked=locked)
    store.start(begun)
    store.finish(replace(begun, status="done", text=text, final="quick"))
    return begun.turn_id


# -- titles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        (["What is the capital of France?"], "What is the capital of France?"),
        (["Hello! Can you please tell me how long the warranty of the kettle is?"],
         "How long the warranty of the kettle is?"),
        (["hi", "How do I descale the kettle?"], "How do I descale the kettle?"),
        (["Good morning, I have a question about my flat. When do I get the deposit back?"],
         "When do I get the deposit back?"),
        (["My kettle leaks at the bottom. It is two years old. What can I do?"], "My kettle leaks at the bottom"),
        (["Fix this function:\n\ndef f(x):\n    return x+1"], "Fix this function"),
        (["  first\n question  "], "first question"),
        (["Explain in all the detail that you can find why the write-ahead log of a database grows without an end."],
         "Explain in all the detail that you can find why the…"),
        (["hello"], "hello"),
        (["🙂"], "🙂"),
        (["x" * 500], "x" * 59 + "…"),
        ([], ""),
    ],
)  # fmt: skip
def test_a_title_is_the_essence_of_the_first_question(asked: list[str], title: str) -> None:
    assert title_of(asked) == title


@given(st.lists(st.text(max_size=300), max_size=4))
def test_a_title_is_one_short_line_whatever_was_asked(asked: list[str]) -> None:
    title = title_of(asked)
    assert len(title) <= 60
    assert title == " ".join(title.split())
    assert bool(title) == any(" ".join(one.split()) for one in asked)


def test_the_title_of_a_locked_question_is_locked(record: Record) -> None:
    say(record, "What does Anna earn?", thread="locked turn", locked=True)
    say(record, "What is a kettle?", thread="locked thread")
    record.lock_thread("locked thread", True)
    say(record, "What is a kettle?", thread="later")
    for _ in range(5):
        say(record, "And then?", thread="later")
    say(record, "What does Anna earn?", thread="later", locked=True)
    locks = {one.thread: (one.locked, one.title_locked) for one in record.threads()}
    assert locks == {"locked turn": (False, True), "locked thread": (True, True), "later": (False, False)}


def test_a_thread_can_be_named_and_the_name_is_locked_if_a_turn_of_it_is(record: Record) -> None:
    say(record, "hello", thread="t")
    assert record.rename_thread("t", "  Salaries\nof  2026 ") == "Salaries of 2026"
    (listed,) = record.threads()
    assert (listed.title, listed.title_locked) == ("Salaries of 2026", False)
    say(record, "What does Anna earn?", thread="t", locked=True)
    assert record.threads()[0].title_locked
    with pytest.raises(UnknownName):
        record.rename_thread("nothing", "x")
    for bad in ("", " \n", "\x1b", "x" * 61):
        with pytest.raises(InvalidInput, match="1 to 60"):
            record.rename_thread("t", bad)


# -- what the user told of himself -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "stated"),
    [
        ("My budget is 300. Which bike?", ("My budget is 300.",)),
        ("My budget is 300, which bike can I get?", ("My budget is 300.",)),
        ("Call me Ana", ("Call me Ana",)),
        ("Please remember that the meeting is at 9.30 in room B.",
         ("Please remember that the meeting is at 9.30 in room B.",)),
        ("I live in Graz.\nI'm a nurse.\nI have two children.\nI use Linux.",
         ("I live in Graz.", "I'm a nurse.", "I have two children.")),
        ("What is my budget?", ()),
        ("I have a question.", ()),
        ("I want to know why the sky is blue.", ()),
        ("I'm looking for a kettle.", ()),
        ("How do I commit a file in git?", ()),
        ("The mayor said that his budget is 300.", ()),
        ("My " + "very " * 60 + "long story is this.", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_what_tells_of_the_user_is_found(message: str, stated: tuple[str, ...]) -> None:
    assert stated_in(message) == stated


@given(st.text(max_size=500))
def test_any_message_can_be_looked_through(message: str) -> None:
    assert len(stated_in(message)) <= 3
    assert not any("\n" in one for one in stated_in(message))


# -- long threads ------------------------------------------------------------------------------------------------------


def test_of_a_long_thread_the_newest_turns_are_read_and_what_the_user_told_before_them(record: Record) -> None:
    say(record, "Call me Ana.", "Hello Ana.")
    say(record, "I earn 5,000.", "Noted.", locked=True)
    for n in range(210):
        say(record, f"question {n}?", f"answer {n}")
    seen = record.earlier("t", with_locked=True)
    assert len(seen.exchanges) + seen.before == 212
    assert 128 <= len(seen.exchanges) <= 192
    assert seen.exchanges[-1] == Exchange("question 209?", "answer 209")
    assert seen.stated == ("Call me Ana.", "I earn 5,000.")
    first = seen.exchanges[0]
    for n in range(20):
        say(record, f"more {n}?")
    assert record.earlier("t", with_locked=True).exchanges[0] == first  # it moves on in steps
    elsewhere = record.earlier("t", with_locked=False)
    assert elsewhere.stated == ("Call me Ana.",)
    assert not any(one.locked for one in elsewhere.exchanges)


def test_of_a_short_thread_all_is_read_and_of_none_nothing(record: Record) -> None:
    say(record, "Call me Ana.", "Hello Ana.")
    say(record, "I earn 5,000.", "Noted.", locked=True)
    again = say(record, "And now?", "Later.")
    whole = record.earlier("t", with_locked=True)
    assert [one.asked for one in whole.exchanges] == ["Call me Ana.", "I earn 5,000.", "And now?"]
    assert (whole.before, whole.stated) == (0, ())
    assert [one.asked for one in record.earlier("t", with_locked=False).exchanges] == ["Call me Ana.", "And now?"]
    assert [one.asked for one in record.earlier("t", with_locked=False, before=again).exchanges] == ["Call me Ana."]
    assert record.earlier("nothing", with_locked=True).exchanges == ()


def test_counting_the_turns_of_a_thread_reads_no_record(record: Record) -> None:
    (plan,) = record._rows(
        "EXPLAIN QUERY PLAN SELECT count(*) FROM conversation"
        " WHERE thread = 't' AND n >= 0 AND n < 9 AND (locked = 0 OR 1)"
    )
    assert "INDEX turns_said" in plan["detail"]


def test_how_long_a_turn_takes_is_told_from_the_latest_of_its_thread(record: Record) -> None:
    def took(turn: str, seconds: float, status: str = "done") -> None:
        begun = DecisionRecord(turn, "t", "why?", "running", time.time())
        record.start(begun)
        record.finish(replace(begun, status=status, ms={"total": seconds * 1000}))  # type: ignore[arg-type]

    took("a", 100.0)
    record.start(DecisionRecord("other", "u", "why?", "running", time.time()))
    assert (record.usual_seconds("a"), record.usual_seconds("other")) == (100.0, None)
    for number in range(5):
        took(f"b{number}", 2.0)
    took("c", 50.0, "failed")
    assert record.usual_seconds("a") == 2.0

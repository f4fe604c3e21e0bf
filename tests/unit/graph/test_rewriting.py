"""A follow-up is searched with its subject; a question that stands by itself is searched as it is."""

from __future__ import annotations

import follow_ups
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.graph.rewriting import Carried, carried, needs_subject
from tierwise.record import Exchange

WAL = Exchange("How big does the write-ahead log of SQLite grow?", "It is folded back after 1000 pages.")


@pytest.mark.parametrize(
    "question",
    [
        "And how do I turn it off?",
        "How do I turn its output into a new database?",
        "And on weekends?",
        "Why?",
        "Why so long?",
        "Which others were considered?",
        "What was wrong with the old one?",
        "Can I do several at once?",
        "Does that block readers?",
        "What is the default?",
        "Does it work if its folder is ignored, too?",
        "How do I change the interval between them?",
        "Is there a way to keep it on disk instead?",
    ],
)
def test_a_question_without_its_subject_gets_it(question: str) -> None:
    assert carried(question, [WAL]) == Carried(f"{WAL.asked}\n{WAL.text}\n{question}", locked=False)


@pytest.mark.parametrize(
    "question",
    [
        "How do I undo a commit?",
        "How do I revert a merge?",
        "Does git keep its objects compressed?",
        "When a file is deleted while a program still reads it, what happens to its blocks?",
        "Going by its own words, when was SQLite's promise made?",
        "Are they any good, those electric bikes?",
        "How short must the one-line summary be?",
        "Can one sentence have two verbs?",
        "And what is a partial index?",
        "And who wrote Hamlet?",
        "Is it raining in Paris?",
        "What is the time?",
        "Thanks, that was exactly what I needed!",
        "Hey there, how's it going?",
        # other languages: rather as asked than with a subject that is not theirs
        "Hvordan installerer jeg git her?",
        "Wie erstelle ich in git einen neuen Zweig?",
        "Comment puis-je fusionner deux branches ?",
        "¿Cómo se crea una rama en git?",
        "it " * 400,
        "x" * 100_000,
        "",
    ],
)
def test_a_question_that_stands_by_itself_is_left_alone(question: str) -> None:
    assert carried(question, [WAL]) is None


def test_messages_of_all_kinds_are_told_apart() -> None:
    assert [message for message in follow_ups.LEANING if not needs_subject(message)] == []
    mistaken = [message for message in follow_ups.STANDING if needs_subject(message)]
    assert mistaken == [
        "What are they building in front of the station?",
        "And what is the deposit of the flat?",
        "Or is the kettle broken?",
    ]


def test_the_subject_is_looked_for_behind_other_follow_ups() -> None:
    said = [Exchange("What is a snapshot of btrfs?", "A copy."), WAL, Exchange("Why?", "To stay small.")]
    found = carried("And how do I turn it off?", said)
    assert found is not None
    assert found.text.split("\n") == [WAL.asked, "Why?", "To stay small.", "And how do I turn it off?"]


def test_what_was_said_under_a_lock_is_marked() -> None:
    secret = Exchange("What does Anna earn?", "She earns 5,000.", locked=True)
    assert carried("And since when?", [secret, Exchange("And in euros?", "5,000.")]) == Carried(
        "What does Anna earn?\nAnd in euros?\n5,000.\nAnd since when?", locked=True
    )
    assert carried("And since when?", [secret, WAL]) == Carried(f"{WAL.asked}\n{WAL.text}\nAnd since when?", False)


def test_without_anything_before_it_a_question_is_searched_as_it_is() -> None:
    assert carried("Why?", []) is None


def test_what_is_carried_stays_short() -> None:
    long = Exchange("Why is this slow? " + "word " * 5000, "Because of this. " * 5000)
    found = carried("And how do I turn it off?", [long])
    assert found is not None
    assert len(found.text) < 600
    assert "Why is this slow?" in found.text


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_any_text_can_be_asked(question: str, asked: str, text: str) -> None:
    found = carried(question, [Exchange(asked, text)])
    assert found is None or " ".join(question.split()) in found.text

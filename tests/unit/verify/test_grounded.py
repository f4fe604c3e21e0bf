"""An answer that no passage is cited for: invented, or only said in other words?"""

from __future__ import annotations

import pytest

from tierwise.types import Draft, Passage
from tierwise.verify.grounded import invented
from tierwise.verify.wording import about_own_documents, asks_fact

MANUAL = Passage(
    "p",
    "/docs/pump.html",
    "default",
    None,
    0,
    0,
    "Each pump moves 16 litres a minute. The tank is emptied by closing the valve first. Set MAX_FLOW to limit it.",
    title="Garden pump P-20 > Emptying",
)


def code(question: str, text: str, *passages: Passage) -> str | None:
    reason = invented(Draft("deep", "m", question, text, "stop", passages or (MANUAL,)))
    return None if reason is None else reason.code


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How do I empty the tank?", "Close the valve, then the tank empties."),
        ("How much does the pump move?", "It moves 16 litres each minute."),
        ("What limits the flow?", "MAX_FLOW does."),
        ("What is the P-20?", "A garden pump."),
        ("How many litres do 3 pumps move in a minute?", "They move 48 litres."),  # 3 x 16
        ("How do I empty the tnak of the Pumpe?", "Close the valve first."),  # slips of the pen are no names
    ],
)
def test_right_answers_in_other_words_stand(question: str, text: str) -> None:
    assert code(question, text) is None


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("How much does the pump move?", "It moves 20 litres each minute.", "invented"),
        ("What limits the flow?", "The option flow_limit does.", "invented"),
        ("When was it made?", "It was made at 10:30.", "invented"),
        ("How do I empty the tank?", "Call a plumber and let him bring a bucket and a mop.", "invented"),
        ("How do I connect it to a Hozelock hose?", "Close the valve first.", "subject_missing"),
        ("Does it talk to home_assistant?", "Yes, it does.", "subject_missing"),
    ],
)
def test_what_no_passage_has_is_named(question: str, text: str, expected: str) -> None:
    assert code(question, text) == expected


def test_a_number_that_can_be_worked_out_counts_only_where_amounts_are_asked_for() -> None:
    assert code("Who made it?", "A company of 48 people made the pump.") == "invented"


def test_other_languages_are_not_searched_for_names() -> None:
    assert code("Wie leere ich den Tank der Pumpe im Garten?", "Zuerst the valve, then the tank.") is None


def test_numbers_of_a_list_are_no_facts() -> None:
    assert code("How do I empty the tank?", "1. Close the valve.\n2. The tank is emptied.") is None


@pytest.mark.parametrize("question", ["What is it?", "how do I do it", "Kosten die Teile viel?", "List the parts."])
def test_questions_of_fact(question: str) -> None:
    assert asks_fact(question)


@pytest.mark.parametrize(
    "question", ["Write a poem about rain.", "Thanks!", "Can you translate this to German?", "I am Ana"]
)
def test_other_messages(question: str) -> None:
    assert not asks_fact(question)


def test_own_documents() -> None:
    assert about_own_documents("What does my lease say about pets?")
    assert not about_own_documents("What is the capital of France?")

"""Guesses come from the prompt, only where something speaks for them, and stop when they fail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tierwise.models.local.lookup import GUESSED, Lookup

PASSAGE = list(range(100, 160))


def test_a_quotation_is_carried_on() -> None:
    lookup = Lookup([1, 2, *PASSAGE, 3])
    assert lookup.guess(PASSAGE[:4]) == []
    assert lookup.guess([7, *PASSAGE[10:15]]) == PASSAGE[15 : 15 + GUESSED]
    lookup.note(GUESSED)
    assert lookup.guess([7, 8, *PASSAGE[20:23]]) == PASSAGE[23 : 23 + GUESSED]  # trusted now: three tokens are enough


def test_nothing_is_guessed_without_a_run_of_equal_tokens() -> None:
    lookup = Lookup(PASSAGE)
    assert lookup.guess([]) == []
    assert lookup.guess([1, 2, 3, 4, 5, 6]) == []
    assert lookup.guess([9, 9, *PASSAGE[10:13]]) == []


def test_guesses_that_fail_pause_for_longer_and_longer() -> None:
    lookup = Lookup(PASSAGE)
    pauses = []
    waited = 0
    while len(pauses) < 3:
        if lookup.guess(PASSAGE[:5]):
            if waited:
                pauses.append(waited)
            waited = 0
            lookup.note(0)
        else:
            waited += 1
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1]


@given(
    prompt=st.lists(st.integers(0, 3), max_size=40),
    answer=st.lists(st.integers(0, 3), max_size=20),
    kept=st.lists(st.integers(0, GUESSED), max_size=8),
)
def test_a_guess_is_always_what_stands_in_the_prompt_after_the_same_tokens(
    prompt: list[int], answer: list[int], kept: list[int]
) -> None:
    lookup = Lookup(prompt)
    for count in (*kept, 0):
        guess = lookup.guess(answer)
        assert len(guess) <= GUESSED
        if guess:
            run = [*answer[-3:], *guess]
            assert any(prompt[n : n + len(run)] == run for n in range(len(prompt)))
            lookup.note(min(count, len(guess)))

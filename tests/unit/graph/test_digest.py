"""A long thread fits its budget, keeps what the user told of himself, and rarely changes where it begins."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.graph.digest import Digest, digest
from tierwise.record import Earlier, Exchange
from tierwise.types import Message

SAID = "the server keeps a large cache of 300 pages while SQLite writes its log to disk and Anna waits"
WORDS = SAID.split()


class ByWords:
    """Counts one token a word, and how many texts it was asked about."""

    def __init__(self) -> None:
        self.texts = 0

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self.texts += len(texts)
        return [len(text.split()) for text in texts]


async def made(turns: Sequence[Exchange], budget: int, model: Any = None, **before: Any) -> Digest:
    return await digest(Earlier(tuple(turns), **before), budget, cast(Any, model or ByWords()))


def conversation(length: int) -> list[Exchange]:
    chance = random.Random(length)

    def sentences(most: int) -> str:
        lengths = (chance.randint(6, 20) for _ in range(chance.randint(1, most)))
        return " ".join(" ".join(chance.choices(WORDS, k=n)).capitalize() + "." for n in lengths)

    return [Exchange(f"What is number {n} of {chance.choice(WORDS)}?", sentences(8)) for n in range(length)]


def whole(one: Exchange) -> tuple[Message, Message]:
    return Message("user", one.asked), Message("assistant", one.text)


async def test_a_thread_that_fits_stays_as_it_is() -> None:
    turns = conversation(10)
    found = await made(turns, 5000)
    assert found.messages == tuple(message for one in turns for message in whole(one))
    assert (found.condensed, found.left_out) == (0, 0)


@pytest.mark.parametrize(("budget", "most_changes"), [(600, 60), (1700, 24), (6000, 8)])
async def test_over_200_turns_the_beginning_changes_rarely_and_nothing_grows_beyond_the_budget(
    budget: int, most_changes: int
) -> None:
    turns, model = conversation(200), ByWords()
    changes, before = 0, await made((), budget)
    for length in range(1, len(turns) + 1):
        found = await made(turns[:length], budget, model)
        assert found.tokens <= budget
        assert found.messages[-2:] == whole(turns[length - 1])  # what was said last is there word for word
        changes += found.messages[: len(before.messages)] != before.messages
        before = found
    assert changes <= most_changes
    # Each text was counted once, not once a turn.
    assert model.texts < 10 * len(turns)


async def test_older_turns_are_shorter_and_the_oldest_left_out() -> None:
    turns = conversation(60)
    found = await made(turns, 1700)
    assert found.condensed > 3
    assert found.left_out > 3
    shown = len(found.messages) // 2
    assert found.left_out + shown == len(turns)
    pairs = list(zip(found.messages[::2], found.messages[1::2], strict=True))
    assert pairs[-3:] == [whole(one) for one in turns[-3:]]
    sizes = [len(said.content) for _, said in pairs]
    third = len(pairs) // 3
    assert sum(sizes[:third]) < sum(sizes[third : 2 * third]) < sum(sizes[-third:])


async def test_what_the_user_told_of_himself_survives_longest() -> None:
    told = Exchange("Call me Ana. My budget is 300 euros. Which bike is good?", "The blue one is good.")
    turns = [told, *conversation(150)]
    found = await made(turns, 1700)
    first = found.messages[0].content
    assert found.messages[0].role == "user"
    assert "Call me Ana." in first
    assert "My budget is 300 euros." in first
    assert "Which bike" not in first


async def test_what_the_user_told_long_ago_is_there_though_its_turn_is_not_read_any_more() -> None:
    found = await made(conversation(3), 1700, before=832, stated=("Call me Ana.",))
    assert "Call me Ana." in found.messages[0].content
    assert found.left_out == 832


async def test_of_too_much_that_the_user_told_the_newest_is_kept() -> None:
    turns = [Exchange(f"My number {n} is {n * n}. Right?", "Yes, it is. " * 9) for n in range(120)]
    found = await made(turns, 900)
    first = found.messages[0].content
    assert "My number 0 is 0." not in first
    assert first.splitlines()[1:] == sorted(first.splitlines()[1:], key=lambda line: int(line.split()[3]))


async def test_a_last_answer_that_takes_the_whole_budget_is_cut_and_not_dropped() -> None:
    long = Exchange("How do I do all of this?", "First do this with care. " * 1000)
    found = await made([*conversation(5), long], 900)
    assert found.messages[-2].content == long.asked
    assert found.messages[-1].content.startswith("First do this with care.")
    assert found.tokens <= 900


async def test_no_answer_and_no_room_are_survived() -> None:
    turns = [Exchange("Hello?", ""), *conversation(5)]
    assert (await made(turns, 5000)).messages[1] == Message("assistant", "(no answer)")
    nothing = await made(turns, 0)
    assert (nothing.messages, nothing.tokens, nothing.left_out) == ((), 0, 6)


exchanges = st.builds(Exchange, st.text(max_size=400), st.text(max_size=400))


@settings(max_examples=60)
@given(st.lists(exchanges, max_size=25), st.integers(0, 600), st.lists(st.text("abc ", max_size=20), max_size=3))
async def test_whatever_was_said_fits_alternates_and_is_accounted_for(
    turns: list[Exchange], budget: int, stated: list[str]
) -> None:
    found = await made(turns, budget, before=7 if stated else 0, stated=tuple(stated))
    assert found.tokens <= budget
    assert [m.role for m in found.messages] == ["user", "assistant"] * (len(found.messages) // 2)
    assert found.left_out + found.condensed <= len(turns) + 7
    assert sum(len(m.content.split()) for m in found.messages) <= budget
    assert found == await made(turns, budget, before=7 if stated else 0, stated=tuple(stated))


@settings(max_examples=40)
@given(st.lists(st.tuples(exchanges, st.integers(0, 2)), max_size=30), st.integers(0, 600))
async def test_a_thread_that_grows_gives_what_one_read_anew_does(turns: list[Any], budget: int) -> None:
    said = [one for one, _ in turns]
    growing = ByWords()
    for length, (_, again) in enumerate(turns, 1):
        for there in (length, *[length - 1] * again):  # also the thread without its last turn, as when it is edited
            assert await made(said[:there], budget, growing) == await made(said[:there], budget)

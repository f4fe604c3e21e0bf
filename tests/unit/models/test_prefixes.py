"""Several conversations on one local model: each reads only what is new, and never what is another's."""

from __future__ import annotations

import functools
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benches.local import Heard, Local
from hypothesis import given
from hypothesis import strategies as st
from llama_cpp import _utils

from tierwise.models import ChatRequest, Delta, LlamaModel, Reading, locate, memory
from tierwise.models.gguf import read_header
from tierwise.models.local.answer import Generation
from tierwise.models.local.prefixes import Prefixes, Stored, common
from tierwise.models.memory import memory_need, prefix_budget
from tierwise.types import Message

# The binding opens these at import and never closes them, which would end the run with a warning.
_utils.outnull_file.close()
_utils.errnull_file.close()

Open = Callable[..., LlamaModel]
Ask = Callable[..., Awaitable[Any]]
SMOLLM = locate("smollm2-135m")
STATE = 30 * 3 * 128 * 2  # bytes of keys and values of one token of it
NEW = 40  # tokens: more than a short question and the template around it
STORIES = {
    "A": "Anna keeps three grey cats in a small house by the sea, and every morning she walks to the harbour. " * 5,
    "B": "The committee met on Tuesday to discuss the price of copper, and it agreed to wait until the spring. " * 5,
    "C": "Rain fell on the mountains for eleven days; the river rose, and the old wooden bridge was carried off. " * 5,
    "D": "To bake this bread you need flour, water, salt and patience; the oven must be as hot as it will go. " * 5,
}


# -- bookkeeping -------------------------------------------------------------------------------------------------------


def stored(tokens: list[int]) -> Stored:
    return Stored(tuple(tokens), np.zeros(len(tokens), np.uint8))


def read(prefixes: Prefixes, held: list[int], prompt: list[int]) -> int:
    """What the engine does, where a token's state is one byte; returns how many tokens need no reading."""
    here = common(held, prompt)
    found = prefixes.find(prompt, held=here)
    if prefixes.wants(held, staying=0 if found else here) and prefixes.make_room(len(held), keep=found):
        prefixes.add(stored(held))
    if found is None:
        return here
    kept = common(found.tokens, prompt)
    prefixes.used(found, staying=kept)
    return kept


@given(
    budget=st.integers(0, 600),
    turns=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 120), st.booleans()), max_size=40),
)
def test_the_budget_holds_and_nothing_is_worse_than_keeping_one_prefix(
    budget: int, turns: list[tuple[int, int, bool]]
) -> None:
    prefixes = Prefixes(budget)
    conversations = {n: [0] * 20 + [n] * 60 for n in range(5)}
    held: list[int] = []
    for number, (who, length, again) in enumerate(turns):
        if again:  # asked anew from the middle
            conversations[who] = conversations[who][: len(conversations[who]) // 2]
        conversations[who] = (conversations[who] + [100 + number] * length)[:500]
        prompt = conversations[who]
        kept = read(prefixes, held, prompt)
        assert common(held, prompt) <= kept <= len(prompt)
        assert prefixes.size <= budget
        held = list(prompt)


@given(who=st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_with_room_for_all_a_follow_up_reads_only_what_is_new(who: list[int]) -> None:
    prefixes = Prefixes(100_000)
    conversations: dict[int, list[int]] = {}
    held: list[int] = []
    for number, n in enumerate(who):
        known = conversations.get(n, [])
        prompt = (known or [0] * 20 + [n + 1] * 100) + [100 + number] * 50
        assert read(prefixes, held, prompt) >= len(known)
        held = conversations[n] = prompt


def test_a_system_prompt_in_common_is_used_and_throws_no_conversation_away() -> None:
    prefixes, system = Prefixes(10_000), [0] * 64
    long, other = system + [1] * 1000, [9] * 40
    assert read(prefixes, long, other) == 0
    assert read(prefixes, other, system + [2] * 100) == 64
    assert read(prefixes, system + [2] * 100, [*long, 3]) == len(long)


def test_the_least_recently_used_goes_first() -> None:
    prefixes = Prefixes(250)
    a, b, c, d = ([n] * 100 for n in range(4))
    read(prefixes, a, b)
    read(prefixes, b, c)
    read(prefixes, c, d)  # stores c, and a has to go
    assert prefixes.find(a, held=0) is None
    assert prefixes.find(b, held=0) and prefixes.find(c, held=0)
    assert not prefixes.make_room(251, keep=None)
    assert len(prefixes) == 2


# -- the engine, on a real model ---------------------------------------------------------------------------------------


def local(states: int) -> Local:
    """With room to store the prefixes of so many conversations of 150 tokens."""
    return Local(SMOLLM, prefix_budget=states * 150 * STATE)


def prompt_of(model: Local, name: str, *more: str) -> list[int]:
    text = "<|im_start|>user\n" + STORIES[name] + "".join(f"\n{question}" for question in ("Who?", *more))
    return model.tokens(text + "\nAnswer: ", special=True)


HOW = Generation(max_tokens=6)


def remembered(heard: Heard) -> bool:
    """Whether only what is new was read."""
    assert heard.outcome is not None
    return heard.outcome.prompt_tokens - NEW < heard.outcome.cached_tokens < heard.outcome.prompt_tokens


def same(one: Heard, other: Heard) -> bool:
    return (one.text, one.outcome) == (other.text, other.outcome)


@pytest.fixture(scope="module")
def alone() -> Callable[[str], Heard]:
    """The follow-up of a conversation that has the model for itself."""

    @functools.cache
    def follow_up(name: str) -> Heard:
        own = local(states=0)
        own.ask(prompt_of(own, name), HOW)
        return own.ask(prompt_of(own, name, "And where?"), HOW)

    return follow_up


def test_what_is_copied_back_is_exactly_what_was_read(alone: Callable[[str], Heard]) -> None:
    busy = local(states=4)
    for name in "ABC":
        busy.ask(prompt_of(busy, name), HOW)
    for name in "BAC":
        told = busy.ask(prompt_of(busy, name, "And where?"), HOW)
        assert remembered(told)
        assert same(told, alone(name))


def test_beyond_the_budget_the_oldest_is_read_again_told_and_all_stay_right(alone: Callable[[str], Heard]) -> None:
    busy = local(states=2)
    evicted = 0
    for name in "ABCD":
        outcome = busy.ask(prompt_of(busy, name), HOW).outcome
        assert outcome is not None and outcome.cached_tokens < 8
        evicted += outcome.evicted
    assert evicted == 1
    for name in "CDA":
        told = busy.ask(prompt_of(busy, name, "And where?"), HOW)
        assert remembered(told) is (name != "A")
        assert told.text == alone(name).text


def test_asking_again_and_rewording_the_last_question_read_only_what_differs() -> None:
    model = local(states=0)
    story = "<|im_start|>user\n" + STORIES["A"]
    first = model.ask(model.tokens(story + "Who is it about?\nAnswer: ", special=True), HOW)
    again = model.ask(model.tokens(story + "Who is it about?\nAnswer: ", special=True), HOW)
    assert again.outcome is not None and first.outcome is not None
    assert again.outcome.cached_tokens == first.outcome.prompt_tokens - 1
    assert again.text == first.text
    edited = model.ask(model.tokens(story + "Where does she walk to?\nAnswer: ", special=True), HOW)
    assert remembered(edited)
    fresh = local(states=0)
    assert edited.text == fresh.ask(fresh.tokens(story + "Where does she walk to?\nAnswer: ", special=True), HOW).text


@pytest.mark.parametrize("writing", [False, True])
def test_a_stopped_request_leaves_every_conversation_right(alone: Callable[[str], Heard], writing: bool) -> None:
    busy = local(states=8)
    for name in "AB":
        busy.ask(prompt_of(busy, name), HOW)
    prompt = prompt_of(busy, "C")
    number, heard = busy.submit(prompt if writing else prompt * 5, Generation(max_tokens=60))
    for _ in busy.steps():
        if heard.pieces if writing else heard.read and heard.read[-1][0] > 0:
            break
    # The next step is stopped in its middle, as it is when somebody presses Stop.
    timer = threading.Timer(0.003 if writing else 0.1, setattr, (busy.engine, "stop_now", True))
    timer.start()
    busy.scheduler.step()
    timer.join()
    busy.engine.stop_now = False
    busy.scheduler.cancel(number)
    busy.finish()
    assert heard.withdrawn
    for name in "BA":
        assert same(busy.ask(prompt_of(busy, name, "And where?"), HOW), alone(name))
    assert busy.ask(prompt_of(busy, "C", "And where?"), HOW).text == alone("C").text


def test_a_state_that_cannot_be_copied_back_is_read_again(alone: Callable[[str], Heard]) -> None:
    busy = local(states=4)
    for name in "AB":
        busy.ask(prompt_of(busy, name), HOW)
    [stored] = busy.scheduler._conversations.prefixes._stored
    stored.state[:64] = 255
    told = busy.ask(prompt_of(busy, "A", "And where?"), HOW)
    assert told.outcome is not None and told.outcome.cached_tokens == 0
    assert told.text == alone("A").text
    assert same(busy.ask(prompt_of(busy, "B", "And where?"), HOW), alone("B"))


# -- the whole model ---------------------------------------------------------------------------------------------------


async def test_two_threads_that_take_turns_read_only_what_is_new(llama: Open, ask: Ask) -> None:
    model = llama(SMOLLM, context_window=1024)
    # Another window is another process, so these share nothing.
    alone = {name: llama(SMOLLM, context_window=1000 + n) for n, name in enumerate("AB")}
    system = Message("system", "Answer in one short sentence, with words of the text.")
    threads = {name: [system, Message("user", STORIES[name] + "Who is it about?")] for name in "AB"}
    for turn in range(3):
        for name, thread in threads.items():
            answer = await ask(model, *thread, max_tokens=8)
            by_itself = await ask(alone[name], *thread, max_tokens=8)
            assert answer.text == by_itself.text
            usage = answer.done.usage
            if turn:
                assert usage.prompt_tokens - NEW < usage.cached_tokens < usage.prompt_tokens, name
            thread += [Message("assistant", answer.text), Message("user", "Say that again.")]


async def test_a_thread_that_was_stopped_takes_nothing_from_the_other(llama: Open, ask: Ask) -> None:
    model = llama(SMOLLM, context_window=2048)
    first = [Message("user", STORIES["A"])]
    answer = await ask(model, *first, max_tokens=8)
    for kind in (Reading, Delta):
        request = ChatRequest((Message("user", STORIES["B"] * 4 + kind.__name__),), max_tokens=400)
        async with aclosing(model.stream(request)) as stream:
            async for chunk in stream:
                if isinstance(chunk, Delta) if kind is Delta else isinstance(chunk, Reading) and chunk.done > 0:
                    break
    follow_up = [*first, Message("assistant", answer.text), Message("user", "Say that again.")]
    again = await ask(model, *follow_up, max_tokens=8)
    assert again.done.usage.cached_tokens > again.done.usage.prompt_tokens - NEW
    assert again.text == (await ask(llama(SMOLLM, context_window=2000), *follow_up, max_tokens=8)).text


# -- memory ------------------------------------------------------------------------------------------------------------


def test_stored_prefixes_take_at_most_a_window_and_half_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    header = read_header(Path(SMOLLM))
    need = memory_need(header, 8192)
    floor = need.total + (256 << 20)
    for spare, budget in ((1 << 40, need.context), (need.context, need.context // 2), (0, 0), (-1, 0)):
        monkeypatch.setattr(memory, "available_memory", lambda spare=spare: floor + spare)
        assert prefix_budget(header, 8192) == budget

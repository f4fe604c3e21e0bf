"""Several conversations on one local model: each reads only what is new, and never what is another's."""

from __future__ import annotations

import functools
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_cpp import _utils

from tierwise.models import ChatRequest, Delta, LlamaModel, Reading, locate, memory
from tierwise.models.gguf import read_header
from tierwise.models.llama_engine import Cancelled, Engine, Generation, Outcome
from tierwise.models.memory import memory_need, prefix_budget
from tierwise.models.prefixes import Prefixes, Stored, common
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


def engine(states: int) -> Engine:
    """With room to store the prefixes of so many conversations of 150 tokens."""
    return Engine(str(SMOLLM), n_ctx=1024, n_threads=1, prefix_budget=states * 150 * STATE)


def prompt_of(engine: Engine, name: str, *more: str) -> list[int]:
    text = "<|im_start|>user\n" + STORIES[name] + "".join(f"\n{question}" for question in ("Who?", *more))
    return engine.tokenize(text + "\nAnswer: ", special=True)


@dataclass
class Told:
    text: str
    outcome: Outcome

    @property
    def remembered(self) -> bool:
        """Whether only what is new was read."""
        return self.outcome.prompt_tokens - NEW < self.outcome.cached_tokens < self.outcome.prompt_tokens


HOW = Generation(max_tokens=6, temperature=0.0, seed=None, stop=(), evidence=True)


def tell(engine: Engine, prompt: list[int]) -> Told:
    outcome = Outcome()
    return Told("".join(engine.answer(prompt, HOW, lambda done, total: None, outcome)), outcome)


@pytest.fixture(scope="module")
def alone() -> Callable[[str], Told]:
    """The follow-up of a conversation that has the model for itself."""

    @functools.cache
    def follow_up(name: str) -> Told:
        own = engine(states=0)
        tell(own, prompt_of(own, name))
        return tell(own, prompt_of(own, name, "And where?"))

    return follow_up


def test_what_is_copied_back_is_exactly_what_was_read(alone: Callable[[str], Told]) -> None:
    busy = engine(states=4)
    for name in "ABC":
        tell(busy, prompt_of(busy, name))
    for name in "BAC":
        told = tell(busy, prompt_of(busy, name, "And where?"))
        assert told.remembered
        assert told == alone(name)


def test_beyond_the_budget_the_oldest_is_read_again_and_all_stay_right(alone: Callable[[str], Told]) -> None:
    busy = engine(states=2)
    for name in "ABCD":
        assert tell(busy, prompt_of(busy, name)).outcome.cached_tokens < 8
    for name in "CDA":
        told = tell(busy, prompt_of(busy, name, "And where?"))
        assert told.remembered is (name != "A")
        assert told.text == alone(name).text
        assert busy._prefixes.size <= busy._prefixes.budget


@pytest.mark.parametrize("writing", [False, True])
def test_a_stopped_request_leaves_every_conversation_right(alone: Callable[[str], Told], writing: bool) -> None:
    busy = engine(states=8)
    for name in "AB":
        tell(busy, prompt_of(busy, name))

    timers: list[threading.Timer] = []

    def stop() -> None:
        busy.stop_now = True

    def on_progress(done: int, total: int) -> None:
        if 0 < done < total:
            timers.append(threading.Timer(0.02, stop))  # in the middle of a step, most likely
            timers[-1].start()

    prompt = prompt_of(busy, "C")
    with pytest.raises(Cancelled):
        for _ in busy.answer(prompt if writing else prompt * 5, HOW, on_progress, Outcome()):
            stop()
    for timer in timers:
        timer.join()
    busy.stop_now = False
    for name in "BA":
        assert tell(busy, prompt_of(busy, name, "And where?")) == alone(name)
    assert tell(busy, prompt_of(busy, "C", "And where?")).text == alone("C").text


def test_a_state_that_cannot_be_copied_back_is_read_again(alone: Callable[[str], Told]) -> None:
    busy = engine(states=4)
    for name in "AB":
        tell(busy, prompt_of(busy, name))
    [stored] = busy._prefixes._stored
    stored.state[:64] = 255
    told = tell(busy, prompt_of(busy, "A", "And where?"))
    assert told.outcome.cached_tokens == 0
    assert told.text == alone("A").text
    assert tell(busy, prompt_of(busy, "B", "And where?")) == alone("B")


# -- the whole model ---------------------------------------------------------------------------------------------------


async def test_two_threads_that_take_turns_read_only_what_is_new(llama: Open, ask: Ask) -> None:
    model = llama(SMOLLM, context_window=1024)
    alone = {name: llama(SMOLLM, context_window=1024) for name in "AB"}
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
    assert again.text == (await ask(llama(SMOLLM, context_window=2048), *follow_up, max_tokens=8)).text


# -- memory ------------------------------------------------------------------------------------------------------------


def test_stored_prefixes_take_at_most_a_window_and_half_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    header = read_header(Path(SMOLLM))
    need = memory_need(header, 8192)
    floor = need.total + (256 << 20)
    for spare, budget in ((1 << 40, need.context), (need.context, need.context // 2), (0, 0), (-1, 0)):
        monkeypatch.setattr(memory, "available_memory", lambda spare=spare: floor + spare)
        assert prefix_budget(header, 8192) == budget

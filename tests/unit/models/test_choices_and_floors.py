"""A local answer held to a few words, and one that is given up when the model doubts its beginning."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tierwise.models import ChatRequest, Completed, LlamaModel, locate
from tierwise.testing import ScriptedModel
from tierwise.types import Floor, Message
from tierwise.verify.agreement import self_yes

Ask = Callable[..., Awaitable[Any]]
NOTHING_IS_SO_SURE, ANYTHING_IS_SURE_ENOUGH = 0.0, -100.0
STORY = "Tell me about a small village by the sea. Use an umlaut: \u00e4."
CHECK = "Is your answer right? Reply with one word: Yes or No."


@pytest.fixture
async def smollm(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LlamaModel]:
    monkeypatch.setenv("TIERWISE_THREADS", "1")
    model = LlamaModel(locate("smollm2-135m"), context_window=1024)
    yield model
    await model.aclose()


# -- choices -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["Is water wet? Answer in a long sentence.", "What is 2+2?", CHECK])
async def test_the_answer_is_one_of_the_words(smollm: LlamaModel, ask: Ask, asked: str) -> None:
    answer = await ask(smollm, asked, choices=("Yes", "No"), max_tokens=8)
    assert answer.text in ("Yes", "No")
    assert answer.done.finish == "stop"
    evidence = answer.done.evidence
    assert evidence is not None and len(evidence.logprobs) == len(evidence.starts) >= 1
    assert 0 < (self_yes(answer.text, evidence) or 0) < 1


async def test_the_chances_of_the_two_words_make_a_whole(smollm: LlamaModel, ask: Ask) -> None:
    messages = [Message("user", "Is Paris in France?"), Message("assistant", "It is."), Message("user", CHECK)]
    found = {}
    for seed in range(16):  # hot enough that both come
        answer = await ask(smollm, *messages, choices=("Yes", "No"), max_tokens=8, temperature=4.0, seed=seed)
        if answer.done.usage.completion_tokens == 1:  # not "Y" and "es", which a cold model does not write
            found[answer.text] = self_yes(answer.text, answer.done.evidence)
    greedy = await ask(smollm, *messages, choices=("Yes", "No"), max_tokens=8)
    assert set(found) == {"Yes", "No"}
    assert found["Yes"] == pytest.approx(found["No"], abs=0.02)
    assert found[greedy.text] == pytest.approx(self_yes(greedy.text, greedy.done.evidence), abs=1e-4)


async def test_other_words_of_several_tokens_are_kept_to_as_well(smollm: LlamaModel, ask: Ask) -> None:
    choices = ("the first one, certainly", "the second")
    answer = await ask(smollm, "Which?", choices=choices, max_tokens=16)
    assert answer.text in choices


async def test_a_question_after_a_held_one_is_free_again(smollm: LlamaModel, ask: Ask) -> None:
    free = await ask(smollm, STORY)
    await ask(smollm, STORY, choices=("Yes", "No"))
    assert (await ask(smollm, STORY)).text == free.text


async def test_a_model_that_cannot_hold_to_them_is_told_nothing(ask: Ask) -> None:
    scripted = ScriptedModel(["Perhaps.", "Perhaps."])
    with_choices = await ask(scripted, "Is it?", choices=("Yes", "No"), floor=Floor(1, NOTHING_IS_SO_SURE))
    plain = await ask(scripted, "Is it?")
    assert with_choices.text == plain.text == "Perhaps."
    assert with_choices.done == plain.done
    assert scripted.requests[0].messages == scripted.requests[1].messages


# -- floors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tokens", [1, 4, 10])
async def test_an_answer_whose_beginning_is_doubted_ends_just_there(smollm: LlamaModel, ask: Ask, tokens: int) -> None:
    whole = await ask(smollm, STORY, max_tokens=24)
    cut = await ask(smollm, STORY, max_tokens=24, floor=Floor(tokens, NOTHING_IS_SO_SURE))
    assert cut.done.finish == "doubted"
    assert len(cut.done.evidence.logprobs) == tokens
    assert cut.done.evidence.logprobs == pytest.approx(whole.done.evidence.logprobs[:tokens], abs=1e-3)
    assert whole.text.startswith(cut.text)
    assert cut.text == whole.text[: whole.done.evidence.starts[tokens - 1]]
    assert isinstance(cut.done, Completed) and cut.done.usage.completion_tokens == tokens


async def test_a_floor_that_is_met_changes_nothing(smollm: LlamaModel, ask: Ask) -> None:
    whole = await ask(smollm, STORY, max_tokens=24)
    floored = await ask(smollm, STORY, max_tokens=24, floor=Floor(6, ANYTHING_IS_SURE_ENOUGH))
    assert (floored.text, floored.done.finish) == (whole.text, whole.done.finish)
    assert floored.done.evidence == whole.done.evidence


async def test_an_answer_that_is_shorter_than_its_floor_stands(smollm: LlamaModel, ask: Ask) -> None:
    short = await ask(smollm, STORY, max_tokens=5, floor=Floor(6, NOTHING_IS_SO_SURE))
    assert short.done.finish == "length"
    assert short.done.usage.completion_tokens == 5


async def test_after_a_doubted_answer_the_model_reads_nothing_twice(smollm: LlamaModel, ask: Ask) -> None:
    fresh = await ask(smollm, STORY, max_tokens=12)
    await ask(smollm, STORY, max_tokens=12, floor=Floor(3, NOTHING_IS_SO_SURE))
    again = await ask(smollm, STORY, max_tokens=12)
    assert again.text == fresh.text


# -- where tokens begin ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [STORY, "Write three emoji, then a word in Chinese.", "1234567 + 7654321 = ?"])
async def test_starts_say_where_each_token_begins(smollm: LlamaModel, ask: Ask, asked: str) -> None:
    answer = await ask(smollm, asked, max_tokens=40)
    starts = answer.done.evidence.starts
    assert len(starts) == len(answer.done.evidence.logprobs)
    assert starts[0] == 0
    assert list(starts) == sorted(starts)
    assert starts[-1] <= len(answer.text)
    pieces = [answer.text[a:b] for a, b in pairwise(starts)]
    assert answer.text.startswith("".join(pieces))
    assert sum(bool(piece) for piece in pieces) > len(pieces) / 4  # a character of several tokens has one place
    counted = await smollm.count_tokens([answer.text])
    assert abs(counted[0] - len(starts)) <= max(3, 0.2 * len(starts))


async def test_tokens_of_a_schema_know_their_place_too(smollm: LlamaModel, ask: Ask) -> None:
    schema = {"type": "object", "properties": {"river": {"type": "string", "maxLength": 12}}, "required": ["river"]}
    answer = await ask(smollm, "Name a river.", schema=schema, max_tokens=40)
    starts = answer.done.evidence.starts
    assert list(starts) == sorted(starts)
    assert len(starts) == len(answer.done.evidence.logprobs)
    assert starts[-1] <= len(answer.text)


def test_the_file_is_where_it_is_looked_for() -> None:
    assert Path(locate("smollm2-135m")).exists()
    assert ChatRequest(()).choices == ()

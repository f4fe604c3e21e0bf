"""A grammar decides which tokens may come next, on a real vocabulary and a real model."""

from __future__ import annotations

import json

import pytest
from benches.local import Local
from llama_cpp import _utils

from tierwise.errors import ModelError
from tierwise.models import locate
from tierwise.models.base import ToolSpec
from tierwise.models.local.answer import Generation
from tierwise.models.schemas import prepare
from tierwise.models.schemas.grammars import json_grammar, tools_grammar
from tierwise.models.tool_text import CLOSE, OPEN

# The binding opens these at import and never closes them, which would end the run with a warning.
_utils.outnull_file.close()
_utils.errnull_file.close()

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "kind": {"enum": ["friend", "neighbour"]}},
    "required": ["name", "kind"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def model() -> Local:
    return Local(locate("smollm2-135m"), parallel=2)


def prompt(model: Local, question: str) -> list[int]:
    return model.tokens(f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n", special=True)


def test_the_answer_is_the_value_and_ends_with_it(model: Local) -> None:
    heard = model.ask(
        prompt(model, "Who lives next door?"), Generation(max_tokens=80), grammar=json_grammar(prepare(PERSON))
    )
    value = json.loads(heard.text)
    assert set(value) == {"name", "kind"}
    assert len(value["name"]) <= 20
    assert heard.outcome is not None and heard.outcome.finish == "stop"
    assert heard.outcome.forced > 5
    # Tokens without a choice say nothing about how sure the model is.
    assert len(heard.outcome.logprobs) == heard.outcome.completion_tokens - heard.outcome.forced


def test_a_held_answer_and_a_free_one_are_written_together(model: Local) -> None:
    grammar = json_grammar(prepare(PERSON))
    _, held = model.submit(
        prompt(model, "Who lives next door?"), Generation(max_tokens=80), thread="a", grammar=grammar
    )
    _, free = model.submit(prompt(model, "Say hello."), Generation(max_tokens=10), thread="b")
    model.finish()
    alone = Local(locate("smollm2-135m"))
    assert json.loads(held.text)["kind"] in ("friend", "neighbour")
    assert free.text == alone.ask(prompt(alone, "Say hello."), Generation(max_tokens=10)).text


def test_sampling_stays_inside_the_grammar_at_any_temperature(model: Local) -> None:
    grammar = json_grammar(prepare(PERSON))
    names = set()
    for seed in range(4):
        how = Generation(max_tokens=80, temperature=2.0, seed=seed)
        value = json.loads(model.ask(prompt(model, "Who lives next door?"), how, grammar=grammar).text)
        assert value["kind"] in ("friend", "neighbour")
        names.add(value["name"])
    assert len(names) > 1


@pytest.mark.parametrize("limit", [40, 64, 120])
def test_a_list_that_would_go_on_is_closed_in_time_and_counts_as_cut(model: Local, limit: int) -> None:
    animals = {"type": "array", "items": {"type": "string"}}
    schema = {"type": "object", "properties": {"animals": animals}, "required": ["animals"]}
    heard = model.ask(
        prompt(model, "List very many animals."),
        Generation(max_tokens=limit, closes=True),
        grammar=json_grammar(prepare(schema)),
    )
    assert heard.outcome is not None
    assert heard.outcome.finish == "length"
    assert json.loads(heard.text)["animals"]


@pytest.mark.parametrize("limit", [48, 90])
def test_a_call_that_would_go_on_is_closed_in_time(model: Local, limit: int) -> None:
    story = {"type": "object", "properties": {"story": {"type": "string", "minLength": 1}}, "required": ["story"]}
    tools = [ToolSpec("tell", "Tell a story.", story)]
    heard = model.ask(
        prompt(model, "Tell a very long story about many animals."),
        Generation(max_tokens=limit, closes_after=OPEN, temperature=1.8, seed=3),
        grammar=tools_grammar(tools, must_call=True),
    )
    assert heard.outcome is not None
    assert heard.outcome.finish == "length"
    assert json.loads(heard.text.removeprefix(OPEN).removesuffix(CLOSE))["arguments"]["story"]


def test_text_before_a_call_is_not_hurried(model: Local) -> None:
    tools = [ToolSpec("note", "Note something.", {"type": "object", "properties": {}})]
    how = Generation(max_tokens=30, closes_after=OPEN)
    free = model.ask(prompt(model, 'Tell a story about a 5" pipe.'), how, grammar=tools_grammar(tools))
    plain = model.ask(prompt(model, 'Tell a story about a 5" pipe.'), Generation(max_tokens=30, lookup=False))
    assert free.text == plain.text


def test_an_answer_that_is_cut_says_so(model: Local) -> None:
    heard = model.ask(prompt(model, "Who?"), Generation(max_tokens=4), grammar=json_grammar(prepare(PERSON)))
    assert heard.outcome is not None
    assert heard.outcome.finish == "length"
    assert heard.outcome.completion_tokens == 4


def test_a_grammar_that_is_none_fails_its_request_alone(model: Local) -> None:
    _, broken = model.submit(prompt(model, "Who?"), Generation(max_tokens=4), thread="a", grammar="{broken")
    _, fine = model.submit(prompt(model, "Say hello."), Generation(max_tokens=4), thread="b")
    model.finish()
    assert isinstance(broken.error, ModelError)
    assert fine.text

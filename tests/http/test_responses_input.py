"""Whatever items a conversation is sent in, nothing of it is lost, doubled or told in another order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise_app.serve.openai.messages import conversation_of
from tierwise_app.serve.openai.responses_input import read_input, said_in_items
from tierwise_app.serve.problems import Problem

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).map(lambda text: f"w{text}")
VALUES = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), st.integers() | TEXT, max_size=3)


@st.composite
def rounds(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """A question with rounds of calls: the items in some order that makes sense, and what is told by them."""
    question = draw(TEXT)
    items, told = [as_sent(draw, "user", question)], [("user", question)]
    for number in range(draw(st.integers(0, 3))):
        words, calls = draw(st.none() | TEXT), draw(st.lists(VALUES, min_size=1, max_size=3))
        made = [
            {"type": "function_call", "call_id": f"c{number}_{n}", "name": "f", "arguments": json.dumps(arguments)}
            for n, arguments in enumerate(calls)
        ]
        spoken = [] if words is None else [as_sent(draw, "assistant", words)]
        results = [
            {"type": "function_call_output", "call_id": call["call_id"], "output": f"r{call['call_id']}"}
            for call in draw(st.permutations(made))
        ]
        thought = draw(st.sampled_from(([], [{"type": "reasoning", "id": "rs_1", "summary": []}])))
        items += [*thought, *draw(st.sampled_from(([*spoken, *made], [*made, *spoken]))), *results]
        told += [("assistant", words or "")] + [("call", call["call_id"]) for call in made]
        told += [("tool", result["output"]) for result in results]
    return items, told


def as_sent(draw: st.DrawFn, role: str, text: str) -> dict[str, Any]:
    """A message in one of the ways that programs write it."""
    kind = "output_text" if role == "assistant" else "input_text"
    long = {
        "type": "message",
        "id": "m",
        "status": "completed",
        "role": role,
        "content": [{"type": kind, "text": text}],
    }
    return draw(
        st.sampled_from(({"role": role, "content": text}, {"type": "message", "role": role, "content": text}, long))
    )


@settings(max_examples=60)
@given(st.lists(rounds(), min_size=1, max_size=3))
def test_a_conversation_is_read_as_it_was_sent(parts: list[Any]) -> None:
    items: list[Any] = []
    for place, (some, _) in enumerate(parts):
        if place:
            items.append({"role": "assistant", "content": "answer"})
        items += some
    read, _ = read_input(items)
    question, conversation = conversation_of(said_in_items(read), param="input")
    assert question == parts[-1][1][0][1]
    heard: list[tuple[str, str]] = []
    for message in (*(conversation.earlier or ()), None, *conversation.steps):
        if message is None:
            heard.append(("user", question))
            continue
        heard.append((message.role, message.content))
        heard += [("call", call.id) for call in message.tool_calls]
    expected: list[tuple[str, str]] = []
    for place, (_, told) in enumerate(parts):
        expected += [("assistant", "answer")] if place else []
        expected += told
    assert heard == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["message", "function_call", "function_call_output", "reasoning", "x"]) | JSON,
        "role": st.sampled_from(["user", "assistant", "system"]) | JSON,
        "content": st.lists(st.fixed_dictionaries({"type": st.just("input_text"), "text": JSON}), max_size=2) | JSON,
        "call_id": JSON,
        "name": JSON,
        "arguments": st.sampled_from(["{}", "[]", "{", '{"a": NaN}', "[" * 100_000]) | JSON,
        "output": JSON,
    },
)


@settings(max_examples=60)
@given(st.lists(NEARLY | JSON, max_size=4))
def test_what_is_no_item_is_refused_and_nothing_worse(items: list[Any]) -> None:
    try:
        read, _ = read_input(items)
        question, _ = conversation_of(said_in_items(read), param="input")
    except Problem as problem:
        assert problem.status == 400 and problem.param is not None and problem.param.startswith("input")
    else:
        assert question


@pytest.mark.parametrize("count", [2048, 2049])
def test_so_many_items_and_no_more(count: int) -> None:
    items = [{"role": "user", "content": "x"}] * count
    if count <= 2048:
        assert len(read_input(items)[0]) == count
    else:
        with pytest.raises(Problem, match="2,048 are allowed"):
            read_input(items)

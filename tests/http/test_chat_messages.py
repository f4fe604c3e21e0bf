"""Messages of a request become a question and what stands around it, and nothing of them is lost or made up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise import Message, ToolCall
from tierwise_app.serve.openai.held import pieces
from tierwise_app.serve.openai.messages import ChatMessage, Said, conversation_of, said_in, text_in
from tierwise_app.serve.problems import Problem

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(lambda text: text.strip() != "")
IDS = st.text("abc123_", min_size=1, max_size=6)


@st.composite
def rounds(draw: Any) -> list[dict[str, Any]]:
    """Calls of the assistant with their results, in any order."""
    ids = draw(st.lists(IDS, min_size=1, max_size=3, unique=True))
    calls = [{"id": i, "type": "function", "function": {"name": "f", "arguments": json.dumps({"of": i})}} for i in ids]
    said = {"role": "assistant", "content": draw(st.none() | WORDS), "tool_calls": calls}
    results = [{"role": "tool", "tool_call_id": i, "content": draw(WORDS)} for i in draw(st.permutations(ids))]
    return [said, *results]


@st.composite
def conversations(draw: Any) -> tuple[list[dict[str, Any]], str, int]:
    """Messages, the question among them, and how many stand after it."""
    messages: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            messages.append({"role": draw(st.sampled_from(["system", "developer"])), "content": draw(WORDS)})
        messages.append({"role": "user", "content": draw(WORDS)})
        for step in draw(st.lists(rounds(), max_size=2)):
            messages += step
        messages.append({"role": "assistant", "content": draw(WORDS)})
    question = draw(WORDS)
    messages.append({"role": "user", "content": question})
    steps = [message for step in draw(st.lists(rounds(), max_size=3)) for message in step]
    return messages + steps, question, len(steps)


def fold(messages: list[dict[str, Any]]) -> Any:
    return conversation_of(said_in([ChatMessage(**message) for message in messages]))


@given(conversations())
def test_every_word_has_its_place(given: tuple[list[dict[str, Any]], str, int]) -> None:
    messages, question, after = given
    asked, conversation = fold(messages)
    assert asked == question
    assert len(conversation.steps) == after
    told = [m["content"] for m in messages if m["role"] in ("system", "developer")]
    assert (conversation.instructions or "") == "\n\n".join(told)
    rest = [m for m in messages if m["role"] not in ("system", "developer")]
    folded = [*conversation.earlier, Message("user", asked), *conversation.steps]
    # An assistant that speaks and then calls is one message, however it was sent.
    assert "".join(m.content for m in folded).replace("\n\n", "") == "".join(m["content"] or "" for m in rest).replace(
        "\n\n", ""
    )
    assert [m.tool_call_id for m in folded if m.role == "tool"] == [
        m["tool_call_id"] for m in rest if m["role"] == "tool"
    ]
    assert [c.arguments for m in folded for c in m.tool_calls] == [
        json.loads(c["function"]["arguments"]) for m in rest for c in m.get("tool_calls", ())
    ]


@given(conversations(), st.data())
def test_a_result_or_call_that_is_taken_out_is_missed(given: tuple[list[dict[str, Any]], str, int], data: Any) -> None:
    messages, _, _ = given
    places = [n for n, m in enumerate(messages) if m["role"] == "tool" or m.get("tool_calls")]
    if not places:
        return
    gone = data.draw(st.sampled_from(places))
    with pytest.raises(Problem) as caught:
        fold(messages[:gone] + messages[gone + 1 :])
    assert caught.value.status == 400


SHAPES = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "function"])},
    optional={
        "content": st.none() | WORDS | st.lists(st.dictionaries(st.sampled_from(["type", "text", "refusal"]), WORDS)),
        "tool_call_id": IDS,
        "refusal": WORDS,
        "tool_calls": st.lists(
            st.fixed_dictionaries({"id": IDS, "function": st.just({"name": "f", "arguments": "{}"})}), max_size=2
        ),
    },
)


@given(st.lists(SHAPES, max_size=6))
def test_whatever_is_sent_is_read_or_refused(messages: list[dict[str, Any]]) -> None:
    try:
        question, conversation = fold(messages)
    except Problem as problem:
        assert (problem.status, bool(problem.param)) == (400, True)
        return
    assert question.strip()
    open_calls: set[str | None] = set()
    for message in (*(conversation.earlier or ()), *conversation.steps):
        if message.role == "tool":
            assert message.tool_call_id in open_calls
            open_calls.remove(message.tool_call_id)
        else:
            assert not open_calls
            open_calls = {call.id for call in message.tool_calls}
    assert not open_calls


def test_words_and_calls_that_come_apart_are_one_message() -> None:
    call = ToolCall("c", "f", {})
    said = [
        Said("user", "Do it.", "input[0]"),
        Said("assistant", "I look.", "input[1]"),
        Said("assistant", "", "input[2]", (call,)),
        Said("tool", "Done.", "input[3]", call_id="c"),
    ]
    question, conversation = conversation_of(said, param="input")
    assert question == "Do it."
    assert conversation.steps == (Message("assistant", "I look.", (call,)), Message("tool", "Done.", (), "c"))


def test_what_a_message_names_is_never_opened() -> None:
    with pytest.raises(Problem, match="only text can be read") as caught:
        text_in([{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}], "messages[0]")
    assert caught.value.param == "messages[0].content[0]"


@given(st.text())
def test_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text

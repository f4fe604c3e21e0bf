"""Calls in the text of an answer: every form that models were trained on, and everything that only looks like one."""

from __future__ import annotations

import json

import pytest

from tierwise.models import ToolSpec
from tierwise.models.tools.reading import Bad, Call, read_marked, read_text

NOTE = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
TOOLS = [ToolSpec("add_note", "Add a note.", NOTE), ToolSpec("now", "The time.")]
CALL = '{"name": "add_note", "arguments": {"text": "a"}}'


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"```json\n{CALL}\n```",
        CALL.replace('"name"', '"type": "function", "name"'),
        f"<tool_call>\n{CALL}\n</tool_call>\n",
        f"<tool_call>{CALL}",
        f"<|python_tag|>{CALL.replace('arguments', 'parameters')}<|eom_id|>",
        '<function=add_note>{"text": "a"}</function>',
        '<function=add_note>{"text": "a"}',
        f"[TOOL_CALLS] [{CALL}]</s>",
        '[TOOL_CALLS]add_note[ARGS]{"text": "a"}',
        '[TOOL_CALLS]add_note[CALL_ID]abc123[ARGS]{"text": "a"}',
        f"functools[{CALL}]",
        'Action: add_note\nAction Input: {"text": "a"}',
        'Thought: I note it.\nAction: `add_note`\nAction Input: {"text": "a"}\nObservation: Done.\nThought: Ok.',
    ],
)
def test_an_answer_that_is_nothing_but_a_call_is_one(text: str) -> None:
    (call,) = read_text(text, TOOLS)
    assert isinstance(call, Call), call
    assert (call.name, call.arguments) == ("add_note", {"text": "a"})
    assert call.mended and call.mended.startswith("taken out of the text")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The note is there.",
        f"Example:\n```json\n{CALL}\n```\nThis is how it looks.",
        f"```json\n{CALL}\n```\nThis is how it looks.",
        f"{CALL} adds a note.",
        f"Write <tool_call>{CALL}</tool_call>",
        f"<tool_call>{CALL}</tool_call> adds a note.",
        "<tool_call> begins a call.",
        "[TOOL_CALLS] is a token of Mistral.",
        f"[TOOL_CALLS] [{CALL}] is how it looks.",
        "<function=NAME> stands before it.",
        "functools[0] is no call.",
        "Action: go home\nAction Input: none",
        "Thought: I know it.\nFinal Answer: 42",
        '{"name": "Ann", "arguments": {"text": "a"}}',
        '{"name": "add_note", "stars": 2}',
        '<add_note text="a"/>',
        'add_note(text="a")',
    ],
)
def test_prose_json_and_quoted_examples_are_text(text: str) -> None:
    assert read_text(text, TOOLS) == ()


def test_several_calls_are_judged_each_for_itself() -> None:
    other = '{"name": "drop", "arguments": {}}'
    for text in (f"functools[{CALL}, {other}]", f"<tool_call>{CALL}</tool_call>\n<tool_call>{other}</tool_call>"):
        first, second = read_text(text, TOOLS)
        assert isinstance(first, Call) and isinstance(second, Bad)
        assert "There is no tool 'drop'" in second.why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('<tool_call>{"name": "add_note", "arguments": {"text": "a</tool_call>', "add_note was not run: the arguments"),
        ("<tool_call>[1]</tool_call>", "it is not written"),
        ('<function=add_note>{"text": "a", "text": "b"}</function>', "stands in them twice"),
        ("Action: add_note\nAction Input: remember the milk", "cannot be read"),
        (CALL.replace('"a"', '"\\q"'), "an escape"),
    ],
)
def test_a_call_that_cannot_be_read_is_an_error_and_not_text(text: str, why: str) -> None:
    (bad,) = read_text(text, TOOLS)
    assert isinstance(bad, Bad)
    assert why in bad.why


def test_a_closing_mark_inside_an_argument_ends_nothing() -> None:
    inner = json.dumps({"name": "add_note", "arguments": {"text": "</tool_call>"}})
    calls, rest = read_marked(f"<tool_call>{inner}</tool_call>", TOOLS)
    assert calls == (Call("add_note", {"text": "</tool_call>"}),)
    assert rest == ""

"""Calls come out of a stream however it is cut, text passes as soon as it can be nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.models import Called, Delta, ToolSpec
from tierwise.models.tools.streaming import CallReader
from tierwise.types import ToolCall

PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOLS = [ToolSpec("add", "Add.", PARAMETERS), ToolSpec("find", "Find.")]
CALL = '<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>'
BARE = '{"name": "add", "arguments": {"a": 1}}'
PIECES = st.lists(
    st.sampled_from(
        [CALL, BARE, "<tool_call>", "</tool_call>", "<tool", "<", "text ", '{"name":"x"}', "é", "```json\n"]
    )
)


def read(pieces: list[str], *, cut: bool = False, **how: Any) -> tuple[str, list[ToolCall]]:
    reader = CallReader(TOOLS, **how)
    shown = "".join(map(reader.feed, pieces))
    last = reader.finish(cut=cut)
    text = shown + "".join(item.text for item in last if isinstance(item, Delta))
    return text, [item.call for item in last if isinstance(item, Called)]


def asked(calls: list[ToolCall]) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, call.arguments) for call in calls if call.problem is None]


# -- a model that is shown its tools in the prompt ---------------------------------------------------------------------


def test_text_passes_at_once_and_only_a_possible_mark_is_held_back() -> None:
    reader = CallReader(TOOLS, marked=True)
    assert reader.feed("a < b, ") == "a < b, "
    assert reader.feed("see <tool") == "see "
    assert reader.feed("box>") == "<toolbox>"


def test_a_call_is_found_behind_text() -> None:
    text, calls = read(["Let me add. ", CALL], marked=True)
    assert text == "Let me add. "
    assert asked(calls) == [("add", {"a": 1})]
    assert calls[0].repaired is None


def test_a_closing_mark_inside_an_argument_ends_nothing() -> None:
    call = json.dumps({"name": "find", "arguments": {"text": "</tool_call>"}})
    assert asked(read([f"<tool_call>{call}</tool_call>"], marked=True)[1]) == [("find", {"text": "</tool_call>"})]


def test_a_thought_before_the_mark_is_shown_and_the_call_made() -> None:
    text, calls = read(["Thought: I add.\n", CALL], marked=True)
    assert text == "Thought: I add.\n"
    assert asked(calls) == [("add", {"a": 1})]


def test_a_call_that_only_lacks_its_end_counts() -> None:
    assert asked(read([CALL.removesuffix("</tool_call>")], cut=True, marked=True)[1]) == [("add", {"a": 1})]


@pytest.mark.parametrize("length", range(len("<tool_call>{"), len(CALL) - len("}</tool_call>")))
@pytest.mark.parametrize("cut", [True, False])  # by the limit, or by a stop text
def test_a_call_that_is_cut_is_a_problem_and_never_shown(length: int, cut: bool) -> None:
    text, (call,) = read(["So: ", CALL[:length]], cut=cut, marked=True)
    assert text == "So: "
    assert call.problem


def test_a_call_that_was_closed_by_force_says_so() -> None:
    _, (call,) = read([CALL], cut=True, marked=True, closes=True)
    assert (call.cut, call.problem, call.arguments) == (True, None, {"a": 1})
    assert not read([CALL], marked=True, closes=True)[1][0].cut


def test_a_text_that_the_grammar_ended_is_marked() -> None:
    for length, cut in ((999, False), (1000, True), (1001, False)):  # a tool's own bound may be higher
        call = json.dumps({"name": "find", "arguments": {"texts": ["x" * length]}})
        _, (found,) = read([f"<tool_call>{call}</tool_call>"], marked=True)
        assert (found.cut, found.problem) == (cut, None)


def test_every_call_has_an_id_of_its_own() -> None:
    _, calls = read([CALL + CALL], marked=True)
    assert len({call.id for call in calls}) == 2


# -- a model with tool calls of its own --------------------------------------------------------------------------------


def test_text_is_held_back_only_while_it_may_become_a_call() -> None:
    reader = CallReader(TOOLS)
    assert reader.feed("<") == ""
    assert reader.feed("b>Bold</b>, ") == "<b>Bold</b>, "
    assert reader.feed(CALL) == CALL  # behind text it is an example
    for start, then in (("{", '"title": 1}'), ('{"name": "', 'Ann"}'), ("```", "python\n"), ("Act", "ually, ")):
        reader = CallReader(TOOLS)
        assert reader.feed(start) == ""
        assert reader.feed(then) == start + then


@pytest.mark.parametrize("text", [CALL, BARE, f"```json\n{BARE}\n```", f"functools[{BARE}]"])
def test_an_answer_that_is_a_call_is_never_shown(text: str) -> None:
    shown, calls = read(list(text))
    assert shown == ""
    assert asked(calls) == [("add", {"a": 1})]


def test_an_example_is_shown_whole() -> None:
    text = f"```json\n{BARE}\n```\nThis adds."
    assert read(list(text)) == (text, [])


def test_a_bare_call_that_is_cut_is_a_problem_and_never_shown() -> None:
    text, (call,) = read([BARE[:-4]], cut=True)
    assert text == ""
    assert call.problem


# -- both --------------------------------------------------------------------------------------------------------------


@given(PIECES.map("".join), st.data(), st.booleans(), st.booleans())
def test_how_the_text_is_cut_changes_nothing(text: str, data: Any, marked: bool, cut: bool) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole, parts = read([text], marked=marked, cut=cut), read(pieces, marked=marked, cut=cut)
    assert parts[0] == whole[0]
    assert [(c.name, c.arguments, c.problem) for c in parts[1]] == [(c.name, c.arguments, c.problem) for c in whole[1]]


@given(PIECES.map("".join), st.booleans())
def test_nothing_is_lost(text: str, marked: bool) -> None:
    shown, calls = read([text], marked=marked)
    assert calls or shown == text

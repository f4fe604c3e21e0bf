"""What a model wrote is a call, an error it can read, or text: mended where one reading is left, never guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.jsonable import from_json, to_json
from tierwise.models import ToolSpec
from tierwise.models.schemas.validator import validator
from tierwise.models.tools.reading import Bad, Call, as_tool_call, read_arguments, read_marked, read_text
from tierwise.types import ToolCall

NOTE = ToolSpec(
    "add_note",
    "Add a note.",
    {
        "type": "object",
        "properties": {
            "text": {"type": "string", "minLength": 1},
            "stars": {"type": "integer", "minimum": 0, "maximum": 5},
            "tags": {"type": "array", "items": {"type": "string"}},
            "price": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "done": {"type": "boolean"},
        },
        "required": ["text"],
        "additionalProperties": False,
    },
)
NOW = ToolSpec("now", "The time.")
ANY = ToolSpec("any", "Anything.", {"type": "object"})
TOOLS = [NOTE, NOW, ANY]


def read(raw: str, name: str = "add_note", **how: Any) -> Call | Bad:
    return read_arguments(raw, name, TOOLS, **how)


@pytest.mark.parametrize(
    ("raw", "arguments"),
    [
        ('```\n{"text": "a"}\n```', {"text": "a"}),
        ('```json\n{"text": "a"}', {"text": "a"}),
        ('\ufeff{"text": "a"}\0\0', {"text": "a"}),
        ('{"text": "a", "tags": ["x", "y",],}', {"text": "a", "tags": ["x", "y"]}),
        ('{"text": "a" /* why */, // so\n "stars": 2}', {"text": "a", "stars": 2}),
        ('{"text": "a" "stars": 2}', {"text": "a", "stars": 2}),
        ('{"text": "a", "tags": ["x"', {"text": "a", "tags": ["x"]}),
        ('{"text": "a"}}', {"text": "a"}),
        ("{'text': 'say \"a\"', 'done': True, 'price': None}", {"text": 'say "a"', "done": True, "price": None}),
        ('{text: "a", stars: 1}', {"text": "a", "stars": 1}),
        ("{\u201ctext\u201d: \u201ca \u2018b\u2019\u201d}", {"text": "a \u2018b\u2019"}),
        ('{"text": "two\nlines"}', {"text": "two\nlines"}),
        ('{"text": "it\\\'s", }', {"text": "it's"}),
        ('"{\\"text\\": \\"a\\"}"', {"text": "a"}),
        ('{"arguments": {"text": "a"}}', {"text": "a"}),
        ('{"name": "add_note", "parameters": "{\\"text\\": \\"a\\"}"}', {"text": "a"}),
        ('{"type": "function", "function": {"name": "add_note", "arguments": {"text": "a"}}}', {"text": "a"}),
        ('Here they are: {"text": "a"}', {"text": "a"}),
        ('{"text": "a", "stars": "3"}', {"text": "a", "stars": 3}),
        ('{"text": "a", "price": "2.50", "done": "true"}', {"text": "a", "price": 2.5, "done": True}),
        ('{"text": "a", "tags": "[\\"x\\"]"}', {"text": "a", "tags": ["x"]}),
        ('{"text": "7", "stars": 3.0}', {"text": "7", "stars": 3}),
    ],
)
def test_one_safe_reading_is_taken_and_told(raw: str, arguments: dict[str, Any]) -> None:
    call = read(raw)
    assert isinstance(call, Call), call
    assert call.arguments == arguments
    assert json.dumps(call.arguments) == json.dumps(arguments)  # 3 and not 3.0, true and not 1
    assert call.mended


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "'text' is a required property"),
        ("null", "no JSON object"),
        ('"a"', "no JSON object"),
        ('[{"text": "a"}]', "no JSON object"),
        ("text=a", "cannot be read"),
        ('<add_note text="a"/>', "cannot be read"),
        ('{"text": "a", "text": "b"}', "'text' stands in them twice"),
        ("{'text': 'a', \"text\": 'b'}", "'text' stands in them twice"),
        ('{"text": "a"}{"text": "a"}', "something follows their end"),
        ('{"text": "a"} and stars 3', "something follows their end"),
        ('{"text": "a", "colour": 1}', "'colour' was unexpected"),
        ('{"text": "a", "stars": NaN}', "NaN is no value"),
        ('{"text": "a", "price": -Infinity}', "no number that JSON has"),
        ('{"text": "a", "price": 1e400}', "too large"),
        ('{"text": "a", "price": "1e400"}', "do not fit: price"),
        ('{"text": "a", "stars": 01}', "no number"),
        ('{"text": "a", "stars": true}', "do not fit: stars"),
        ('{"text": "a", "stars": "three"}', "do not fit: stars"),
        ('{"text": "a", "stars": "true"}', "'true' is not of type 'integer'"),
        ('{"text": "a", "stars": 6}', "do not fit: stars"),
        ('{"text": 3}', "do not fit: text"),
        ('{"text": "a", "stars": null}', "do not fit: stars"),
        ('{"text": "a", "stars":', "cut off"),
        ('{"text": "a",', "cut off"),
        ('{"text": "a', "has no end"),
        ('{"text": "say "a" now"}', "comma is missing"),
        ("{'text': 'rock 'n' roll'}", "comma is missing"),
        ('{"text": "a", "tags": ["x" "y"]}', "comma is missing"),
        ('{"text": "\\d"}', "an escape that JSON does not have"),
        ('{"text": a}', "a is no value"),
        ('{"name": "now", "arguments": {"text": "a"}}', "names another tool, 'now'"),
        ("[" * 100_000, "nested too deeply"),
        ('{"text": "a", "stars": ' + "9" * 5000 + "}", "cannot be read"),
    ],
)
def test_everything_else_goes_back_to_the_model_with_the_reason(raw: str, why: str) -> None:
    bad = read(raw)
    assert isinstance(bad, Bad), bad
    assert why in bad.why
    assert bad.why.startswith("add_note was not run: the ") and len(bad.why) < 400


@pytest.mark.parametrize("name", ["add_notes", "Add_Note", "addnote", "add-note", "__import__", "add_note()", ""])
def test_a_name_that_is_only_near_runs_nothing(name: str) -> None:
    bad = read('{"text": "a"}', name)
    assert isinstance(bad, Bad)
    assert "There are: add_note, now, any" in bad.why
    assert bad.arguments == {"text": "a"}


def test_blanks_around_a_name_are_no_part_of_it() -> None:
    assert read('{"text": "a"}', " add_note\n") == Call("add_note", {"text": "a"}, "blanks around the name taken off")


def test_without_tools_it_says_so() -> None:
    bad = read_arguments("{}", "now", [])
    assert isinstance(bad, Bad) and "None is offered" in bad.why


def test_no_arguments_are_none() -> None:
    assert read("", "now") == read("{}", "now") == Call("now", {})


def test_the_end_of_a_cut_answer_is_not_put_there() -> None:
    assert isinstance(read('{"text": "a"', cut=True), Bad)
    assert isinstance(read('{"text": "a", "stars": 1', cut=True), Bad)
    assert isinstance(read('{"text": "a"}', cut=True), Call)


def test_a_wrapper_that_is_the_tools_own_name_stays() -> None:
    own = ToolSpec("run", "Run.", {"type": "object", "properties": {"arguments": {"type": "object"}}})
    further = ToolSpec("map", "Map.", {**NOTE.parameters, "required": [], "additionalProperties": {"type": "object"}})
    inner = {"arguments": {"text": "a"}}
    for tool in (own, further):
        assert read_arguments(json.dumps(inner), tool.name, [tool]) == Call(tool.name, inner)
    assert read(json.dumps(inner), "any") == Call("any", inner)  # a tool that takes whatever comes


def test_a_schema_that_cannot_be_checked_runs_nothing() -> None:
    for schema in ({"properties": {"a": {"$ref": "#/nowhere"}}}, {"properties": {"a": {"type": "no such type"}}}):
        bad = read_arguments('{"a": 1}', "odd", [ToolSpec("odd", "", schema)])
        assert isinstance(bad, Bad) and "cannot be checked" in bad.why


# -- whatever comes ----------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        *('{"', '"}', "{", "}", "[", "]", '"', "'", ",", ":", "\\", "text", "stars", "1", "-", "e9", "null", "True"),
        *("NaN", "```", "json", "\n", " ", "//", "/*", "*/", "\ufeff", "\0", "\u201c", "\u201d", "name", "arguments"),
        *("<tool_call>", "</tool_call>", "functools[", "[TOOL_CALLS]", "<|python_tag|>", "<function=", "Action: "),
        *("add_note", "\ud800"),
    ]
)
JUNK = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=30).map("".join))


@given(JUNK, st.sampled_from(["add_note", "now", "any", "", "x"]), st.booleans())
def test_reading_never_fails_and_never_gives_what_does_not_fit(raw: str, name: str, cut: bool) -> None:
    for found in (read_arguments(raw, name, TOOLS, cut=cut), *read_text(raw, TOOLS, cut=cut)):
        if isinstance(found, Call):
            (tool,) = [tool for tool in TOOLS if tool.name == found.name]
            assert validator(tool.parameters).is_valid(found.arguments)
        else:
            assert found.why
        assert from_json(ToolCall, json.loads(json.dumps(to_json(as_tool_call(found))))) is not None


NOTES = st.fixed_dictionaries(
    {"text": st.text(min_size=1)},
    optional={
        "stars": st.integers(0, 5),
        "tags": st.lists(st.text()),
        "price": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers()),
        "done": st.booleans(),
    },
)


@given(NOTES, st.booleans(), st.sampled_from([None, 2]), st.booleans())
def test_valid_calls_come_out_as_they_went_in(note: dict[str, Any], ascii_only: bool, indent: Any, cut: bool) -> None:
    raw = json.dumps(note, ensure_ascii=ascii_only, indent=indent)
    assert read(raw, cut=cut) == Call("add_note", note)
    whole = json.dumps({"name": "add_note", "arguments": note}, ensure_ascii=ascii_only, indent=indent)
    assert read_marked(f"<tool_call>{whole}</tool_call>", TOOLS, cut=cut) == ((Call("add_note", note),), "")


@given(NOTES, st.data())
def test_a_call_cut_anywhere_is_never_run_with_less_than_it_said(note: dict[str, Any], data: Any) -> None:
    raw = json.dumps(note)
    end = data.draw(st.integers(0, len(raw) - 1))
    assert isinstance(read(raw[:end], cut=True), Bad)


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=8)))
def test_python_literals_mean_the_same(value: dict[str, Any]) -> None:
    found = read(repr(value), "any")
    assert isinstance(found, Bad) or found.arguments == value


# -- as the rest of the program has it ---------------------------------------------------------------------------------


def test_a_call_carries_what_was_mended_and_a_bad_one_why_it_must_not_be_run() -> None:
    mended = as_tool_call(read('{"text": "a",}'), "c1")
    assert mended == ToolCall("c1", "add_note", {"text": "a"}, repaired="comma too many taken out")
    bad = as_tool_call(read("{}", "delete everything!"))
    assert bad.id and bad.name == "delete_everything"
    assert bad.problem and bad.repaired is None

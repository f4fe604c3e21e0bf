"""Whatever a grammar lets through fits the schema it came from, whoever writes it."""

from __future__ import annotations

import datetime
import ipaddress
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AnyHttpUrl, AwareDatetime, TypeAdapter
from walks import allows, walk

from tierwise.errors import ModelNotInstalled, SchemaNotSupported
from tierwise.models import ToolSpec
from tierwise.models.schemas import check, prepare
from tierwise.models.schemas.grammars import json_grammar, tools_grammar
from tierwise.models.tools.reading import Call, read_marked

FILE = Path(__file__).parents[2] / "data" / "schemas.jsonl"
KEPT = [row for row in map(json.loads, FILE.read_text(encoding="utf-8").splitlines()) if "refused" not in row]

# -- schemas at random -------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "ab", "kind", "x y", "é", "$ref", "const", "properties", "a/b", '"q'])
NUMBERS = st.sampled_from([0, 1, -1, 5, 100, 0.5, -2.75, 1e-3, 0.1, 12345.678, 10**12, 1e16, 1e-7])
PATTERNS = ["^[a-z]{2,5}$", "^a|b$", "[0-9]+", "^(a{2}|b{10})$", "^[A-Z][a-z]*( [A-Z][a-z]*)*$", "^[^a-z]+$", "^\\S+$"]
FORMATS = ["date", "date-time", "duration", "email", "uuid", "ipv4", "hostname", "uri", "password"]
VALUES = st.sampled_from(["a", "b", 1, 2.5, None, True, {"z": [1, "é"]}, 0, -1.25, 'x"\n'])


def some(**optional: Any) -> Any:
    return st.fixed_dictionaries({}, optional=optional)


def numbers(kind: str) -> Any:
    steps = st.sampled_from([1, 2, 3, 7, 0.5, 0.01, 0.37, 100])
    bounds = dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS)
    return some(**bounds, multipleOf=steps).map(lambda s: {"type": kind, **s})


TEXTS = some(
    minLength=st.integers(0, 6),
    maxLength=st.integers(0, 12),
    pattern=st.sampled_from(PATTERNS),
    format=st.sampled_from(FORMATS),
).map(lambda s: {"type": "string", **s})
SCALARS = st.one_of(
    TEXTS,
    numbers("integer"),
    numbers("number"),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"$ref": "#/$defs/N"}, {"maxLength": 3}]),
    st.lists(VALUES, min_size=1, max_size=3).map(lambda v: {"enum": v}),
    VALUES.map(lambda v: {"const": v}),
)


def larger(inner: Any) -> Any:
    lists = some(items=inner, prefixItems=st.lists(inner, min_size=1, max_size=2), minItems=st.integers(0, 2))
    objects = some(
        required=st.lists(NAMES, max_size=3, unique=True),
        additionalProperties=st.one_of(st.booleans(), inner),
        minProperties=st.integers(0, 3),
        maxProperties=st.integers(0, 5),
    )
    listed = st.dictionaries(NAMES, inner, max_size=4)
    return st.one_of(
        st.tuples(lists, st.integers(0, 3)).map(lambda s: {"type": "array", **s[0], "maxItems": s[1]}),
        st.tuples(objects, listed).map(lambda s: {"type": "object", **s[0], "properties": s[1]}),
        st.tuples(st.sampled_from(["anyOf", "oneOf", "allOf"]), st.lists(inner, min_size=1, max_size=3)).map(
            lambda s: {s[0]: s[1]}
        ),
    )


SCHEMAS = st.recursive(SCALARS, larger, max_leaves=6)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(SCHEMAS, SCHEMAS, st.integers(0, 10**6))
def test_what_is_not_refused_compiles_and_every_walk_through_it_fits(schema: Any, other: Any, seed: int) -> None:
    schema = {**schema, "$defs": {"N": other}}
    try:
        prepared = prepare(schema)
    except SchemaNotSupported:
        return
    text = walk(json_grammar(prepared), seed)
    check(text, schema)
    check(text, prepared)


@pytest.mark.parametrize("row", KEPT, ids=lambda row: row["name"])
def test_walks_through_the_schemas_of_the_gate(row: Any) -> None:
    grammar = json_grammar(prepare(row["schema"]))
    for seed in range(3):
        check(walk(grammar, seed), row["schema"])


# -- how values are written --------------------------------------------------------------------------------------------


def grammar_of(schema: Any) -> str:
    return json_grammar(prepare(schema))


def test_values_are_compact_and_end() -> None:
    pair = grammar_of({"type": "array", "items": {"type": "number"}})
    assert allows(pair, "[1,2.5]")
    assert not allows(pair, "[1, 2.5]")
    assert not allows(pair, "[0.33333333]")
    assert not allows(pair, f"[{'1' * 20}]")
    assert not allows(grammar_of({"type": "string"}), json.dumps("x" * 1001))
    names = grammar_of({"type": "object", "additionalProperties": {"type": "null"}})
    assert allows(names, '{"a":null}')
    assert not allows(names, json.dumps({"a" * 65: None}, separators=(",", ":")))


def test_a_further_name_is_none_of_those_listed() -> None:
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, "idx": {"type": "null"}}}
    grammar = grammar_of({**schema, "additionalProperties": {"type": "boolean"}})
    assert allows(grammar, '{"id":1,"idx":null,"i":true,"ide":false,"other":true}')
    assert not allows(grammar, '{"id":1,"idx":null,"id":true}')


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("date", datetime.date),
        ("date-time", AwareDatetime),
        ("time", datetime.time),
        ("duration", datetime.timedelta),
        ("uuid", uuid.UUID),
        ("ipv4", ipaddress.IPv4Address),
        ("ipv6", ipaddress.IPv6Address),
        ("uri", AnyHttpUrl),
    ],
)
def test_what_a_format_allows_can_be_read(name: str, kind: Any) -> None:
    grammar = grammar_of({"type": "string", "format": name})
    for seed in range(40):
        TypeAdapter(kind).validate_json(walk(grammar, seed))


def test_recursion_has_a_deepest_level() -> None:
    grammar = grammar_of({"$ref": "#/$defs/L", "$defs": {"L": {"type": "array", "items": {"$ref": "#/$defs/L"}}}})
    assert allows(grammar, "[[],[[]]]")
    assert not allows(grammar, "[" * 20 + "]" * 20)


def test_without_llguidance_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare({"const": "only this test asks for it"})
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(ModelNotInstalled, match=r"tierwise\[local\]"):
        json_grammar(prepared)


# -- tools -------------------------------------------------------------------------------------------------------------

ADD = ToolSpec("add", "Add.", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
FIND = ToolSpec("find", "Find.", {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]})


@pytest.mark.parametrize(
    "text",
    [
        "Plain text, any <tool at all.",
        'Let me see. <tool_call>{"name":"add","arguments":{"a":1}}</tool_call>',
        '<tool_call>{"name":"find","arguments":{"q":"x"}}</tool_call>',
    ],
)
def test_an_answer_is_text_or_ends_with_a_call(text: str) -> None:
    assert allows(tools_grammar([ADD, FIND]), text)


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name":"add","arguments":{"q":"x"}}</tool_call>',
        '<tool_call>{"name":"drop","arguments":{}}</tool_call>',
        "<tool_call>nothing",
        '<tool_call>{"name":"add","arguments":{"a":1}}</tool_call> and more',
    ],
)
def test_from_the_marker_on_it_is_a_call_of_a_tool_there_is(text: str) -> None:
    assert not allows(tools_grammar([ADD, FIND]), text)


def test_where_a_call_must_come_nothing_else_may() -> None:
    grammar = tools_grammar([ADD, FIND], must_call=True)
    assert allows(grammar, '<tool_call>{"name":"find","arguments":{"q":"x"}}</tool_call>')
    assert not allows(grammar, "Let me see.")
    assert not allows(grammar, 'So: <tool_call>{"name":"add","arguments":{"a":1}}</tool_call>')
    for seed in range(20):
        ((call,), rest) = read_marked(walk(grammar, seed), [ADD, FIND], cut=True)
        assert (type(call), rest) == (Call, "")


def test_json_may_stand_in_place_of_text() -> None:
    grammar = tools_grammar([ADD], prepare({"type": "object", "properties": {"n": {"type": "integer"}}}))
    assert allows(grammar, '{"n":1}')
    assert allows(grammar, '<tool_call>{"name":"add","arguments":{"a":1}}</tool_call>')
    assert not allows(grammar, "some text")


def test_a_tool_that_cannot_be_kept_is_named() -> None:
    with pytest.raises(SchemaNotSupported, match="The tool 'odd' cannot be offered"):
        tools_grammar([ADD, ToolSpec("odd", "", {"properties": {"x": {"not": {}}}})])

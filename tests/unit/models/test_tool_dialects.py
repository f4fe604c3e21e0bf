"""Each kind of model gets the form of a tool's schema it takes; what is lost is said, nothing sinks the other tools."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.errors import SchemaNotSupported
from tierwise.models import ToolSpec
from tierwise.models.schemas.strict import strict_form
from tierwise.models.schemas.validator import validator
from tierwise.models.tools.dialects import constrainable, dialect_for
from tierwise.models.tools.reading import Call, read_arguments
from tierwise.models.tools.strict_schema import without_nulls

SEARCH: dict[str, Any] = {
    "type": "object",
    "title": "Search",
    "properties": {
        "query": {"type": "string", "minLength": 1, "description": "What for."},
        "k": {"type": "integer", "exclusiveMinimum": 0, "default": 3},
        "within": {"type": "array", "items": {"type": "object", "properties": {"path": {"type": "string"}}}},
        "language": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
    },
    "required": ["query"],
    "additionalProperties": False,
}


def tool(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


# -- strict ------------------------------------------------------------------------------------------------------------


def test_optional_properties_are_nullable_in_strict_mode_and_absent_again_in_the_call() -> None:
    dialect = dialect_for(SEARCH, "openai-strict")
    assert dialect.strict
    assert dialect.parameters["required"] == ["query", "k", "within", "language"]
    assert strict_form(dialect.parameters) == dialect.parameters
    assert dialect.parameters["properties"]["k"]["description"] == "(default 3)"
    assert "length of a text" in dialect.losses[0]
    wrote = {"query": "cats", "k": None, "within": [{"path": None}, {"path": "/a"}], "language": None}
    assert validator(dialect.parameters).is_valid(wrote)
    call = read_arguments(json.dumps(wrote), "s", [ToolSpec("s", "", SEARCH)], absent={"s": dialect.absent})
    assert call == Call("s", {"query": "cats", "within": [{}, {"path": "/a"}], "language": None})


@pytest.mark.parametrize(
    "parameters",
    [
        tool(mode={"type": ["string", "null"], "default": "fast"}),  # absent is fast, and null is something else
        tool(mode={"enum": ["fast", None]}),
        tool(anything={}),
        tool(where={"$ref": "#/$defs/P"}) | {"$defs": {"P": {"type": "object", "properties": {"x": {}}}}},
        tool() | {"additionalProperties": {"type": "string"}},
        tool(x={"type": "string", "not": {"const": "a"}}),
        {"type": "object", "properties": {"x": None}},
    ],
)
def test_without_a_way_back_it_is_not_strict(parameters: dict[str, Any]) -> None:
    dialect = dialect_for(parameters, "openai-strict")
    assert (dialect.strict, dialect.absent) == (False, ())


SCALARS = st.sampled_from(
    [{"type": "integer"}, {"type": "string"}, {"enum": ["a", "b"]}, {"type": ["integer", "null"], "default": None}]
)
OBJECTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.tuples(st.dictionaries(st.sampled_from("abc"), inner, max_size=3), st.sets(st.sampled_from("abc"))).map(
            lambda p: {"type": "object", "properties": p[0], "required": sorted(p[1] & p[0].keys())}
        ),
        inner.map(lambda item: {"type": "array", "items": item}),
    ),
    max_leaves=8,
).filter(lambda schema: schema.get("type") == "object")


def value_of(schema: dict[str, Any], draw: Any) -> Any:
    """A value that fits; with every property that is drawn."""
    if schema.get("type") == "object":
        names = [n for n in schema["properties"] if n in schema["required"] or draw(st.booleans())]
        return {name: value_of(schema["properties"][name], draw) for name in names}
    if schema.get("type") == "array":
        return [value_of(schema["items"], draw) for _ in range(draw(st.integers(0, 2)))]
    values = {"integer": 1, "string": "x"}
    return schema["enum"][0] if "enum" in schema else values.get(str(schema["type"]))


def spelled(value: Any, schema: dict[str, Any]) -> Any:
    """The value as a model in strict mode has to write it: what is absent is null."""
    if schema.get("type") == "object":
        return {n: spelled(value[n], s) if n in value else None for n, s in schema["properties"].items()}
    return [spelled(item, schema["items"]) for item in value] if schema.get("type") == "array" else value


@given(OBJECTS, st.data())
def test_whatever_strict_mode_makes_a_model_write_comes_back_as_it_was_meant(schema: Any, data: Any) -> None:
    dialect = dialect_for(schema, "openai-strict")
    if not dialect.strict:
        return
    value = value_of(schema, data.draw)
    wrote = spelled(value, schema)
    assert validator(dialect.parameters).is_valid(wrote)
    back = without_nulls(wrote, dialect.absent)
    assert validator(schema).is_valid(back)
    assert spelled(back, schema) == wrote


# -- lax ---------------------------------------------------------------------------------------------------------------


def test_words_that_servers_refuse_are_told_instead() -> None:
    dialect = dialect_for(SEARCH | {"$schema": "https://json-schema.org/draft/2020-12/schema"}, "lax")
    assert not dialect.strict
    assert set(dialect.parameters) == {"type", "properties", "required"}
    assert dialect.parameters["properties"]["query"] == {"type": "string", "description": "What for. (minLength 1)"}
    assert dialect.parameters["properties"]["k"] == {
        "type": "integer",
        "description": "(exclusiveMinimum 0; default 3)",
    }
    assert dialect.losses == (
        "query: minLength is only told in words.",
        "k: exclusiveMinimum is only told in words.",
    )


def test_a_plain_schema_stays_as_it_is() -> None:
    plain = tool(city={"type": "string", "description": "Where."}, day={"enum": ["today"]}) | {"required": ["city"]}
    assert dialect_for(plain, "lax").parameters == plain
    assert dialect_for(plain, "lax").losses == ()
    assert dialect_for({}, "lax").parameters == {"type": "object", "properties": {}}


def test_references_are_spelled_out_and_what_leads_back_to_itself_ends() -> None:
    tree = {"type": "object", "properties": {"name": {"const": "x"}, "child": {"$ref": "#/$defs/T"}}}
    parameters = tool(root={"$ref": "#/$defs/T", "description": "The top."}) | {"$defs": {"T": tree}}
    dialect = dialect_for(parameters, "lax")
    root = dialect.parameters["properties"]["root"]
    assert root["description"] == "The top."
    assert root["properties"] == {"name": {"enum": ["x"]}, "child": {}}
    assert "$ref" not in json.dumps(dialect.parameters)
    assert dialect.losses == ("root.child: leads back to itself and is not shown in full.",)


def test_a_schema_that_grows_without_measure_is_cut_short() -> None:
    defs = {f"L{n}": tool(a={"$ref": f"#/$defs/L{n + 1}"}, b={"$ref": f"#/$defs/L{n + 1}"}) for n in range(30)}
    dialect = dialect_for(tool(a={"$ref": "#/$defs/L0"}) | {"$defs": defs}, "lax")
    assert len(json.dumps(dialect.parameters)) < 500_000
    assert any("too large" in loss for loss in dialect.losses)


# -- constrained -------------------------------------------------------------------------------------------------------


def test_what_a_model_cannot_write_while_it_is_held_to_a_schema_is_said() -> None:
    parameters = tool(text={"type": "string"}, price={"type": "number"}, colour={"type": "string", "format": "color"})
    dialect = dialect_for(parameters, "constrained")
    assert dialect.strict
    assert dialect.parameters["properties"]["text"]["maxLength"] == 1000
    assert [loss.split()[1] for loss in dialect.losses] == ["text", "number", "object", "format"]


def test_a_tool_that_cannot_be_held_to_is_set_aside_by_name_and_the_others_stay() -> None:
    odd = ToolSpec("odd", "", tool(x={"not": {"const": 1}}))
    broken = ToolSpec("broken", "", {"type": "object", "properties": {"x": {"type": "no such type"}}})
    good = ToolSpec("search", "", SEARCH)
    kept, problems = constrainable([odd, good, broken])
    assert kept == (good,)
    assert [problem.name for problem in problems] == ["odd", "broken"]
    assert "cannot be kept while a text is written" in problems[0].text
    with pytest.raises(SchemaNotSupported):
        dialect_for(odd.parameters, "constrained")

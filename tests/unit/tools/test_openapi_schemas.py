"""Schemas of either OpenAPI dialect become JSON Schema 2020-12 of what a request may hold."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tierwise_tools.openapi.references import References, Unusable
from tierwise_tools.openapi.schemas import Translation


def translated(schema: Any, **schemas: Any) -> dict[str, Any]:
    translation = Translation(References({"components": {"schemas": schemas}}))
    made = translation.schema(schema)
    return {**made, "$defs": definitions} if (definitions := translation.definitions()) else made


@pytest.mark.parametrize(
    ("schema", "becomes"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"nullable": True, "$ref": "#/components/schemas/A"}, {"type": ["integer", "null"]}),
        ({"nullable": True, "oneOf": [{"type": "string"}]},
         {"anyOf": [{"anyOf": [{"type": "string"}]}, {"type": "null"}]}),
        ({"maximum": 3, "exclusiveMaximum": True}, {"exclusiveMaximum": 3}),
        ({"maximum": 3, "exclusiveMaximum": False}, {"maximum": 3}),
        ({"exclusiveMaximum": 3}, {"exclusiveMaximum": 3}),
        ({"example": 3, "xml": {}, "x-y": 1, "externalDocs": {}}, {"examples": [3]}),
        ({"pattern": r"^\p{L}+$"}, {"description": r"Pattern: ^\p{L}+$"}),
        ({"allOf": [{"maxLength": 3}, {"type": "string", "description": "b"}], "description": "a"},
         {"type": "string", "maxLength": 3, "description": "a"}),
        ({"allOf": [{"maxLength": 3}, {"maxLength": 4}]}, {"allOf": [{"maxLength": 3}, {"maxLength": 4}]}),
        ({"allOf": [{"properties": {"a": {"readOnly": True}, "b": {}}}, {"required": ["a", "b"]}]},
         {"properties": {"b": {}}, "required": ["b"]}),
        ({"properties": {"example": {"nullable": True, "type": "string"}, "$ref": {}}},
         {"properties": {"example": {"type": ["string", "null"]}, "$ref": {}}}),
        ({"$ref": "#/components/schemas/A", "description": "mine"}, {"type": "integer", "description": "mine"}),
        ({"enum": [{"nullable": True}], "default": {"$ref": "x"}},
         {"enum": [{"nullable": True}], "default": {"$ref": "x"}}),
        ({"discriminator": {"propertyName": "kind", "mapping": {"cat": "#/x", "dog": "#/y"}}},
         {"description": "kind says which it is: cat, dog"}),
        ({"properties": {"pet_id": {"title": "Pet Id"}, "at": {"title": "Time in UTC"}}, "title": "Pet"},
         {"properties": {"pet_id": {}, "at": {"title": "Time in UTC"}}}),
        ({"description": "a\u200bb\n  c\u202e"}, {"description": "ab c"}),
        (True, {}),
    ],
)  # fmt: skip
def test_schemas_become_2020_12(schema: Any, becomes: dict[str, Any]) -> None:
    assert translated(schema, A={"type": "integer"}) == becomes


def test_schemas_that_refer_to_each_other_become_definitions() -> None:
    a = {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/B"}}}
    b = {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}, "n": {"type": "integer"}}}
    schema = translated({"$ref": "#/components/schemas/A"}, A=a, B=b)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"b": {"a": {"b": {"n": 1}}}})
    assert not validator.is_valid({"b": {"a": {"b": {"a": {"b": {"n": "x"}}}}}})


def test_schemas_that_multiply_stay_small() -> None:
    levels = 40
    schemas = {
        f"L{n}": {"properties": {side: {"$ref": f"#/components/schemas/L{n + 1}"} for side in "ab"}}
        for n in range(levels)
    }
    schema = translated({"$ref": "#/components/schemas/L0"}, **schemas, **{f"L{levels}": {"type": "integer"}})
    assert len(json.dumps(schema)) < 40_000
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    assert jsonschema.Draft202012Validator(schema).is_valid(value)


def test_a_schema_beyond_all_measure_is_refused() -> None:
    with pytest.raises(Unusable, match="more than 5,000 parts"):
        translated({"properties": {f"p{n}": {"type": "string"} for n in range(6_000)}})

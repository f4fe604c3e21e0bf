"""What is made of a schema before an answer, and what is said of an answer that does not fit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tierwise.errors import InvalidOutput, SchemaNotSupported
from tierwise.models.schemas import bare, check, prepare, unwrapped, wrapped
from tierwise.models.schemas.outline import outline

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
}


def test_every_text_list_and_object_has_an_end() -> None:
    made = prepare(
        {
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "code": {"type": "string", "pattern": "^[a-z]{3}$"},
                "words": {"type": "string", "pattern": "^[a-z ]+$"},
                "day": {"type": "string", "format": "date"},
                "short": {"type": "string", "maxLength": 5},
                "list": {"type": "array", "items": {"type": "string"}},
                "map": {"type": "object", "additionalProperties": {"type": "integer"}},
            },
        }
    )["properties"]
    assert made["text"] == {"type": "string", "maxLength": 1000}
    assert "maxLength" not in made["code"]
    assert "maxLength" not in made["day"]
    assert made["words"]["maxLength"] == 1000
    assert made["short"]["maxLength"] == 5
    assert made["list"]["maxItems"] == 100
    assert made["list"]["items"] == {"type": "string", "maxLength": 1000}
    assert made["map"]["maxProperties"] == 100


def test_objects_are_closed_unless_they_say_otherwise() -> None:
    assert prepare(PERSON)["additionalProperties"] is False
    assert prepare({**PERSON, "additionalProperties": {"type": "null"}})["additionalProperties"] == {"type": "null"}
    assert prepare({"type": "object"})["additionalProperties"] is not False


def test_what_tells_alternatives_apart_comes_first_and_everything_else_keeps_its_order() -> None:
    cat = {"type": "object", "properties": {"b": True, "a": True, "kind": {"const": "cat", "default": "cat"}}}
    dog = {"type": "object", "properties": {"b": True, "kind": {"enum": ["dog", "hound"]}}, "required": ["b"]}
    union = {"oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}], "discriminator": {"propertyName": "kind"}}
    made = prepare({**union, "$defs": {"Cat": cat, "Dog": dog}})
    assert list(made["$defs"]["Cat"]["properties"]) == ["kind", "b", "a"]
    assert made["$defs"]["Cat"]["required"] == ["kind"]
    assert list(made["$defs"]["Dog"]["properties"]) == ["kind", "b"]
    assert made["$defs"]["Dog"]["required"] == ["kind", "b"]


def test_an_enum_is_no_discriminator_by_itself() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "size": {"enum": ["s", "m"]}}}
    assert list(prepare(schema)["properties"]) == ["name", "size"]


def test_remarks_are_left_out_but_descriptions_stay() -> None:
    made = prepare({"title": "T", "description": "how old", "type": "integer", "default": 3, "examples": [4]})
    assert made == {"type": "integer", "description": "how old"}


def test_a_prepared_schema_stays_as_it_is() -> None:
    for schema in (PERSON, {"type": "object"}, {"anyOf": [{"type": "integer"}, PERSON]}, {"type": "array"}):
        once = prepare(schema)
        assert prepare(once) == once


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"properties": {"a": {"items": {"not": {}}}}}, "'not' at /properties/a/items"),
        ({"$defs": {"N": {"uniqueItems": True}}, "type": "array", "items": {"$ref": "#/$defs/N"}}, "at /$defs/N"),
        ({"type": "object", "properties": {"a/b": {"enum": []}}}, "'enum' at /properties/a~1b leaves no value"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "(3) is above maxLength (2)"),
        ({"type": "integer", "minimum": 4, "maximum": 3}, "'minimum' at its root leaves no number"),
        ({"type": "number", "multipleOf": 1e-9}, "more than six decimals"),
        ({"type": "integer", "enum": [10**20]}, "more than 15 digits"),
        ({"$ref": "#/$defs/N", "$defs": {"N": {"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]}}}, "without an end"),
        ({"$ref": "other.json"}, "points outside the schema"),
        ({"type": "text"}, "no valid JSON Schema, at /type"),
        ({"minLength": "3"}, "no valid JSON Schema, at /minLength"),
        ({"enum": [float("nan")]}, "not made of JSON values"),
        ({"enum": [{1, 2}]}, "not made of JSON values"),
    ],
)
def test_a_refusal_names_the_place_and_the_keyword(schema: Any, words: str) -> None:
    with pytest.raises(SchemaNotSupported) as refused:
        prepare(schema)
    assert words in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_schema_without_measure_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"type": "array", "items": deep}
    with pytest.raises(SchemaNotSupported, match="deep"):
        prepare(deep)
    with pytest.raises(SchemaNotSupported, match="larger than"):
        prepare({"enum": ["x" * 300_000]})


@pytest.mark.parametrize("keyword", ["anyOf", "allOf", "oneOf"])
def test_a_schema_that_explodes_is_refused_in_time(keyword: str) -> None:
    steps = {f"N{n}": {keyword: [{"$ref": f"#/$defs/N{n + 1}"}] * 2, "minimum": n} for n in range(40)}
    with pytest.raises(SchemaNotSupported):
        prepare({"$ref": "#/$defs/N0", "$defs": {**steps, "N40": {"type": "integer"}}})


def test_an_answer_is_read_and_checked() -> None:
    assert check('{"name":"Ann","age":30}', PERSON) == {"name": "Ann", "age": 30}
    assert check("0.07", {"multipleOf": 0.01}) == 0.07  # as decimals: 0.07 / 0.01 is 7.000000000000001


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The answer is empty."),
        ('{"name":', "The answer is no JSON"),
        ("NaN", "NaN is not in JSON"),
        ("[" * 100_000, "The answer is no JSON"),
        ('{"age":1}', "'name' is a required property"),
        ('{"name":"Ann","age":"x"}', "at age: 'x' is not of type 'integer'"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(InvalidOutput) as refused:
        check(text, PERSON)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_long_value_does_not_end_up_in_the_sentence() -> None:
    with pytest.raises(InvalidOutput) as refused:
        check(json.dumps("x" * 10_000), {"type": "integer"})
    assert len(str(refused.value)) < 300


def test_checking_fetches_nothing() -> None:
    with pytest.raises(SchemaNotSupported, match="not there"):
        check("1", {"$ref": "http://127.0.0.1:9/schema.json"})


def test_a_value_travels_in_an_object_and_back() -> None:
    numbers = prepare({"type": "array", "items": {"$ref": "#/$defs/N"}, "$defs": {"N": {"type": "integer"}}})
    outer = wrapped(numbers)
    assert outer["type"] == "object"
    check('{"value":[1,2]}', outer)
    assert unwrapped('{"value": [1, "é"]}') == '[1,"é"]'
    assert unwrapped('{"value": 1, "more": 2}') == '{"value": 1, "more": 2}'
    assert wrapped(prepare(PERSON)) == prepare(PERSON)


@pytest.mark.parametrize(
    "text",
    ['```json\n{"a": 1}\n```', '\n{"a": 1} ', '```\n{"a": 1}```', '```json \r\n{"a": 1}\r\n```\r\n', '\ufeff{"a": 1}'],
)
def test_a_code_fence_is_no_part_of_the_value(text: str) -> None:
    assert json.loads(bare(text)) == {"a": 1}


def test_a_model_is_told_the_shape_in_few_words() -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "in English"},
            "days": {"type": "integer", "minimum": 1, "maximum": 9},
            "mode": {"enum": ["train", "bus"]},
            "stops": {"type": "array", "items": {"$ref": "#/$defs/Stop"}},
            "note": {},
        },
        "required": ["city", "mode"],
        "$defs": {"Stop": {"type": "object", "properties": {"at": {"type": "string", "format": "date"}}}},
    }
    assert outline(prepare(schema)).splitlines() == [
        "{",
        '  "city": string  // in English',
        '  "days"?: integer from 1 to 9',
        '  "mode": "train" | "bus"',
        '  "stops"?: [Stop, ...]',
        '  "note"?: any value',
        "}",
        "Stop = {",
        '  "at"?: date',
        "}",
    ]


def names(start: int, count: int) -> dict[str, Any]:
    return {"enum": [f"name {n}" for n in range(start, start + count)]}


def test_long_lists_of_names_are_compared_in_no_time() -> None:
    many = [names(100 * n, 100) for n in range(60)]
    assert len(prepare({"oneOf": many})["anyOf"]) == 60
    with pytest.raises(SchemaNotSupported, match="may fit together"):
        prepare({"oneOf": [*many, names(5_999, 2)]})
    assert prepare({"allOf": [names(0, 4_000), names(3_999, 4_000)]}) == {"const": "name 3999"}


def test_one_and_true_are_two_values_and_one_is_one_point_zero() -> None:
    assert prepare({"oneOf": [{"enum": [1, [0]]}, {"enum": [True, [False]]}]})
    with pytest.raises(SchemaNotSupported, match="may fit together"):
        prepare({"oneOf": [{"enum": [1, {"a": 2}]}, {"enum": [True, {"a": 2.0}]}]})


def test_a_chain_of_many_definitions_is_refused_in_words() -> None:
    def link(to: int) -> dict[str, Any]:
        inner = {"$ref": f"#/$defs/d{to}"}
        return {"type": "object", "properties": {"n": inner}, "required": ["n"]}

    chain = {f"d{n}": link(n + 1) for n in range(900)}
    with pytest.raises(SchemaNotSupported, match="nested too deeply"):
        prepare({"$ref": "#/$defs/d0", "$defs": {**chain, "d900": {"type": "null"}}})


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*b$", "^(a|aa)+$"])
def test_no_text_makes_a_pattern_search_for_ever(pattern: str) -> None:
    with pytest.raises(InvalidOutput, match="does not match"):
        check(json.dumps("a" * 60 + "!"), {"type": "string", "pattern": pattern})

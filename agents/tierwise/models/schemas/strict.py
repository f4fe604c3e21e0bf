"""JSON Schemas in the strict mode of the OpenAI API, where the model cannot leave them."""

from __future__ import annotations

from typing import Any

from tierwise.models.schemas.apart import type_of

# What strict mode takes, by the API's guide to structured outputs; it rejects a schema with any other word in it.
_WORDS = {"type", "enum", "const", "anyOf", "$ref", "$defs", "title", "description"}
_WORDS |= {"properties", "required", "additionalProperties", "items", "minItems", "maxItems", "pattern", "format"}
_WORDS |= {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
_DEEPEST = 10  # levels of nesting


def strict_form(schema: dict[str, Any]) -> dict[str, Any] | None:
    """The schema as strict mode wants it, or ``None`` if that would rule out answers its author wants.

    Objects are closed (``additionalProperties: false``): what fits then fits the original, too. Strict mode cannot
    bound the length of a text: such bounds become words for the model, and whoever asked checks the answer.
    A schema with an optional property has no strict form, for all properties would become required.
    """
    if schema.get("type") != "object" or "anyOf" in schema:  # its root must be an object
        return None
    try:
        return _strict(schema, 0)
    except (_NotStrict, AttributeError, TypeError):  # the last two: it is no schema, and the server will say so
        return None


class _NotStrict(Exception):
    """There is no strict form."""


def _strict(schema: Any, depth: int) -> dict[str, Any]:
    done = _lengths_in_words(schema)
    if depth > _DEEPEST or not done or not _WORDS.issuperset(done):
        raise _NotStrict
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    if values and "type" not in schema:  # strict mode wants a type beside them
        types = sorted({type_of(value) for value in values})
        if {"object", "array"}.intersection(types):
            raise _NotStrict
        done["type"] = types[0] if len(types) == 1 else types
    if "format" in schema and schema["format"] not in _FORMATS:
        raise _NotStrict
    if "properties" in schema or schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties", False) is not False or set(schema.get("required", ())) != set(properties):
            raise _NotStrict
        done["properties"] = {name: _strict(inner, depth + 1) for name, inner in properties.items()}
        done["required"] = list(properties)
        done["additionalProperties"] = False
    if "items" in schema:
        done["items"] = _strict(schema["items"], depth + 1)
    elif schema.get("type") == "array":
        raise _NotStrict
    if "anyOf" in schema:
        done["anyOf"] = [_strict(inner, depth + 1) for inner in schema["anyOf"]]
    if "$defs" in schema:
        done["$defs"] = {name: _strict(inner, depth + 1) for name, inner in schema["$defs"].items()}
    return done


def _lengths_in_words(schema: dict[str, Any]) -> dict[str, Any]:
    done = {word: value for word, value in schema.items() if word not in ("minLength", "maxLength")}
    words = {"minLength": "at least", "maxLength": "at most"}
    bounds = [f"{words[word]} {schema[word]}" for word in words if word in schema]
    if bounds:
        told = f"({' and '.join(bounds)} characters)"
        done["description"] = f"{schema['description']} {told}" if schema.get("description") else told
    return done

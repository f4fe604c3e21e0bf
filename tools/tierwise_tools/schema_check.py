"""Checking values against a JSON Schema that somebody else wrote: it fetches nothing and cannot run for ever."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any

from tierwise_tools.text import first_line

_MOST_COMPLAINTS = 5
_LONGEST_COMPLAINT = 200


def complaint_about_schema(schema: Any) -> str | None:
    """Why something is no JSON Schema (2020-12); ``None`` if it is one."""
    try:
        bad = next(_meta_validator().iter_errors(schema), None)
    except Exception as error:  # what is no schema may break the check itself
        return first_line(error)
    return None if bad is None else first_line(bad.message)[:_LONGEST_COMPLAINT]


def checker(schema: dict[str, Any]) -> Callable[[Any], list[str]]:
    """What checks values against a schema.

    Returns:
        A function that gives what is wrong with a value, in short sentences; nothing if it fits. It raises
        ``ValueError`` if the schema leads nowhere.
    """
    from referencing import Registry

    # Without a registry of its own it would fetch whatever address a "$ref" names.
    validator = _validator_class()(schema, registry=Registry())

    def check(value: Any) -> list[str]:
        if not _is_finite(value):
            return ["a number is not finite"]
        try:
            found = sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))
        except Exception as error:  # a reference that leads nowhere
            raise ValueError(first_line(error)) from error
        return list(map(_complaint, found[:_MOST_COMPLAINTS]))

    return check


@cache
def _validator_class() -> Any:
    """The validator of 2020-12 whose patterns take time in proportion to the text.

    Python's own regular expressions can take years over a short text, and hold up the whole program meanwhile. A
    pattern that needs more than a regular language has (looking ahead, going back) is left to whoever wrote the schema.
    """
    import jsonschema
    from jsonschema import validators

    def pattern(validator: Any, wanted: str, instance: Any, schema: Any) -> Iterator[Any]:
        matches = _matcher(wanted)
        if isinstance(instance, str) and matches is not None and not matches(instance):
            yield jsonschema.ValidationError(f"{instance!r} does not match {wanted!r}")

    def pattern_properties(validator: Any, wanted: dict[str, Any], instance: Any, schema: Any) -> Iterator[Any]:
        for text, inner in wanted.items() if isinstance(instance, dict) else ():
            matches = _matcher(text)
            for name, value in instance.items():
                if matches is not None and matches(name):
                    yield from validator.descend(value, inner, path=name, schema_path=text)

    def additional(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if not isinstance(instance, dict):
            return
        known, patterns = schema.get("properties", {}), [_matcher(t) for t in schema.get("patternProperties", {})]
        for name in instance:
            if name in known or any(matches is None or matches(name) for matches in patterns):
                continue
            if wanted is False:
                yield jsonschema.ValidationError(f"{name!r} is not one of its properties")
            elif wanted is not True:
                yield from validator.descend(instance[name], wanted, path=name)

    own = {"pattern": pattern, "patternProperties": pattern_properties, "additionalProperties": additional}
    return validators.extend(jsonschema.Draft202012Validator, own)


@lru_cache(maxsize=1024)
def _matcher(pattern: str) -> Callable[[str], bool] | None:
    """Whether a text holds a match, in linear time; ``None`` for a pattern that is not a regular one."""
    import pydantic_core

    try:
        schema = pydantic_core.core_schema.str_schema(pattern=pattern, regex_engine="rust-regex")
        validator = pydantic_core.SchemaValidator(schema)
    except pydantic_core.SchemaError:
        return None
    return validator.isinstance_python


@cache
def _meta_validator() -> Any:
    """2020-12's own schema in one piece: following its dynamic references takes six times as long."""
    import jsonschema
    from jsonschema_specifications import REGISTRY

    draft = jsonschema.Draft202012Validator
    whole: dict[str, Any] = {"type": ["object", "boolean"], "properties": {}, "$defs": {}}
    for part in draft.META_SCHEMA["allOf"]:
        held: Any = REGISTRY.contents(f"https://json-schema.org/draft/2020-12/{part['$ref']}")
        whole["properties"] |= held.get("properties", {})
        whole["$defs"] |= held.get("$defs", {})
    return draft(json.loads(json.dumps(whole).replace('"$dynamicRef": "#meta"', '"$ref": "#"')))


def _complaint(error: Any) -> str:
    where = ".".join(map(str, error.absolute_path)) or "arguments"
    return f"{where}: {error.message[:_LONGEST_COMPLAINT]}"


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return all(map(_is_finite, value)) if isinstance(value, list) else True

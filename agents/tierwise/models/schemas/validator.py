"""The validator of JSON Schema, set up so that it fetches nothing and calculates with decimals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any

from tierwise.models.schemas.merge import Node, is_number
from tierwise.models.schemas.scalars import exact


def validator(schema: dict[str, Any]) -> Any:
    """A validator that fetches nothing and knows that 0.07 is a multiple of 0.01."""
    from referencing import Registry

    kind = validator_class()
    return kind(schema, registry=Registry(), format_checker=kind.FORMAT_CHECKER)


@cache
def validator_class() -> Any:
    """The validator's class, for its meta-schema."""
    import jsonschema  # takes a while, and most turns have no schema

    kind = jsonschema.Draft202012Validator
    return jsonschema.validators.extend(kind, {"multipleOf": _multiple_of, "pattern": _pattern})


def _multiple_of(kind: Any, step: float, value: Any, schema: Node) -> Iterator[Any]:
    import jsonschema

    if is_number(value) and (exact(value) / exact(step)).denominator != 1:
        yield jsonschema.ValidationError(f"{value!r} is not a multiple of {step!r}")


def _pattern(kind: Any, pattern: str, value: Any, schema: Node) -> Iterator[Any]:
    import jsonschema

    if isinstance(value, str) and not _matcher(pattern)(value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


@lru_cache(maxsize=512)
def _matcher(pattern: str) -> Callable[[str], object]:
    """Whether a text has a match, found in time that grows with the text alone: Python's ``re`` may take for ever."""
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex")).isinstance_python
    except SchemaError:  # another dialect, or too large
        return re.compile(pattern).search


def said(error: Any) -> str:
    """The validator's words, without a value of any length in them."""
    words = " ".join(str(error.message).split()).rstrip(".")
    return words if len(words) <= 200 else f"{words[:100]} … {words[-90:]}"

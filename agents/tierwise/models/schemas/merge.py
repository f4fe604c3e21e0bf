"""One schema that demands what two demand: for ``allOf``, and for keywords that stand beside ``$ref`` or ``anyOf``."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from fractions import Fraction
from typing import Any

from tierwise.errors import SchemaNotSupported

Node = dict[str, Any]

_ABOUT = ("title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly")
_FRAME = ("$comment", "$schema", "$id", "$defs", "definitions", "discriminator")
_CONTENT = ("contentEncoding", "contentMediaType", "contentSchema")
ANNOTATIONS = frozenset((*_ABOUT, *_FRAME, *_CONTENT))
_LARGER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_SMALLER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def refuse(at: str, keyword: str, why: str) -> SchemaNotSupported:
    """The error for a schema that cannot be kept, naming the place.

    Args:
        at: JSON pointer of the schema that holds the keyword.
        keyword: the keyword.
        why: the rest of the sentence, and what to write instead.
    """
    return SchemaNotSupported(f"The schema cannot be used: {keyword!r} at {at or 'its root'} {why}.")


def is_number(value: Any) -> bool:
    """A JSON number; ``True`` is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(left: Any, right: Any) -> bool:
    """Equal as JSON: 1 is 1.0 but not ``true``."""
    return identity(left) == identity(right)


def identity(value: Any) -> Hashable:
    """Equal for values that are equal as JSON, and for no others."""
    if isinstance(value, dict):
        return "object", frozenset((name, identity(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return "array", tuple(map(identity, value))
    return "boolean" if isinstance(value, bool) else "scalar", value


def types_of(schema: Node) -> list[str]:
    """The value of ``type`` as a list, empty if there is none."""
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def merge(left: Node, right: Node, at: str) -> Node:
    """Both at once. Values that fit the result fit ``left`` and ``right``.

    Raises:
        SchemaNotSupported: if two demands cannot be written as one, or leave nothing.
    """
    result: Node = {**right, **left}
    _check_items(left, right, at)
    for keyword in left.keys() & right.keys() - ANNOTATIONS:
        result[keyword] = _both(keyword, left[keyword], right[keyword], at)
    if "properties" in result or "additionalProperties" in result:
        result["properties"] = _properties(left, right, at)
    return result


def _check_items(left: Node, right: Node, at: str) -> None:
    """``items`` speaks of what ``prefixItems`` beside it leaves, so two of both cannot be mixed."""
    ours, theirs = ({k: side[k] for k in ("items", "prefixItems") if k in side} for side in (left, right))
    if ours and theirs and "prefixItems" in {**ours, **theirs} and ours != theirs:
        raise refuse(at, "prefixItems", "stands beside other demands on the items; write one schema that says both")


def _both(keyword: str, left: Any, right: Any, at: str) -> Any:
    if keyword in _LARGER:
        return max(left, right)
    if keyword in _SMALLER:
        return min(left, right)
    if same(left, right):
        return left
    how = _HOW.get(keyword)
    if how is None:
        raise refuse(at, keyword, "is demanded twice in different ways; write one schema that says both")
    return how(left, right, at)


def _types(left: Any, right: Any, at: str) -> list[str]:
    ours, theirs = types_of({"type": left}), types_of({"type": right})
    both = [t for t in ours if t in theirs or (t == "integer" and "number" in theirs)]
    both += [t for t in theirs if t == "integer" and "number" in ours and t not in both]
    if not both:
        raise refuse(at, "type", "leaves nothing: no value has both types")
    return both


def _enums(left: Any, right: Any, at: str) -> list[Any]:
    wanted = set(map(identity, right))
    return [value for value in left if identity(value) in wanted]


def _steps(left: Any, right: Any, at: str) -> float:
    a, b = Fraction(str(left)), Fraction(str(right))
    for larger, smaller in ((a, b), (b, a)):
        if (larger / smaller).denominator == 1:
            return left if larger == a else right  # type: ignore[no-any-return]
    raise refuse(at, "multipleOf", "is demanded twice, and neither is a multiple of the other")


def _required(left: Any, right: Any, at: str) -> list[str]:
    return list(dict.fromkeys([*left, *right]))


def _schemas(left: Any, right: Any, at: str) -> Any:
    if isinstance(left, bool) or isinstance(right, bool):
        return (left if right else False) if isinstance(right, bool) else (right if left else False)
    return {"allOf": [left, right]}


def _properties(left: Node, right: Node, at: str) -> Node:
    """Properties of both; one that only one side names must fit what the other says about further ones."""
    result: Node = {}
    for own, other in ((left, right), (right, left)):
        for name, schema in own.get("properties", {}).items():
            if name not in result:
                beside = other.get("properties", {}).get(name, other.get("additionalProperties", True))
                result[name] = _schemas(schema, beside, f"{at}/properties/{name}")
    return result


_HOW: dict[str, Callable[[Any, Any, str], Any]] = {
    "type": _types,
    "enum": _enums,
    "multipleOf": _steps,
    "required": _required,
    "allOf": lambda left, right, at: [*left, *right],
    "items": _schemas,
    "additionalProperties": _schemas,
    "propertyNames": _schemas,
    "properties": lambda left, right, at: {},  # made by _properties
}

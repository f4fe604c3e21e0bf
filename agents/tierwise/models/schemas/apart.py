"""Whether a value of one alternative can never fit another: what ``oneOf`` needs, shown from the schemas alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tierwise.models.schemas.merge import Node, is_number, same, types_of

_DEPTH = 12  # levels followed before giving up; giving up means "not shown"
_COMPARISONS = 50_000
_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}


class Apart:
    """Compares schemas as they are written (prepared) with schemas as they were given.

    Args:
        definitions: the prepared definitions.
        resolve: the given schema behind a reference.
    """

    def __init__(self, definitions: Mapping[str, Node], resolve: Callable[[str], Node]) -> None:
        self._definitions = definitions
        self._resolve = resolve
        self._left = _COMPARISONS

    def excludes(self, given: Any, node: Node, depth: int = _DEPTH) -> bool:
        """True if no value of the prepared ``node`` is shown to fit ``given``."""
        self._left -= 1
        if depth == 0 or self._left < 0 or isinstance(given, bool):
            return given is False
        if "$ref" in node:
            return self.excludes(given, self._definitions[node["$ref"].removeprefix("#/$defs/")], depth - 1)
        if "anyOf" in node:
            return all(self.excludes(given, branch, depth - 1) for branch in node["anyOf"])
        parts = [*given.get("allOf", []), *([self._resolve(given["$ref"])] if "$ref" in given else [])]
        if any(self.excludes(part, node, depth - 1) for part in parts):
            return True
        for keyword in ("anyOf", "oneOf"):
            if keyword in given and all(self.excludes(branch, node, depth - 1) for branch in given[keyword]):
                return True
        return self._by_itself(given, node, depth)

    def _by_itself(self, given: Node, node: Node, depth: int) -> bool:
        allowed, written = _values(given), _values(node)
        if allowed is not None and written is not None and not any(same(a, b) for a in allowed for b in written):
            return True
        kinds = {node["type"]} if written is None else {type_of(v) for v in written}
        if allowed is not None and kinds.isdisjoint(_widened(type_of(v) for v in allowed)):
            return True
        if "type" in given and kinds.isdisjoint(_widened(types_of(given))):
            return True
        if node.get("type") == "object":
            return self._by_properties(given, node, depth)
        return kinds <= {"integer", "number"} and written is None and _beyond(given, node)

    def _by_properties(self, given: Node, node: Node, depth: int) -> bool:
        listed = given.get("properties", {})
        open_names = "patternProperties" in given or given.get("additionalProperties", True) is not False
        for name in node["required"]:
            if name in listed:
                if self.excludes(listed[name], node["properties"][name], depth - 1):
                    return True
            elif not open_names:
                return True
        closed = node["additionalProperties"] is False and "patternProperties" not in node
        return closed and any(name not in node["properties"] for name in given.get("required", []))


def type_of(value: Any) -> str:
    """The JSON type of a value; 1.0 is an integer."""
    if is_number(value):
        return "integer" if value == int(value) else "number"
    return _NAMES[type(value)]


def _widened(types: Any) -> set[str]:
    """Types with those that share values with them."""
    found = set(types)
    return found | {"integer", "number"} if found & {"integer", "number"} else found


def _beyond(given: Node, node: Node) -> bool:
    infinite = float("inf")
    return bool(
        node.get("minimum", -infinite) > given.get("maximum", infinite)
        or node.get("maximum", infinite) < given.get("minimum", -infinite)
    )


def _values(schema: Node) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")

"""Whether a value of one alternative can never fit another: what ``oneOf`` needs, shown from the schemas alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from tierwise.models.schemas.merge import Node, identity, is_number, types_of

_DEPTH = 12  # levels followed before giving up; giving up means "not shown"
_COMPARISONS = 50_000
_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}


@dataclass(frozen=True, slots=True)
class _Values:
    """What ``const`` or ``enum`` lists: identities to compare, and the types there are."""

    each: frozenset[Hashable]
    types: set[str]


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
        self._known: dict[int, tuple[Node, _Values | None]] = {}  # by the id of the schema, which is kept alive

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
        allowed, written = self._values(given), self._values(node)
        if allowed is not None and written is not None and allowed.each.isdisjoint(written.each):
            return True
        kinds = {node["type"]} if written is None else written.types
        if allowed is not None and kinds.isdisjoint(_widened(allowed.types)):
            return True
        if "type" in given and kinds.isdisjoint(_widened(types_of(given))):
            return True
        if node.get("type") == "object":
            return self._by_properties(given, node, depth)
        return kinds <= {"integer", "number"} and written is None and _beyond(given, node)

    def _values(self, schema: Node) -> _Values | None:
        if id(schema) not in self._known:
            values = [schema["const"]] if "const" in schema else schema.get("enum")
            found = None if values is None else _Values(frozenset(map(identity, values)), set(map(type_of, values)))
            self._known[id(schema)] = (schema, found)
        return self._known[id(schema)][1]

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

"""Recursion to a fixed depth: a schema that refers to itself becomes copies of itself, the deepest without the way on.

A small model that may nest without end sometimes does.
"""

from __future__ import annotations

from collections.abc import Mapping

from tierwise.errors import SchemaNotSupported
from tierwise.models.schemas.merge import Node

LEVELS = 5  # a tree has at most so many levels below its root


def unroll(schema: Node) -> Node:
    """The same schema, in which no definition leads back to itself.

    Args:
        schema: a prepared one.

    Returns:
        The schema with its definitions under ``$defs``, descriptions left out.

    Raises:
        SchemaNotSupported: if no value of so few levels exists.
    """
    unrolled = _Unroller(schema.get("$defs", {}))
    root = unrolled.node({k: v for k, v in schema.items() if k != "$defs"}, None, 0)
    if root is None:
        raise SchemaNotSupported(
            f"The schema cannot be used: it demands itself again, without an end within {LEVELS} levels.",
            fix="Make that part optional, or let it be null.",
        )
    definitions = {name: node for name, node in unrolled.made.items() if node is not None}
    return {**root, "$defs": definitions} if definitions else root


class _Unroller:
    def __init__(self, definitions: Mapping[str, Node]) -> None:
        self._definitions = definitions
        direct = {name: _references(node) for name, node in definitions.items()}
        self._reach = {name: _closure(name, direct) for name in direct}
        self.made: dict[str, Node | None] = {}

    def node(self, node: Node, within: str | None, level: int) -> Node | None:
        """A copy with references of the given level, ``None`` if no value can fit it any more."""
        if "$ref" in node:
            return self._reference(node["$ref"].removeprefix("#/$defs/"), within, level)
        if "anyOf" in node:
            branches = [made for b in node["anyOf"] if (made := self.node(b, within, level)) is not None]
            return {"anyOf": branches} if branches else None
        if node.get("type") == "array":
            return self._array(node, within, level)
        if node.get("type") == "object":
            return self._object(node, within, level)
        return {k: v for k, v in node.items() if k != "description"}

    def _reference(self, name: str, within: str | None, level: int) -> Node | None:
        together = within is not None and name in self._reach[within] and within in self._reach[name]
        level = level + 1 if together else 0
        if level > LEVELS:
            return None
        copy = f"{name}.{level}" if name in self._reach[name] else name
        if copy not in self.made:
            self.made[copy] = self.node(self._definitions[name], name, level)
        return {"$ref": f"#/$defs/{copy}"} if self.made[copy] is not None else None

    def _array(self, node: Node, within: str | None, level: int) -> Node | None:
        heads = [self.node(head, within, level) for head in node.get("prefixItems", [])]
        items = self.node(node["items"], within, level) if node["items"] is not False else None
        possible = heads.index(None) if None in heads else len(heads)
        most = node["maxItems"] if items is not None and possible == len(heads) else min(node["maxItems"], possible)
        if most < node["minItems"]:
            return None
        made: Node = {"type": "array", "items": items if most > len(heads) and items is not None else False}
        if heads[:most]:
            made["prefixItems"] = heads[:most]
        return {**made, "minItems": node["minItems"], "maxItems": most}

    def _object(self, node: Node, within: str | None, level: int) -> Node | None:
        made = {name: self.node(value, within, level) for name, value in node["properties"].items()}
        if any(made[name] is None for name in node["required"]):
            return None
        further = node["additionalProperties"]
        further = self.node(further, within, level) if further is not False else None
        patterns = {k: self.node(v, within, level) for k, v in node.get("patternProperties", {}).items()}
        patterns = {k: v for k, v in patterns.items() if v is not None}
        left = {name: value for name, value in made.items() if value is not None}
        result: Node = {"type": "object", "properties": left, "required": node["required"]}
        result["additionalProperties"] = False if further is None else further
        if patterns:
            result["patternProperties"] = patterns
        if further is not None or patterns:
            counts: Node = {k: node[k] for k in ("minProperties", "maxProperties") if k in node}
            return {**result, **counts}
        return None if node.get("minProperties", 0) > len(left) else result


def _references(node: Node) -> set[str]:
    """Definitions that a prepared schema names directly."""
    if "$ref" in node:
        return {node["$ref"].removeprefix("#/$defs/")}
    inner = [*node.get("anyOf", []), *node.get("prefixItems", []), node.get("items"), node.get("additionalProperties")]
    inner += [*node.get("properties", {}).values(), *node.get("patternProperties", {}).values()]
    return {name for schema in inner if isinstance(schema, dict) for name in _references(schema)}


def _closure(start: str, direct: Mapping[str, set[str]]) -> set[str]:
    """Every definition that can be reached from ``start``."""
    reached: set[str] = set()
    waiting = list(direct[start])
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += direct[name]
    return reached

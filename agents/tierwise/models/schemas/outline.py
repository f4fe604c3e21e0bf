"""A schema in few words, for the model that has to fill it: the shape of the answer rather than its rules."""

from __future__ import annotations

import json
from typing import Any

from tierwise.models.schemas.merge import Node
from tierwise.models.schemas.nodes import anything

_INDENT = "  "


def outline(schema: dict[str, Any]) -> str:
    """How an answer looks, one property a line, optional ones marked with ``?``, descriptions behind ``//``.

    Args:
        schema: a prepared one.
    """
    lines = [_shape(schema, "")]
    for name, node in schema.get("$defs", {}).items():
        lines.append(f"{name} = {_shape(node, '')}")
    return "\n".join(lines)


def _shape(node: Node, indent: str) -> str:
    if "$ref" in node:
        return str(node["$ref"].removeprefix("#/$defs/"))
    if "const" in node:
        return _json(node["const"])
    if "enum" in node:
        return " | ".join(map(_json, node["enum"]))
    if "anyOf" in node:
        if {k: v for k, v in node.items() if k != "description"} == anything():
            return "any value"
        return " | ".join(dict.fromkeys(_shape(branch, indent) for branch in node["anyOf"]))
    if node["type"] == "array":
        return _list(node, indent)
    if node["type"] == "object":
        return _object(node, indent)
    return _scalar(node)


def _list(node: Node, indent: str) -> str:
    parts = [_shape(head, indent) for head in node.get("prefixItems", [])]
    if node["items"] is not False:
        parts.append(f"{_shape(node['items'], indent)}, ...")
    return f"[{', '.join(parts)}]"


def _object(node: Node, indent: str) -> str:
    inner = indent + _INDENT
    lines = []
    for name, value in node["properties"].items():
        mark = "" if name in node["required"] else "?"
        about = f"  // {' '.join(value['description'].split())}" if value.get("description") else ""
        lines.append(f"{inner}{_json(name)}{mark}: {_shape(value, inner)}{about}")
    further = [*node.get("patternProperties", {}).values()]
    if node["additionalProperties"] is not False:
        further.append(node["additionalProperties"])
    lines += [f"{inner}name: {_shape(value, inner)}, ..." for value in further]
    return "{\n" + "\n".join(lines) + f"\n{indent}}}" if lines else "{}"


def _scalar(node: Node) -> str:
    kind = str(node["type"])
    if kind in ("integer", "number"):
        low = node.get("minimum", node.get("exclusiveMinimum"))
        high = node.get("maximum", node.get("exclusiveMaximum"))
        if low is not None and high is not None:
            return f"{kind} from {low} to {high}"
        return kind + (f" from {low}" if low is not None else f" up to {high}" if high is not None else "")
    if kind == "string" and "format" in node:
        return str(node["format"])
    if kind == "string" and "pattern" in node:
        return f"string like {node['pattern']}"
    return kind


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

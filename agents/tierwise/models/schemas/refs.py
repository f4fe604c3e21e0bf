"""References within a schema: where they lead, and what the definitions are called that are made of them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from tierwise.models.schemas.merge import Node, merge, refuse

HOPS = 24  # schemas that may be merged into one, or references that may follow each other


class References:
    """Follows ``$ref`` within one schema; nothing outside of it is ever fetched.

    Attributes:
        names: the definitions that are in use: from a pointer into the root to a name.
        first: from a reference to the property that tells its alternative from others, where one is named.
    """

    def __init__(self, root: Node) -> None:
        self._root = root
        self.names: dict[str, str] = {}
        self.first = _discriminators(root)

    def use(self, ref: str, at: str) -> Node:
        """The same reference in the prepared schema."""
        self.target(ref, at)
        pointer = ref[1:]
        if pointer not in self.names:
            wanted = re.sub(r"[^A-Za-z0-9_-]", "_", unquote(pointer.rpartition("/")[2])) or "Root"
            name, n = wanted, 1
            while name in self.names.values():
                n += 1
                name = f"{wanted}_{n}"
            self.names[pointer] = name
        return {"$ref": f"#/$defs/{self.names[pointer]}"}

    def target(self, ref: str, at: str) -> Any:
        """The schema a reference at ``at`` leads to.

        Raises:
            SchemaNotSupported: if it leads outside, or nowhere.
        """
        if not ref.startswith("#") or (len(ref) > 1 and ref[1] != "/"):
            raise refuse(at, "$ref", f"points outside the schema, to {ref!r}; only #/... is followed")
        found: Any = self._root
        for part in ref[1:].split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(key)] if isinstance(found, list) else found[key]
            except (KeyError, IndexError, ValueError, TypeError):
                raise refuse(at, "$ref", f"points to {ref!r}, which is not there") from None
        if not isinstance(found, dict | bool):
            raise refuse(at, "$ref", f"points to {ref!r}, which is no schema")
        return found

    def schema(self, ref: str, at: str) -> Node:
        """The target as an object, also if it is ``true`` or ``false``."""
        return _as_object(self.target(ref, at))

    def spelled_out(self, part: Any, at: str) -> Node:
        """A schema that is to be merged, without ``$ref`` at its top."""
        schema = _as_object(part)
        for _ in range(HOPS):
            if "$ref" not in schema:
                return schema
            beside = {k: v for k, v in schema.items() if k != "$ref"}
            schema = merge(beside, self.schema(schema["$ref"], at), at)
        raise refuse(at, "$ref", "leads back to itself without an end")


def _as_object(schema: Any) -> Node:
    if isinstance(schema, dict):
        return schema
    return {} if schema else {"enum": []}


def _discriminators(schema: Any) -> dict[str, str]:
    """The property that tells alternatives apart, by the reference to each alternative."""
    found: dict[str, str] = {}
    inner: list[Any] = list(schema.values()) if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    for value in inner:
        found |= _discriminators(value)
    if isinstance(schema, dict) and isinstance(schema.get("discriminator"), dict):
        name = schema["discriminator"].get("propertyName")
        for branch in [*schema.get("oneOf", []), *schema.get("anyOf", [])]:
            if isinstance(name, str) and isinstance(branch, dict) and isinstance(branch.get("$ref"), str):
                found[branch["$ref"]] = name
    return found

"""One JSON Schema in the form in which it is enforced: few keywords, everything bounded, every object's keys known.

The form narrows and never widens: a value that fits it fits the schema it came from.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

from tierwise.models.schemas import scalars
from tierwise.models.schemas.apart import Apart
from tierwise.models.schemas.merge import ANNOTATIONS, Node, is_number, merge, refuse, types_of
from tierwise.models.schemas.refs import HOPS, References
from tierwise.models.schemas.scalars import MAX_LENGTH, MAX_NUMBER, count
from tierwise.models.schemas.validator import validator

_MOST_PIECES = 20_000
MAX_ITEMS = 100  # items of a list, and keys of an object, that nothing else bounds
_OF_TYPE: dict[str, tuple[str, ...]] = {
    "object": (
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
    ),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_CASES = "cannot be kept while a text is written; write the cases as anyOf"
_HOPELESS = {
    "not": "cannot be kept while a text is written; say what is allowed instead",
    "if": _CASES,
    "contains": "cannot be kept while a text is written; use prefixItems or items",
    "dependentRequired": _CASES,
    "dependentSchemas": _CASES,
    "dependencies": _CASES,
    "unevaluatedProperties": "cannot be kept while a text is written; use additionalProperties",
    "unevaluatedItems": "cannot be kept while a text is written; use items",
    "$dynamicRef": "is not supported; use $ref",
}
_BINDING = {k for keys in _OF_TYPE.values() for k in keys}.union(
    _HOPELESS, ("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref")
)


def anything() -> Node:
    """What "any value" comes to: a scalar, or a list or an object of scalars."""
    scalar = [{"type": "string", "maxLength": MAX_LENGTH}, *({"type": t} for t in ("number", "boolean", "null"))]
    one = {"anyOf": scalar}
    open_object = {"type": "object", "properties": {}, "required": [], "additionalProperties": one}
    return {
        "anyOf": [
            *scalar,
            {"type": "array", "items": one, "minItems": 0, "maxItems": MAX_ITEMS},
            {**open_object, "maxProperties": MAX_ITEMS},
        ]
    }


class Preparer:
    """Brings a schema and what it refers to into the enforced form.

    Args:
        root: a valid JSON Schema of sensible size.
    """

    def __init__(self, root: Node) -> None:
        self._root = root
        self._refs = References(root)
        self._unions: list[tuple[list[Any], list[Node], str]] = []  # alternatives of which exactly one may fit
        self._grounded: set[str] = set()
        self._pieces = 0
        self.definitions: dict[str, Node] = {}

    def prepare(self) -> Node:
        """The root; definitions are in :attr:`definitions`.

        Raises:
            SchemaNotSupported: naming the place and the keyword.
        """
        root, ref = self._root, "#"
        for _ in range(HOPS):  # a root that only points elsewhere is spelled out
            if "$ref" not in root or root.keys() & _BINDING - {"$ref"}:
                break
            ref = root["$ref"]
            root = self._refs.schema(ref, "")
        prepared = self.node(root, ref[1:], first=self._refs.first.get(ref))
        while waiting := [pointer for pointer, name in self._refs.names.items() if name not in self.definitions]:
            for pointer in waiting:
                target, first = self._refs.target(f"#{pointer}", pointer), self._refs.first.get(f"#{pointer}")
                self.definitions[self._refs.names[pointer]] = self.node(target, pointer, first=first)
        for name in self.definitions:
            self._check_grounded(name, ())
        apart = Apart(self.definitions, lambda ref: self._refs.schema(ref, ""))
        for given, branches, at in self._unions:
            pairs = permutations(range(len(given)), 2)
            if not all(apart.excludes(given[other], branches[one]) for one, other in pairs):
                raise refuse(at, "oneOf", "has alternatives that may fit together; use anyOf")
        return prepared

    def node(self, schema: Any, at: str, *, first: str | None = None, merged: int = 0) -> Node:
        """One schema.

        Args:
            schema: as it was given.
            at: its JSON pointer.
            first: a property that is written before all others.
            merged: how many schemas were merged into this one.
        """
        if schema is True:
            return anything()
        if schema is False:
            raise refuse(at, "false", "allows no value")
        self._count(at)
        if merged > HOPS:
            raise refuse(at, "$ref", "leads back to itself without an end")
        for keyword, why in _HOPELESS.items():
            if keyword in schema and not (keyword.startswith("unevaluated") and schema[keyword] is False):
                raise refuse(at, keyword, why)
        if "$ref" in schema:
            beside = {k: v for k, v in schema.items() if k != "$ref"}
            if not beside.keys() & _BINDING:
                return self._refs.use(schema["$ref"], at)
            first = first or self._refs.first.get(schema["$ref"])
            both = merge(beside, self._refs.schema(schema["$ref"], at), at)
            return self.node(both, at, first=first, merged=merged + 1)
        if "allOf" in schema:
            self._count(at, len(schema["allOf"]))
            both = {k: v for k, v in schema.items() if k != "allOf"}
            for number, part in enumerate(schema["allOf"]):
                both = merge(both, self._refs.spelled_out(part, f"{at}/allOf/{number}"), at)
            return self.node(both, at, first=first, merged=merged + 1)
        described = {k: v for k, v in schema.items() if k == "description" and isinstance(v, str)}
        for keyword, make in (("const", self._values), ("enum", self._values), ("anyOf", self._union)):
            if keyword in schema:
                return {**make(keyword, schema, at, first, merged), **described}
        if "oneOf" in schema:
            return {**self._union("oneOf", schema, at, first, merged), **described}
        types = types_of(schema) or [kind for kind, keys in _OF_TYPE.items() if schema.keys() & set(keys)]
        kinds = [t for t in types if t != "integer" or "number" not in types]
        made = [self._typed(kind, schema, at, first) for kind in kinds] or [anything()]
        return {**(made[0] if len(made) == 1 else {"anyOf": made}), **described}

    def _check_grounded(self, name: str, path: tuple[str, ...]) -> None:
        """Refuse a definition that is one of its own alternatives: what it demands could never be settled."""
        if name in path:
            raise refuse(f"/$defs/{name}", "$ref", "leads back to itself without an end")
        if name in self._grounded:
            return
        waiting = [self.definitions[name]]
        while waiting:
            node = waiting.pop()
            waiting += node.get("anyOf", [])
            if "$ref" in node:
                self._check_grounded(node["$ref"].removeprefix("#/$defs/"), (*path, name))
        self._grounded.add(name)

    def _count(self, at: str, pieces: int = 1) -> None:
        self._pieces += pieces
        if self._pieces > _MOST_PIECES:
            raise refuse(at, "$ref", f"makes more than {_MOST_PIECES:,} pieces of the schema when it is spelled out")

    # -- combinations --------------------------------------------------------------------------------------------------

    def _union(self, keyword: str, schema: Node, at: str, first: str | None, merged: int) -> Node:
        named = schema.get("discriminator")
        if isinstance(named, dict) and isinstance(named.get("propertyName"), str):
            first = named["propertyName"]
        beside = {k: v for k, v in schema.items() if k != keyword and k not in ANNOTATIONS}
        branches = []
        for number, part in enumerate(schema[keyword]):
            branch = {"allOf": [part, beside]} if beside.keys() & _BINDING else part
            branches.append(self.node(branch, f"{at}/{keyword}/{number}", first=first, merged=merged + 1))
        if keyword == "oneOf":
            self._unions.append((schema[keyword], branches, at))
        return branches[0] if len(branches) == 1 else {"anyOf": branches}

    def _values(self, keyword: str, schema: Node, at: str, first: str | None, merged: int) -> Node:
        """``enum`` and ``const``: the values that everything beside them allows."""
        given = [schema["const"]] if keyword == "const" else schema["enum"]
        beside = {k: v for k, v in schema.items() if k in _BINDING and k != keyword}
        values = [value for value in given if not beside or self._fits(value, beside, at)]
        if not values:
            raise refuse(at, keyword, "leaves no value")
        if any(is_number(v) and abs(v) > MAX_NUMBER for v in _leaves(values)):
            raise refuse(at, keyword, "has a number of more than 15 digits")
        return {"const": values[0]} if len(values) == 1 else {"enum": values}

    def _fits(self, value: Any, schema: Node, at: str) -> bool:
        known: Node = {key: self._root[key] for key in ("$defs", "definitions") if key in self._root}
        return bool(validator({**known, **schema}).is_valid(value))

    # -- types ---------------------------------------------------------------------------------------------------------

    def _typed(self, kind: str, schema: Node, at: str, first: str | None) -> Node:
        own = {k: schema[k] for k in _OF_TYPE.get("number" if kind == "integer" else kind, ()) if k in schema}
        if kind == "object":
            return self._object(own, at, first)
        if kind == "array":
            return self._array(own, at)
        make: Callable[[Node, str], Node] | None = getattr(scalars, kind, None)
        return make(own, at) if make is not None else {"type": kind}

    def _array(self, schema: Node, at: str) -> Node:
        least, most = count(schema, "minItems", at) or 0, count(schema, "maxItems", at)
        heads = schema.get("prefixItems", [])
        rest = schema.get("items", not heads or least > len(heads))
        high = most if most is not None else max(MAX_ITEMS, least)
        if rest is False:
            high = min(high, len(heads))
        if least > high:
            raise refuse(at, "minItems", f"({least}) is above what the list may hold ({high})")
        if schema.get("uniqueItems") and high > 1:
            raise refuse(at, "uniqueItems", "cannot be kept while a text is written; leave it out")
        result: Node = {"type": "array"}
        if heads[:high]:
            result["prefixItems"] = [self.node(h, f"{at}/prefixItems/{n}") for n, h in enumerate(heads[:high])]
        result["items"] = False if high <= len(heads) else self.node(rest, f"{at}/items")
        return {**result, "minItems": least, "maxItems": high}

    def _object(self, schema: Node, at: str, first: str | None) -> Node:
        listed, further, patterns = self._keys(schema, at)
        is_open = further is not False or bool(patterns)
        required = set(schema.get("required", []))
        for name in schema.get("required", []):
            if name not in listed:
                listed[name] = schema.get("additionalProperties", True) if not patterns else False
        for name in [n for n, s in listed.items() if s is False]:
            if name in required or is_open:
                raise refuse(at, "required" if name in required else "properties", f"leaves nothing for {name!r}")
            del listed[name]
        made = {name: self.node(s, f"{at}/properties/{_escaped(name)}") for name, s in listed.items()}
        leading = [n for n in made if n == first and made[n].keys() & {"const", "enum"}]
        leading += [n for n in made if "const" in made[n] and n not in leading]
        made = {name: made[name] for name in dict.fromkeys([*leading, *made])}
        required |= set(leading)
        least, most = count(schema, "minProperties", at) or 0, count(schema, "maxProperties", at)
        if is_open or least > len(required):
            required |= set(made)  # keys can only be counted where each listed one is written
        high = most if most is not None else max(MAX_ITEMS, least, len(made)) if is_open else len(made)
        if least > (high if is_open else len(made)) or len(required) > high:
            raise refuse(at, "minProperties" if least else "maxProperties", "cannot be met by the properties there are")
        if high < len(made):
            raise refuse(at, "maxProperties", "cannot be kept beside optional properties; leave it out")
        if is_open and least > len(made) + 1:
            raise refuse(
                at, "minProperties", "cannot be kept where names are open, as one may come twice; list the properties"
            )
        result: Node = {"type": "object", "properties": made, "required": [n for n in made if n in required]}
        result["additionalProperties"] = False if further is False else self.node(further, f"{at}/additionalProperties")
        for pattern, value in patterns.items():
            result["patternProperties"] = {pattern: self.node(value, f"{at}/patternProperties/{_escaped(pattern)}")}
        if is_open:
            result |= {"maxProperties": high} | ({"minProperties": least} if least > len(made) else {})
        return result

    def _keys(self, schema: Node, at: str) -> tuple[Node, Any, Node]:
        """Properties by name, what further ones must be (``False``: there are none), and those by a pattern."""
        listed, patterns = dict(schema.get("properties", {})), dict(schema.get("patternProperties", {}))
        further = schema.get("additionalProperties", not listed and not patterns)
        names = self._refs.spelled_out(schema.get("propertyNames", True), f"{at}/propertyNames")
        if names.keys() & _BINDING - {"type"}:
            if patterns or listed:
                raise refuse(at, "propertyNames", "stands beside named properties; list the properties")
            if names.keys() & {"enum", "const"}:
                values = self._values("enum" if "enum" in names else "const", names, f"{at}/propertyNames", None, 0)
                return {n: further for n in values.get("enum", [values.get("const")]) if isinstance(n, str)}, False, {}
            patterns, further = {self._name_pattern(names, at): further}, False
        if len(patterns) > 1 or (patterns and (listed or further is not False)):
            raise refuse(at, "patternProperties", "stands beside other properties; list the properties")
        for pattern in patterns:
            scalars.string({"pattern": pattern}, f"{at}/patternProperties")
        return listed, further, {} if further is not False else patterns

    def _name_pattern(self, names: Node, at: str) -> str:
        text = self.node({**names, "type": "string"}, f"{at}/propertyNames")
        if "pattern" in text and not text.keys() & {"minLength"} and "maxLength" not in names:
            return str(text["pattern"])
        if text.keys() & {"pattern", "format", "anyOf"}:
            raise refuse(at, "propertyNames", "combines demands; use one pattern")
        return f"^[\\s\\S]{{{text.get('minLength', 0)},{text['maxLength']}}}$"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict | list):
        return [leaf for inner in (value.values() if isinstance(value, dict) else value) for leaf in _leaves(inner)]
    return [value]

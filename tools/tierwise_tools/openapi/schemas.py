"""Schemas of OpenAPI 3.0 and 3.1 as JSON Schema 2020-12 of what a request may hold."""

from __future__ import annotations

import re
from typing import Any

from tierwise_tools.names import LONGEST, safe_name
from tierwise_tools.openapi.naming import words
from tierwise_tools.openapi.references import References, Unusable

Schema = dict[str, Any]

_LONGEST_DESCRIPTION = 300
_INLINE = 400  # parts; a model reads a schema in place more easily than a reference, as long as it stays small
_DEEPEST = 20  # references within references, for the same reason
_MOST = 5_000  # parts; more is no tool that a model can be told of
_AS_THEY_ARE = (
    *("type", "enum", "const", "format", "multipleOf", "minimum", "maximum", "minLength", "maxLength"),
    *("minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "minProperties", "maxProperties"),
    *("dependentRequired", "contentEncoding", "contentMediaType", "title", "default", "deprecated", "readOnly"),
)
_MAPS = ("properties", "patternProperties", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = (
    *("items", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "contains", "propertyNames"),
    *("not", "if", "then", "else"),
)
_TOLD = frozenset({"title", "description", "default", "examples", "deprecated", "readOnly"})


def short(text: Any, longest: int = _LONGEST_DESCRIPTION) -> str:
    """A description on one line, without characters that a person would not see, cut to ``longest`` characters."""
    line = "".join(c for c in " ".join(str(text or "").split()) if c.isprintable())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


class Translation:
    """Translates the schemas of one operation.

    References are written out where they stand. What refers to itself, and whatever comes after the first few hundred
    parts, becomes a definition instead; :meth:`definitions` gives them, for ``$defs``.
    """

    def __init__(self, references: References) -> None:
        self._references = references
        self._names: dict[str, str] = {}
        self._made: dict[str, Schema] = {}
        self._parts = 0

    def schema(self, raw: Any, name: str = "") -> Schema:
        """One schema, without what only a response may hold.

        Args:
            raw: as it stands in the document.
            name: of what it describes; a title that says the same is dropped.

        Raises:
            Unusable: if it refers to nothing, to another document, or is too large.
        """
        return _for_requests(self._schema(raw, ()), name)

    def definitions(self) -> dict[str, Schema]:
        """What the schemas so far refer to, by name.

        Raises:
            Unusable: see :meth:`schema`.
        """
        while waiting := [pointer for pointer, name in self._names.items() if name not in self._made]:
            for pointer in waiting:
                name = self._names[pointer]
                made = self._made[name] = _for_requests(self._schema(self._references.find(pointer), (pointer,)))
                if made.get("$ref") == f"#/$defs/{name}":
                    raise Unusable(f"{pointer} is a reference that leads back to itself")
        return dict(sorted(self._made.items()))

    def _schema(self, raw: Any, inside: tuple[str, ...]) -> Schema:
        if isinstance(raw, bool):
            return {} if raw else {"not": {}}
        if not isinstance(raw, dict):
            raise Unusable(f"a schema is no object but {short(raw, 60)!r}")
        self._parts += 1
        if self._parts > _MOST:
            raise Unusable(f"its parameters have more than {_MOST:,} parts, too many to tell a model")
        if "$dynamicRef" in raw or "$recursiveRef" in raw:
            raise Unusable("it uses $dynamicRef, which is not read")
        if isinstance(raw.get("$ref"), str):
            return self._referred(raw, inside)
        schema = {key: raw[key] for key in raw if key in _AS_THEY_ARE}
        self._add_parts(schema, raw, inside)
        _add_words(schema, raw)
        _add_numbers_and_pattern(schema, raw)
        if "allOf" in schema:
            schema = all_of(schema.pop("allOf"), schema)
        return _or_null(schema) if raw.get("nullable") is True else schema

    def _add_parts(self, schema: Schema, raw: Schema, inside: tuple[str, ...]) -> None:
        for key in (key for key in _MAPS if isinstance(raw.get(key), dict)):
            schema[key] = {str(name): self._schema(part, inside) for name, part in raw[key].items()}
        for key in (key for key in _LISTS if isinstance(raw.get(key), list)):
            # One of several is checked as any of them: alternatives that a discriminator or a format tells apart all
            # look the same to a validator, which would refuse every value.
            kept = "anyOf" if key == "oneOf" and "anyOf" not in raw else key
            schema[kept] = [self._schema(part, inside) for part in raw[key]]
        for key in (key for key in _SINGLE if key in raw):
            schema[key] = raw[key] if isinstance(raw[key], bool) else self._schema(raw[key], inside)
        if isinstance(raw.get("required"), list):
            schema["required"] = [name for name in raw["required"] if isinstance(name, str)]

    def _referred(self, raw: Schema, inside: tuple[str, ...]) -> Schema:
        pointer = raw["$ref"]
        if pointer in inside or len(inside) >= _DEEPEST or self._parts > _INLINE:
            found = {"$ref": f"#/$defs/{self._name(pointer)}"}
        else:
            found = self._schema(self._references.find(pointer), (*inside, pointer))
        beside = {key: value for key, value in raw.items() if key not in ("$ref", "nullable")}
        schema = all_of([found], self._schema(beside, inside)) if beside else found
        return _or_null(schema) if raw.get("nullable") is True else schema

    def _name(self, pointer: str) -> str:
        if pointer not in self._names:
            name = plain = safe_name(pointer.rpartition("/")[2])
            number = 2
            while name in self._names.values():
                ending = f"_{number}"
                name, number = plain[: LONGEST - len(ending)] + ending, number + 1
            self._names[pointer] = name
        return self._names[pointer]


def all_of(parts: list[Schema], schema: Schema) -> Schema:
    """One schema for all of ``parts`` and ``schema``, whose own words win; ``allOf`` where they cannot be merged."""
    whole = dict(schema)
    if all(_absorb(whole, part) for part in parts):
        return whole
    return {**schema, "allOf": [*schema.get("allOf", ()), *parts]}


def _absorb(whole: Schema, part: Schema) -> bool:
    for key, value in part.items():
        if key not in whole:
            whole[key] = value
        elif key == "properties":
            ours = whole[key]
            both = {name: all_of([ours[name]], value[name]) for name in value if name in ours}
            whole[key] = {**ours, **value, **both}
        elif key == "required":
            whole[key] = list(dict.fromkeys([*whole[key], *value]))
        elif key == "additionalProperties" and value is False:
            whole[key] = False
        elif key not in _TOLD and whole[key] != value and (key, whole[key]) != ("additionalProperties", False):
            return False
    return True


def _for_requests(schema: Schema, name: str = "") -> Schema:
    """Without the properties that only a response has, and without titles that say nothing.

    Done last: one part of an ``allOf`` may require what another one has for responses only.
    """
    dropped = {"readOnly"} | (set() if name and words(str(schema.get("title", ""))) != words(name) else {"title"})
    made = {key: value for key, value in schema.items() if key not in dropped}
    for key in (key for key in _MAPS if key in made):
        made[key] = {name: _for_requests(part, name) for name, part in made[key].items()}
    for key in (key for key in _LISTS if key in made):
        made[key] = [_for_requests(part) for part in made[key]]
    for key in (key for key in _SINGLE if isinstance(made.get(key), dict)):
        made[key] = _for_requests(made[key])
    for name in [name for name, part in schema.get("properties", {}).items() if part.get("readOnly") is True]:
        del made["properties"][name]
        made["required"] = [other for other in made.get("required", ()) if other != name]
    return made


def _add_words(schema: Schema, raw: Schema) -> None:
    description = short(raw.get("description"))
    tells = raw.get("discriminator")
    if isinstance(tells, dict) and isinstance(tells.get("mapping"), dict):
        kinds = ", ".join(map(str, tells["mapping"]))
        description = short(f"{description} {tells.get('propertyName')} says which it is: {kinds}".strip())
    if description:
        schema["description"] = description
    if isinstance(raw.get("examples"), list):
        schema["examples"] = raw["examples"][:3]
    elif "example" in raw:
        schema["examples"] = [raw["example"]]


def _add_numbers_and_pattern(schema: Schema, raw: Schema) -> None:
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        value = raw.get(exclusive)
        if value is True and limit in schema:  # 3.0 has a flag here
            schema[exclusive] = schema.pop(limit)
        elif exclusive in raw and not isinstance(value, bool):
            schema[exclusive] = value
    if isinstance(pattern := raw.get("pattern"), str):
        if _is_pattern(pattern):
            schema["pattern"] = pattern
        else:  # in another dialect of regular expressions: the server checks it
            schema["description"] = short(f"{schema.get('description', '')} Pattern: {pattern}".strip())
    if unread := next((key for key in schema.get("patternProperties", ()) if not _is_pattern(key)), None):
        raise Unusable(f"the pattern {short(unread, 100)!r} cannot be read")


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _or_null(schema: Schema) -> Schema:
    kind = schema.get("type")
    combined = {"allOf", "anyOf", "oneOf", "not", "const", "$ref"} & schema.keys()
    if isinstance(kind, str) and not combined:
        enum = schema.get("enum")
        values = {"enum": [*enum, None]} if isinstance(enum, list) and None not in enum else {}
        return {**schema, "type": kind if kind == "null" else [kind, "null"], **values}
    if not kind and not combined and "enum" not in schema:
        return schema
    told = {key: value for key, value in schema.items() if key in _TOLD}
    bare = {key: value for key, value in schema.items() if key not in _TOLD}
    return {**told, "anyOf": [bare, {"type": "null"}]}

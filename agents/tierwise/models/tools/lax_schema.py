"""A tool's schema in the few words of JSON Schema that every server with function calls takes.

Servers refuse the whole request for one word they do not know: Gemini for ``exclusiveMinimum`` or
``additionalProperties``, llama-server for a ``pattern`` without anchors, vLLM for ``minItems``. What the model should
know of such words is told in the description.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_TAKEN = ("type", "enum", "required", "minimum", "maximum")
_SILENT = {"title", "examples", "$schema", "$id", "$comment", "$defs", "definitions", "deprecated", "readOnly"}
_SILENT |= {"writeOnly", "description", "discriminator", "$anchor"}
_MOST_PIECES = 2_000
_LONGEST_WORDS = 200
_Node = dict[str, Any]


def simplified(parameters: _Node) -> tuple[_Node, tuple[str, ...]]:
    """The schema in those few words, and a sentence for each thing that became words or had to go."""
    maker = _Maker(parameters)
    made = maker.node(parameters, "", ())
    return {**made, "type": "object", "properties": made.get("properties", {})}, tuple(dict.fromkeys(maker.losses))


def nodes(schema: Any) -> Iterator[_Node]:
    """Every schema within a schema, itself included."""
    if not isinstance(schema, dict):
        return
    yield schema
    for word in ("properties", "patternProperties", "$defs", "definitions"):
        if isinstance(schema.get(word), dict):
            for inner in schema[word].values():
                yield from nodes(inner)
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if isinstance(schema.get(word), list):
            for inner in schema[word]:
                yield from nodes(inner)
    for word in ("items", "additionalProperties"):
        yield from nodes(schema.get(word))


class _Maker:
    def __init__(self, root: _Node) -> None:
        self.losses: list[str] = []
        self._root = root
        self._pieces = 0

    def node(self, schema: Any, place: str, followed: tuple[str, ...]) -> _Node:
        self._pieces += 1
        if not isinstance(schema, dict) or self._pieces > _MOST_PIECES:
            if self._pieces > _MOST_PIECES:
                self._lose(place, "is too large to be shown in full")
            return {}
        if "$ref" in schema:
            return self._referred(schema, place, followed)
        parts = schema.get("allOf", [])
        if len(parts) == 1 and isinstance(parts[0], dict) and not parts[0].keys() & (schema.keys() - {"description"}):
            beside = {word: value for word, value in schema.items() if word != "allOf"}
            return self.node({**parts[0], **beside}, place, followed)
        made: _Node = {word: schema[word] for word in _TAKEN if word in schema}
        told = []
        for word, value in schema.items():
            if word in ("properties", "items", "anyOf", "oneOf"):
                made |= self._inner(word, value, place, followed)
            elif word == "const":
                made["enum"] = [value]
            elif not (word in made or word in _SILENT or (isinstance(value, bool) and word == "additionalProperties")):
                told.append(f"{word} {_short(value)}")
                if word != "default":  # it demands nothing
                    self._lose(place, f"{word} is only told in words")
        words = [schema["description"]] if isinstance(schema.get("description"), str) else []
        words += [f"({'; '.join(told)})"] if told else []
        return {**made, "description": " ".join(words)} if words else made

    def _inner(self, word: str, value: Any, place: str, followed: tuple[str, ...]) -> _Node:
        if word == "properties" and isinstance(value, dict):
            each = {name: self.node(s, f"{place}.{name}".lstrip("."), followed) for name, s in value.items()}
            return {"properties": each}
        if word == "items":
            return {"items": self.node(value, f"{place}[]", followed)}
        if word == "oneOf":
            self._lose(place, "more than one of its alternatives may be met")
        return {"anyOf": [self.node(s, place, followed) for s in value]} if isinstance(value, list) else {}

    def _referred(self, schema: _Node, place: str, followed: tuple[str, ...]) -> _Node:
        """What a reference leads to, spelled out; no server has to follow it."""
        ref = str(schema["$ref"])
        target: Any = self._root
        for part in ref.removeprefix("#").split("/")[1:]:
            target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        if ref in followed or not ref.startswith("#") or not isinstance(target, dict):
            self._lose(place, "leads back to itself and is not shown in full" if ref in followed else "is not shown")
            return {}
        beside = {word: value for word, value in schema.items() if word != "$ref"}
        return self.node({**target, **beside}, place, (*followed, ref))

    def _lose(self, place: str, what: str) -> None:
        self.losses.append(f"{place or 'The whole'}: {what}.")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_WORDS else f"{text[:_LONGEST_WORDS]}..."

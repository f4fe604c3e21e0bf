"""The body of a request as parameters: each property by itself where that loses nothing, or else the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tierwise_tools.openapi.operation import BodyType, Field
from tierwise_tools.openapi.references import References, Unusable
from tierwise_tools.openapi.schemas import Schema, Translation, short

_PLAIN_OBJECT = {"type", "properties", "required", "additionalProperties"}
_PLAIN_OBJECT |= {"title", "description", "examples", "default", "deprecated"}
_KINDS: tuple[tuple[str, BodyType], ...] = (
    (r"application/(json|.+\+json)|\*/\*", "json"),
    (r"application/x-www-form-urlencoded", "form"),
    (r"multipart/form-data", "multipart"),
    (r"text/plain", "text"),
)
_FORM_STYLES = frozenset({"form", "deepObject", "spaceDelimited", "pipeDelimited"})


@dataclass(frozen=True, slots=True)
class Part:
    """One parameter that the body gives the tool."""

    field: Field
    schema: Schema
    required: bool


@dataclass(frozen=True, slots=True)
class Body:
    """What a request's body is, and the parameters that make it up."""

    kind: BodyType | None = None
    media_type: str = ""
    required: bool = False
    parts: tuple[Part, ...] = ()


def read_body(raw: Any, references: References, translation: Translation) -> Body:
    """The ``requestBody`` of an operation, which may have none.

    Raises:
        Unusable: if it is of a kind that cannot be written.
    """
    if raw is None:
        return Body()
    whole = references.follow(raw, "the body")
    content = whole.get("content")
    if not isinstance(content, dict) or not content:
        return Body()
    media_type, kind = _kind(content)
    holder = references.follow(content[media_type], "the body")
    required = whole.get("required") is True
    schema = translation.schema(holder.get("schema", {}))
    words = short(whole.get("description"))
    if words and not schema.get("description"):
        schema = {**schema, "description": words}
    if _is_flat(schema, required=required) and kind != "text":
        parts = tuple(_parts(schema, kind, holder.get("encoding")))
    elif kind in ("form", "multipart"):
        raise Unusable(f"its body is {media_type}, but not an object of plain properties")
    else:
        parts = (Part(Field("body", ""), schema, required),)
    return Body(kind, "application/json" if media_type == "*/*" else media_type, required, parts)


def _kind(content: dict[str, Any]) -> tuple[str, BodyType]:
    for pattern, kind in _KINDS:
        for media_type in content:
            if re.fullmatch(pattern, str(media_type).partition(";")[0].strip().lower()):
                return media_type, kind
    raise Unusable(f"its body is {short(', '.join(map(str, content)), 100)}, which is not written")


def _is_flat(schema: Schema, *, required: bool) -> bool:
    """Whether an object can be given by its properties alone.

    An optional body with properties it must have cannot: to leave it out and to forget a property would look alike.
    """
    if not schema.keys() <= _PLAIN_OBJECT or schema.get("type", "object") != "object" or not schema.get("properties"):
        return False
    return schema.get("additionalProperties", False) is False and (required or not schema.get("required"))


def _parts(schema: Schema, kind: BodyType, encoding: Any) -> Iterator[Part]:
    required = schema.get("required", [])
    properties = {**schema["properties"], **{name: {} for name in required if name not in schema["properties"]}}
    told = encoding if isinstance(encoding, dict) else {}
    for name, part in properties.items():
        if kind == "multipart" and _is_file(part):
            yield Part(Field("body", name, is_file=True), _as_text(part), name in required)
        else:
            style, explode = ("json", False) if kind == "json" else _form_style(part, told.get(name))
            yield Part(Field("body", name, style=style, explode=explode), part, name in required)


def _form_style(schema: Schema, told: Any) -> tuple[str, bool]:
    """How a property of a form is written: as the document says, or lists item by item and objects as JSON."""
    style = str(told.get("style")) if isinstance(told, dict) else None
    if style in _FORM_STYLES:
        explode = told.get("explode")
        return style, explode if isinstance(explode, bool) else style in ("form", "deepObject")
    return ("form", True) if _is_list(schema) else ("json", False)


def _branches(schema: Schema) -> list[Schema]:
    """What a value may be: the schema itself and its alternatives, such as ``null``."""
    return [schema, *(part for key in ("anyOf", "allOf") for part in schema.get(key, ()))]


def _is_list(schema: Schema) -> bool:
    return any(one.get("type") == "array" or "array" in (one.get("type") or ()) for one in _branches(schema))


def _is_file(schema: Schema) -> bool:
    items = [one["items"] for one in _branches(schema) if isinstance(one.get("items"), dict)]
    return any(one.get("format") == "binary" or "contentMediaType" in one for one in (*_branches(schema), *items))


def _as_text(schema: Schema) -> Schema:
    described = {"description": short(f"{schema.get('description', '')} (the file's content, as text)".strip())}
    text = {"type": "string"}
    return {"type": "array", "items": text, **described} if _is_list(schema) else {**text, **described}

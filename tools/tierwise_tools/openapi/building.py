"""From an operation in the document to one whose parameters are flat."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from tierwise_tools.names import LONGEST, safe_name
from tierwise_tools.openapi.bodies import Body, read_body
from tierwise_tools.openapi.keys import key_place
from tierwise_tools.openapi.naming import words
from tierwise_tools.openapi.operation import Field, Operation, Place
from tierwise_tools.openapi.outline import Outline
from tierwise_tools.openapi.references import References, Unusable
from tierwise_tools.openapi.schemas import Schema, Translation, short

_LONGEST_DESCRIPTION = 1_024
_STYLES = {
    "path": {"simple"},
    "query": {"form", "deepObject", "spaceDelimited", "pipeDelimited"},
    "header": {"simple"},
    "cookie": {"form"},
}
# Ours to set, or the connection's: a model that sets them would speak for somebody else.
_NOT_A_MODELS = frozenset(
    {
        *("authorization", "accept", "content-type", "content-length", "transfer-encoding", "connection", "host"),
        *("cookie", "proxy-authorization", "te", "trailer", "upgrade", "expect"),
    }
)


def build(outline: Outline, references: References) -> Operation:
    """Read one operation in full.

    Raises:
        Unusable: if it cannot be a tool, with the reason.
    """
    translation = Translation(references)
    key = key_place(outline.raw, references)
    properties: dict[str, Schema] = {}
    required: list[str] = []
    fields: list[Field] = []

    def add(field: Field, schema: Schema, *, needed: bool) -> None:
        name = _free_name(field, properties)
        fields.append(replace(field, name=name))
        properties[name] = schema
        if needed:
            required.append(name)

    _check_template(outline.path)
    _check_servers(outline, references)
    for raw in _parameters(outline, references):
        field = _field(raw)
        if key and (field.place, field.wire.lower()) == (key.kind, key.name.lower()):
            continue
        add(field, _parameter_schema(raw, translation), needed=field.place == "path" or raw.get("required") is True)
    body = read_body(outline.raw.get("requestBody"), references, translation)
    for part in body.parts:
        add(part.field, part.schema, needed=part.required)
    parameters: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        parameters["required"] = required
    if definitions := translation.definitions():
        parameters["$defs"] = definitions
    _check_plain(parameters)
    return _operation(outline, parameters, tuple(fields), body, key=key)


def _operation(
    outline: Outline, parameters: Schema, fields: tuple[Field, ...], body: Body, **settings: Any
) -> Operation:
    return Operation(
        outline.name,
        outline.id,
        outline.method.upper(),
        outline.path,
        outline.tags,
        _description(outline),
        parameters,
        fields,
        body.kind,
        body.media_type,
        body.required,
        # Only towards more care: an author who calls a change harmless does not speak for who owns the data.
        asks="always" if outline.raw.get("x-openai-isConsequential") is True else "by_effect",
        **settings,
    )


def _description(outline: Outline) -> str:
    summary, more = (short(outline.raw.get(key), 2 * _LONGEST_DESCRIPTION) for key in ("summary", "description"))
    says_the_name = outline.name.endswith("_".join(words(summary)))  # as FastAPI makes it
    if summary and not (more and (says_the_name or more.lower().startswith(summary.rstrip(".").lower()))):
        more = f"{summary.rstrip('.')}. {more}".strip()
    if outline.raw.get("deprecated") is True:
        more = f"Deprecated. {more}".strip()
    return short(more, _LONGEST_DESCRIPTION) or f"{outline.method.upper()} {outline.path}"


def _check_template(path: str) -> None:
    segments = path.split("/")
    if (
        not path.startswith("/")
        or path.startswith("//")
        or {".", ".."} & set(segments)
        or re.search(r"[?#\\%\s]", path)
    ):
        raise Unusable(f"{short(path, 100)!r} is no path")


def _check_servers(outline: Outline, references: References) -> None:
    """An operation that lives on another server would be called where it is not."""

    def first(servers: Any) -> Any:
        return servers[0].get("url") if isinstance(servers, list) and servers and isinstance(servers[0], dict) else None

    own = first(outline.raw.get("servers")) or first(outline.item.get("servers"))
    if own is not None and own != first(references.document.get("servers")):
        raise Unusable(f"it goes to a server of its own, {short(own, 200)}: take it from a document of its own")


def _parameters(outline: Outline, references: References) -> list[Schema]:
    """Those of the path and the operation; of two with the same name and place the operation's counts."""
    found: dict[tuple[str, str], Schema] = {}
    for holder in (outline.item, outline.raw):
        listed = holder.get("parameters") or []
        if not isinstance(listed, list):
            raise Unusable("its parameters are no list")
        for raw in listed:
            parameter = references.follow(raw, "a parameter")
            name, place = parameter.get("name"), parameter.get("in")
            if not isinstance(name, str) or not name or not isinstance(place, str) or place not in _STYLES:
                raise Unusable(f"the parameter {short(name, 60)!r} is in {short(place, 60)!r}: no place that is known")
            if not (place == "header" and name.lower() in _NOT_A_MODELS):
                found[place, name] = parameter
    template = re.findall(r"{([^{}]*)}", outline.path)
    if not all(template):
        raise Unusable("its path has a parameter without a name")
    for name in template:  # a parameter that only the path mentions is still one
        found.setdefault(("path", name), {"name": name, "in": "path", "schema": {"type": "string"}})
    order = list(_STYLES)
    kept = (item for item in found.items() if item[0][0] != "path" or item[0][1] in template)
    return [parameter for _, parameter in sorted(kept, key=lambda item: order.index(item[0][0]))]


def _field(raw: Schema) -> Field:
    place: Place = raw["in"]
    if "schema" not in raw and raw.get("content"):
        if not all("json" in str(kind) for kind in raw["content"]):
            raise Unusable(
                f"the parameter {short(raw['name'], 60)!r} is written as {short(next(iter(raw['content'])), 60)}"
            )
        return Field(place, raw["name"])
    style = str(raw.get("style") or ("form" if place in ("query", "cookie") else "simple"))
    if style not in _STYLES[place]:
        raise Unusable(
            f"the parameter {short(raw['name'], 60)!r} has the style {short(style, 60)!r}, which is not known"
        )
    explode = raw.get("explode")
    exploded = explode if isinstance(explode, bool) else style in ("form", "deepObject")
    return Field(place, raw["name"], style=style, explode=exploded)


def _parameter_schema(raw: Schema, translation: Translation) -> Schema:
    content: Schema = next(iter((raw.get("content") or {}).values()), {})
    schema = translation.schema(raw.get("schema", content.get("schema", {})), raw["name"])
    if description := short(raw.get("description")):
        schema = {**schema, "description": description}
    return {**schema, "examples": [raw["example"]]} if "example" in raw else schema


def _free_name(field: Field, taken: dict[str, Schema]) -> str:
    """Its own name, with its place before it if another has that, numbered if that is taken too."""
    used = {name.casefold() for name in taken}
    wire = field.wire or "body"
    for name in (safe_name(wire), safe_name(f"{field.place}_{wire}")):
        if name.casefold() not in used:
            return name
    number = 2
    while (numbered := f"{name[: LONGEST - 4]}_{number}").casefold() in used:
        number += 1
    return numbered


def _check_plain(parameters: Schema) -> None:
    try:
        json.dumps(parameters, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise Unusable("its parameters hold a number that is not finite") from error

"""From flat arguments to a request, which never leaves the base."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx2

from tierwise_tools.errors import ToolError
from tierwise_tools.openapi.base import BaseUrl, has_dots
from tierwise_tools.openapi.operation import Field, Operation
from tierwise_tools.openapi.styles import encoded, pairs, plain, simple
from tierwise_tools.text import first_line

Upload = tuple[str, tuple[str | None, str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """All of a request but the key.

    Attributes:
        method: in capitals.
        url: absolute.
        headers: of the operation, and ``Content-Type`` if the body's is ours to say.
        content: the body, unless it has ``uploads``.
        uploads: the parts of a multipart body: ``(name, (file name or None, text, media type))``.
    """

    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None = None
    uploads: tuple[Upload, ...] = ()


def make_request(operation: Operation, arguments: dict[str, Any], base: BaseUrl) -> Request:
    """Put each argument in its place.

    Args:
        operation: what is called.
        arguments: by the tool's names; they fit its schema.
        base: where it goes.

    Raises:
        ToolError: if an argument cannot be sent, with the reason.
    """
    given = [(field, arguments[field.name]) for field in operation.fields if field.name in arguments]
    path = _path(operation, {field.wire: (field, value) for field, value in given if field.place == "path"})
    query = [pair for field, value in given if field.place == "query" for pair in _pairs(field, value)]
    url = f"{base}{path}" + ("?" + "&".join(map("=".join, query)) if query else "")
    try:
        inside = base.holds(httpx2.URL(url))
    except httpx2.InvalidURL as error:
        raise ToolError(f"the arguments give no usable address: {first_line(error)}") from error
    if not inside:
        raise ToolError(f"{operation.name} would leave {base}: correct what goes into its path")
    headers = {
        field.wire: _header(field, value) for field, value in given if field.place == "header" and value is not None
    }
    cookies = [pair for field, value in given if field.place == "cookie" for pair in _pairs(field, value)]
    if cookies:
        headers["Cookie"] = "; ".join(map("=".join, cookies))
    return _with_body(operation, [one for one in given if one[0].place == "body"], url, headers)


def _path(operation: Operation, given: dict[str, tuple[Field, Any]]) -> str:
    def fill(match: re.Match[str]) -> str:
        field, value = given[match[1]]
        text = simple(value, explode=field.explode)
        if not text:
            raise ToolError(f"{field.name} is empty, and it is a part of the path: give one")
        if has_dots(text) or re.search(r"[\x00-\x1f\x7f]", text):
            raise ToolError(f"{field.name} may not hold '.' or '..' as a step of a path, nor control characters")
        return simple(value, explode=field.explode, write=encoded)

    pieces = re.split(r"({[^{}]*})", operation.path)
    filled = (re.sub(r"{([^{}]*)}", fill, piece) if piece.startswith("{") else encoded_path(piece) for piece in pieces)
    return "".join(filled)


def encoded_path(text: str) -> str:
    """A fixed part of a path, encoded but for its slashes and what may stand between them."""
    return "/".join("".join(c if c in ":@!$&'()*+,;=" else encoded(c) for c in part) for part in text.split("/"))


def _pairs(field: Field, value: Any) -> Iterator[tuple[str, str]]:
    return pairs(field.wire, value, style=field.style, explode=field.explode)


def _header(field: Field, value: Any) -> str:
    text = plain(value) if field.style == "json" else simple(value, explode=field.explode)
    if not re.fullmatch(r"[\x20-\x7e]*", text):
        raise ToolError(f"{field.name} goes into a header: use plain ASCII without line breaks")
    return text


def _with_body(operation: Operation, given: list[tuple[Field, Any]], url: str, headers: dict[str, str]) -> Request:
    method, kind = operation.method, operation.body
    if kind is None or not (given or operation.body_required):
        return Request(method, url, headers)
    if kind == "multipart":
        return Request(method, url, headers, uploads=tuple(_uploads(given)))
    headers = {**headers, "Content-Type": operation.media_type}
    if kind == "form":
        content = "&".join("=".join(pair) for field, value in given for pair in _pairs(field, value))
    elif kind == "text":
        content = plain(given[0][1]) if given else ""
    else:
        whole = given[0][1] if given and not given[0][0].wire else {field.wire: value for field, value in given}
        content = json.dumps(whole, separators=(",", ":"))
    return Request(method, url, headers, content.encode())


def _uploads(given: list[tuple[Field, Any]]) -> Iterator[Upload]:
    for field, value in given:
        if value is None:
            continue
        if field.is_file:
            for text in value if isinstance(value, list) else [value]:
                yield field.wire, (f"{field.wire}.txt", plain(text), "text/plain; charset=utf-8")
        elif field.style == "json" and isinstance(value, list | dict):
            yield field.wire, (None, plain(value), "application/json")
        else:
            for name, text in _pairs(field, value):
                yield unquote(name), (None, unquote(text), "text/plain; charset=utf-8")

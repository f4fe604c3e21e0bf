"""How a value is written in a path, query, header, cookie or form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from tierwise_tools.text import whole_characters

_BETWEEN = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}


def plain(value: Any) -> str:
    """One value as text: ``true``, ``3`` for 3.0, and JSON for what has parts."""
    if isinstance(value, str):
        return whole_characters(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def encoded(value: Any) -> str:
    """One value percent-encoded, everything but letters, digits and ``_.-~``."""
    return quote(plain(value), safe="")


def simple(value: Any, *, explode: bool, write: Callable[[Any], str] = plain) -> str:
    """Style ``simple``: ``a,b`` for a list, ``k,v`` or (exploded) ``k=v`` for an object."""
    if isinstance(value, list):
        return ",".join(map(write, value))
    if isinstance(value, dict):
        return ",".join(f"{write(key)}{'=' if explode else ','}{write(part)}" for key, part in value.items())
    return write(value)


def pairs(name: str, value: Any, *, style: str, explode: bool) -> Iterator[tuple[str, str]]:
    """Names and values of one parameter in a query, cookie or form, both encoded; ``null`` is left out.

    Args:
        name: what the API calls it.
        value: a JSON value.
        style: see :class:`tierwise_tools.openapi.operation.Field`.
        explode: each item or property by itself.
    """
    if value is None:
        return
    if style == "json" or not isinstance(value, list | dict):
        yield encoded(name), encoded(value)
    elif style == "deepObject":
        yield from _deep(name, value)
    elif isinstance(value, list):
        if explode:
            yield from ((encoded(name), encoded(item)) for item in value)
        elif value:
            yield encoded(name), _BETWEEN.get(style, ",").join(map(encoded, value))
    elif explode and style == "form":
        yield from ((encoded(key), encoded(part)) for key, part in value.items() if part is not None)
    elif value:
        between = _BETWEEN.get(style, ",")
        yield encoded(name), between.join(text for pair in value.items() for text in map(encoded, pair))


def _deep(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _deep(f"{name}[{key}]", part)
    elif isinstance(value, list):
        for item in value:
            yield from _deep(name if not isinstance(item, dict | list) else f"{name}[]", item)
    elif value is not None:
        yield encoded(name), encoded(value)

"""Tools from an OpenAPI 3.x document.

::

    reading      a file, JSON or YAML, to data          references   what a $ref points at
    schemas      schemas to JSON Schema 2020-12         outline      which operations there are
    naming       their short names                      choosing     which of them are offered
    building     an operation to flat parameters        bodies       the same for the body alone
    base         the one place that requests go to      keys         where the key goes, and hiding it
    styles       how a value is written                 request      arguments to a request
    calling      sending it, within bounds              answer       what a model reads of the reply
    source       all of it together

The names below are loaded when they are used: configuration needs :class:`ApiDocument` and nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tierwise_tools.openapi.settings import ApiDocument

if TYPE_CHECKING:
    from tierwise_tools.openapi.operation import Operation
    from tierwise_tools.openapi.source import Api, OpenApiSource, read_api

__all__ = ["Api", "ApiDocument", "OpenApiSource", "Operation", "read_api"]

_HOME = {"Api": "source", "OpenApiSource": "source", "Operation": "operation", "read_api": "source"}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _HOME:
        return getattr(import_module(f"tierwise_tools.openapi.{_HOME[name]}"), name)
    raise AttributeError(f"module 'tierwise_tools.openapi' has no attribute {name!r}")

"""An OpenAPI document as a source of tools."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ApiDocument:
    """One OpenAPI 3.x document.

    Attributes:
        name: what configuration calls it; its tools are ``NAME_OPERATION``.
        path: the document, JSON or YAML; a file, read when the tools are opened.
        base_url: where requests go; by default the document's first server. Pinned: no operation, server variable or
            redirect leads anywhere else.
        include: operations to offer: ids or tool names with ``*``, paths with ``*`` (one segment) and ``**`` (any
            number, none too), ``GET /path``, or ``tag:NAME``; empty offers all.
        exclude: operations not to offer, in the same forms.
        key_env: name of the environment variable that holds the key, token or ``user:password``.
        seconds: how long one call may take.
    """

    name: str
    path: Path
    base_url: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    key_env: str | None = None
    seconds: float = 30.0

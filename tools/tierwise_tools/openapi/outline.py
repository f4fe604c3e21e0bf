"""What operations a document has, before any of them is read in full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tierwise_tools.openapi.naming import operation_names
from tierwise_tools.openapi.references import References, Unusable
from tierwise_tools.toolset import Problem

_METHODS = ("get", "head", "post", "put", "patch", "delete")  # OPTIONS and TRACE are not for a model to call


@dataclass(frozen=True, slots=True)
class Outline:
    """One operation as it stands in the document.

    Attributes:
        name: of the tool it becomes.
        id: its ``operationId``, or empty.
        method: in lower case.
        path: the template.
        tags: as the document groups it.
        item: the path's object, which holds what its operations share.
        raw: the operation's object.
    """

    name: str
    id: str
    method: str
    path: str
    tags: tuple[str, ...]
    item: dict[str, Any]
    raw: dict[str, Any]


def outlines_of(references: References, source: str) -> tuple[tuple[Outline, ...], tuple[Problem, ...]]:
    """Every operation of the document, and the paths and operations that are none.

    Args:
        references: of the document.
        source: what configuration calls it.
    """
    found: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = []
    problems = []
    for path, raw in references.document["paths"].items():
        if str(path).startswith("x-"):
            continue
        try:
            item = references.follow(raw, "a path")
        except Unusable as error:
            problems.append(Problem(str(path), f"It is left out: {error}."))
            continue
        for method in (method for method in _METHODS if method in item):
            if isinstance(item[method], dict):
                found.append((method, str(path), item, item[method]))
            else:
                problems.append(Problem(f"{method.upper()} {path}", "It is left out: it is no object."))
    ids = [str(raw.get("operationId") or "").strip() for *_, raw in found]
    named = [(method, path, id) for (method, path, *_), id in zip(found, ids, strict=True)]
    names = operation_names(source, named)
    outlines = (
        Outline(names[method, path], id, method, path, _tags(raw), item, raw)
        for (method, path, item, raw), id in zip(found, ids, strict=True)
    )
    return tuple(outlines), tuple(problems)


def _tags(raw: dict[str, Any]) -> tuple[str, ...]:
    tags = raw.get("tags")
    return tuple(map(str, tags)) if isinstance(tags, list) else ()

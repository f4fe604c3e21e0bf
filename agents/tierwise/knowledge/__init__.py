"""Documents to passages, and passages for a question. Names load on first use: importing this package is free."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tierwise.knowledge.base import Retriever
    from tierwise.knowledge.knowledge import Knowledge
    from tierwise.knowledge.report import Collection, IngestProgress, IngestReport, Source, SourceReport
    from tierwise.knowledge.search.order import RELEVANCE_FLOOR

_WHERE = {
    "Collection": "report",
    "IngestProgress": "report",
    "IngestReport": "report",
    "Knowledge": "knowledge",
    "RELEVANCE_FLOOR": "search.order",
    "Retriever": "base",
    "Source": "report",
    "SourceReport": "report",
}

__all__ = [
    "RELEVANCE_FLOOR",
    "Collection",
    "IngestProgress",
    "IngestReport",
    "Knowledge",
    "Retriever",
    "Source",
    "SourceReport",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)

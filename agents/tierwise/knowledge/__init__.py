"""Documents to passages, and passages for a question. Names load on first use: importing this package is free."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tierwise.knowledge.base import Retriever
    from tierwise.knowledge.comparing.compare import compare
    from tierwise.knowledge.comparing.figures import Comparison
    from tierwise.knowledge.comparing.questions import read_questions
    from tierwise.knowledge.document import Kind
    from tierwise.knowledge.ingest.writing import check_collection_name
    from tierwise.knowledge.knowledge import Knowledge
    from tierwise.knowledge.reading.documents import MAX_BYTES
    from tierwise.knowledge.reading.process import reading_isolation
    from tierwise.knowledge.report import Collection, Failure, IngestProgress, IngestReport, Source, SourceReport
    from tierwise.knowledge.search.filters import Filter
    from tierwise.knowledge.search.matching import matching_words
    from tierwise.knowledge.search.order import relevance_floor
    from tierwise.knowledge.sources import (
        Connector,
        ConnectorItem,
        ConnectorOrigin,
        ConnectorReport,
        Cursor,
        CursorExpired,
        Deleted,
        Origin,
        changes_below,
        check_connector,
        follows_files,
        installed_connectors,
        open_origins,
    )

_WHERE = {
    "Collection": "report",
    "Comparison": "comparing.figures",
    "Connector": "sources",
    "ConnectorItem": "sources",
    "ConnectorOrigin": "sources",
    "ConnectorReport": "sources",
    "Cursor": "sources",
    "CursorExpired": "sources",
    "Deleted": "sources",
    "Failure": "report",
    "Filter": "search.filters",
    "IngestProgress": "report",
    "IngestReport": "report",
    "Kind": "document",
    "Knowledge": "knowledge",
    "MAX_BYTES": "reading.documents",
    "Origin": "sources",
    "Retriever": "base",
    "Source": "report",
    "SourceReport": "report",
    "changes_below": "sources",
    "check_collection_name": "ingest.writing",
    "check_connector": "sources",
    "compare": "comparing.compare",
    "follows_files": "sources",
    "installed_connectors": "sources",
    "matching_words": "search.matching",
    "open_origins": "sources",
    "read_questions": "comparing.questions",
    "reading_isolation": "reading.process",
    "relevance_floor": "search.order",
}

__all__ = [
    "MAX_BYTES",
    "Collection",
    "Comparison",
    "Connector",
    "ConnectorItem",
    "ConnectorOrigin",
    "ConnectorReport",
    "Cursor",
    "CursorExpired",
    "Deleted",
    "Failure",
    "Filter",
    "IngestProgress",
    "IngestReport",
    "Kind",
    "Knowledge",
    "Origin",
    "Retriever",
    "Source",
    "SourceReport",
    "changes_below",
    "check_collection_name",
    "check_connector",
    "compare",
    "follows_files",
    "installed_connectors",
    "matching_words",
    "open_origins",
    "read_questions",
    "reading_isolation",
    "relevance_floor",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)

"""Where documents come from: files and folders, Git work trees, web pages, connectors. Names load on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tierwise.knowledge.sources.checking import ConnectorReport, check_connector
    from tierwise.knowledge.sources.connector import Connector, ConnectorItem, CursorExpired, Deleted, MakeConnector
    from tierwise.knowledge.sources.crawl import ConnectorOrigin
    from tierwise.knowledge.sources.item import Change, Cursor, Gone, Item, Origin, Trouble
    from tierwise.knowledge.sources.opening import open_origins
    from tierwise.knowledge.sources.packages import installed_connectors
    from tierwise.knowledge.sources.watching import changes_below, follows_files

_WHERE = {
    "Change": "item",
    "Connector": "connector",
    "ConnectorItem": "connector",
    "ConnectorOrigin": "crawl",
    "ConnectorReport": "checking",
    "Cursor": "item",
    "CursorExpired": "connector",
    "Deleted": "connector",
    "Gone": "item",
    "Item": "item",
    "MakeConnector": "connector",
    "Origin": "item",
    "Trouble": "item",
    "changes_below": "watching",
    "follows_files": "watching",
    "check_connector": "checking",
    "installed_connectors": "packages",
    "open_origins": "opening",
}

__all__ = [
    "Change",
    "Connector",
    "ConnectorItem",
    "ConnectorOrigin",
    "ConnectorReport",
    "Cursor",
    "CursorExpired",
    "Deleted",
    "Gone",
    "Item",
    "MakeConnector",
    "Origin",
    "Trouble",
    "changes_below",
    "check_connector",
    "follows_files",
    "installed_connectors",
    "open_origins",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)

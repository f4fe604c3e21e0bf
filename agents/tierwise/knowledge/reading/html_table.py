"""Tables of web pages: rows of text, if they are tables and not a way to lay out a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_LAYOUT = frozenset({"article", "dl", "form", "h1", "h2", "h3", "h4", "main", "nav", "pre", "section", "table"})
_MOST_NODES = 200_000
_MOST_SPAN = 200
_MOST_CHARS = 2_000_000  # of what cells that span rows repeat


@dataclass(frozen=True, slots=True)
class Table:
    """A table's text.

    Attributes:
        caption: its own title.
        head: the names of its columns, as they stand in its first row.
        rows: a line each, cells joined by `` | ``; the head is the first, if there is one.
    """

    caption: str
    head: str | None
    rows: tuple[str, ...]


def data_table(table: LexborNode, text_of: Callable[[LexborNode], str]) -> Table | None:
    """A table of data as rows of text; ``None`` for one that lays out a page, or has a single column.

    Args:
        table: the element.
        text_of: the text of a cell or caption, on one line.
    """
    found = _rows(table)
    if found is None:
        return None
    caption, rows = found
    cells = [[cell for cell in _children(row) if cell.tag in ("td", "th")] for row in rows]
    if max(map(len, cells), default=0) < 2:
        return None
    texts = _texts(cells, text_of)
    lines = [" | ".join(row).rstrip(" |").lstrip() for row in texts]
    first = cells[0]
    named = len(lines) > 1 and all(cell.tag == "th" for cell in first) and sum(map(bool, texts[0])) > 1
    kept = tuple(line for line in lines if line.strip(" |"))
    head = lines[0] if named and lines[0] else None
    return Table(text_of(caption) if caption is not None else "", head, kept)


def _rows(table: LexborNode) -> tuple[LexborNode | None, list[LexborNode]] | None:
    """The caption and the rows, or ``None`` if something in the table says that it is layout."""
    caption, rows = None, []
    stack, count = list(reversed(_children(table))), 0
    while stack:
        node = stack.pop()
        count += 1
        if node.tag in _LAYOUT or count > _MOST_NODES:
            return None
        if node.tag == "tr":
            rows.append(node)
        elif node.tag == "caption":
            caption = node
        stack.extend(reversed(_children(node)))
    return caption, rows


def _texts(cells: list[list[LexborNode]], text_of: Callable[[LexborNode], str]) -> list[list[str]]:
    """The grid of texts; a cell that spans rows stands in each of them, so that each can be read by itself."""
    grid: list[list[str]] = []
    below: dict[int, tuple[int, str]] = {}  # column: how many rows more, and what stands there
    repeated = 0
    for row in cells:
        texts: list[str] = []
        waiting = list(reversed(row))
        while waiting or len(texts) in below:
            column = len(texts)
            if column in below:
                more, text = below.pop(column)
                if more > 1:
                    below[column] = (more - 1, text)
                repeated += len(text)
                texts.append(text if repeated < _MOST_CHARS else "")
                continue
            cell = waiting.pop()
            text = text_of(cell)
            if (rows := _span(cell, "rowspan")) > 1:
                below[column] = (rows - 1, text)
            texts += [text, *[""] * (_span(cell, "colspan") - 1)]
        grid.append(texts)
    return grid


def _span(cell: LexborNode, name: str) -> int:
    value = cell.attributes.get(name) or ""
    return max(1, min(_MOST_SPAN, int(value))) if value.isascii() and value.isdigit() and len(value) < 9 else 1


def _children(node: LexborNode) -> list[LexborNode]:
    children, child = [], node.child
    while child is not None:
        if child.is_element_node:
            children.append(child)
        child = child.next
    return children

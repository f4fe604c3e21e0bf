"""Writes the text of a page part by part, and keeps where its headings, lists, listings and tables are."""

from __future__ import annotations

from tierwise.knowledge.document import Block, BlockKind, Heading, Page


class Flow:
    """The text of one page as it grows. Parts stand a blank line apart, items of a list and ``close`` parts do not."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[Heading] = []
        self._blocks: list[Block] = []
        self._in_list = False

    def heading(self, text: str, level: int) -> None:
        """A heading on a line of its own; level 1 is the highest."""
        start, end = self._add(text, close=False)
        self._headings.append(Heading(start, end, level, " ".join(text.split())))

    def paragraph(self, text: str, *, close: bool = False) -> None:
        """Prose."""
        self._add(text, close=close)

    def item(self, text: str) -> None:
        """An item of a list, with its bullet or number; items that follow each other are one list."""
        goes_on = self._in_list
        start, end = self._add(text, close=goes_on)
        if goes_on:
            start = self._blocks.pop().start
        self._blocks.append(Block(start, end, "list"))
        self._in_list = True

    def block(self, text: str, kind: BlockKind, head: str | None = None) -> None:
        """A listing, or a table by its lines."""
        start, end = self._add(text, close=False)
        self._blocks.append(Block(start, end, kind, head))

    def page(self, number: int | None) -> Page:
        """What was written."""
        return Page(number, "".join(self._parts), tuple(self._headings), tuple(self._blocks))

    def _add(self, text: str, *, close: bool) -> tuple[int, int]:
        if self._length:
            gap = "\n" if close else "\n\n"
            self._parts.append(gap)
            self._length += len(gap)
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        self._in_list = False
        return start, self._length

"""Paragraphs and tables to the text of a page."""

from __future__ import annotations

from collections.abc import Sequence

from tierwise.knowledge.document import Page
from tierwise.knowledge.reading.flow import Flow
from tierwise.knowledge.reading.grid import head_of, line
from tierwise.knowledge.reading.pdf.headings import Headings
from tierwise.knowledge.reading.pdf.prose import Paragraph
from tierwise.knowledge.reading.pdf.ruled import Table

_SAME_PLACE = 0.8  # of its width, for a table that goes on over the page


class Writer:
    """Writes pages in their order: a table may go on from one to the next."""

    def __init__(self, headings: Headings) -> None:
        self._headings = headings
        self._open: tuple[Table, str | None] | None = None  # the table that ended the page before, and its head

    def page(self, number: int, parts: Sequence[Paragraph | Table]) -> Page:
        """The page with its headings and blocks."""
        flow = Flow()
        before: Paragraph | Table | None = None
        last: tuple[Table, str | None] | None = None
        for part in parts:
            if isinstance(part, Table):
                head = self._head(part, first=before is None)
                flow.block("\n".join(map(line, part.rows)), "table", head)
                last = part, head
            elif (level := self._headings.level(number, part)) is not None:
                flow.heading(part.text, level)
            elif part.kind == "item":
                flow.item(part.text)
            elif part.kind == "code" and part.lines > 1:  # a single line is a name or a command within prose
                flow.block(part.text, "code")
            else:
                flow.paragraph(part.text, close=part.tight)
            before = part
        self._open = last if isinstance(before, Table) else None
        return flow.page(number)

    def _head(self, table: Table, *, first: bool) -> str | None:
        own = head_of(table.rows, table.marked)
        if not first or self._open is None or table.marked:
            return own
        above, head = self._open
        shared = min(above.x1, table.x1) - max(above.x0, table.x0)
        goes_on = len(above.rows[0]) == len(table.rows[0]) and shared > _SAME_PLACE * (table.x1 - table.x0)
        return head if goes_on else own

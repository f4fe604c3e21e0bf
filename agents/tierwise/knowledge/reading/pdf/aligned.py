"""Tables without lines: rows that leave the same gaps free."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tierwise.knowledge.reading.grid import tidy
from tierwise.knowledge.reading.pdf.lines import GAP, Line
from tierwise.knowledge.reading.pdf.ruled import Table, bold_head, cells_of, goes_on

LABEL = re.compile(
    r"[\u2022\u2023\u25aa\u25cf\u25e6\u2013\u2014*\u00b7\uf0b7-]|\(?[\divxIVX]{1,4}[.)]|\(?[a-zA-Z][.)]|\[\w{1,6}\]"
)

_MIN_ROWS = 3
_FLUSH = 1.0  # points by which the edges of a column may differ
_FLUSH_ROWS = 6  # fewer may have a space at one place by chance


@dataclass
class Run:
    """Rows that may be a table: they leave the same gaps free."""

    rows: list[list[Line]]
    spans: list[tuple[float, float]]

    def takes(self, row: list[Line]) -> bool:
        """Add the row if the columns stay apart."""
        last = self.rows[-1][0]
        if row[0].y - last.y > 3 * last.size or any(line.mono for line in row):
            return False
        spans = _union([*self.spans, *((line.x0, line.x1) for line in row)], GAP * last.size)
        if len(spans) < max(2, len(self.spans)):
            return False
        if len(row) == 1 and row[0].x0 < self.spans[0][1]:  # a line in the first column alone is the text that follows
            return False
        self.rows.append(row)
        self.spans = spans
        return True

    def table(self, above: Line | None) -> tuple[Table, bool] | None:
        """The table, and whether its head is the line above it, which has no gaps itself."""
        full = [row for row in self.rows if len(row) > 1]
        if len(full) < _MIN_ROWS or all(LABEL.fullmatch(row[0].text) for row in full):
            return None
        if any(_is_justified(row) for row in full):
            return None
        spans = [part for span in self.spans for part in _parted(span, self.rows)]
        head = above is not None and _heads(above, spans, full[0][0])
        lines = [[Line((word,)) for word in above.words]] if above is not None and head else []
        lines += self.rows if len(spans) == len(self.spans) else [_words(row) for row in self.rows]
        rows: list[list[str]] = []
        for row in lines:
            cells = cells_of(row, spans)
            if len(rows) > head and goes_on(cells):
                rows[-1] = [" ".join(filter(None, pair)) for pair in zip(rows[-1], cells, strict=True)]
            else:
                rows.append(cells)
        flat = [line for row in lines for line in row]
        table = Table(
            min(line.x0 for line in flat),
            max(line.x1 for line in flat),
            min(line.top for line in flat),
            max(line.bottom for line in flat),
            tuple(map(tuple, tidy(rows))),
            bold_head([word for line in flat for word in line.words]),
        )
        return table, head


def _is_justified(row: Sequence[Line]) -> bool:
    """Whether the gaps of a row are stretched spaces: those within its pieces are hardly smaller."""
    between = min(b.x0 - a.x1 for a, b in pairwise(row))
    within = max((b.x0 - a.x1 for line in row for a, b in pairwise(line.words)), default=0.0)
    return between < 1.5 * within


def _words(row: Sequence[Line]) -> list[Line]:
    return [Line((word,)) for line in row for word in line.words]


def _parted(span: tuple[float, float], rows: Sequence[Sequence[Line]]) -> list[tuple[float, float]]:
    """A column as two, if in each row one word ends and the next begins at the same places: they only stand close."""
    inside = [[w for line in row for w in line.words if span[0] - 1 < w.x0 and w.x1 < span[1] + 1] for row in rows]
    if len(inside) < _FLUSH_ROWS or min(map(len, inside)) < 2:
        return [span]
    for before, word in pairwise(inside[0]):
        if all(
            any(abs(a.x1 - before.x1) < _FLUSH and abs(b.x0 - word.x0) < _FLUSH for a, b in pairwise(row))
            for row in inside
        ):
            return [(span[0], before.x1), (word.x0, span[1])]
    return [span]


def _heads(line: Line, spans: Sequence[tuple[float, float]], first: Line) -> bool:
    """Whether the words of a line stand over the columns, one over each."""
    return (
        len(line.words) == len(spans)
        and 0 < first.y - line.y < 3 * first.size
        and all(
            w.x0 < end + line.size and w.x1 > start - line.size
            for w, (start, end) in zip(line.words, spans, strict=True)
        )
    )


def _union(spans: list[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    """Overlapping spans, and those nearer than ``gap``, as one."""
    found: list[tuple[float, float]] = []
    for a, b in sorted(spans):
        if found and a < found[-1][1] + gap:
            found[-1] = (found[-1][0], max(found[-1][1], b))
        else:
            found.append((a, b))
    return found

"""What is drawn on a page beside letters: the edges of shapes, which may rule a table, and pictures."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

from tierwise.knowledge.reading.pdf.frame import SAME, Box, Matrix, applied, mapped, times, turned
from tierwise.knowledge.reading.pdf.sheet import Rule

MAX_SHAPES = 20_000
MAX_OBJECTS = 100_000
MAX_DEPTH = 6  # of drawings within drawings

_THIN = 2.5  # points: a narrower box is a line


class Shapes:
    """Looks through the objects of one page.

    Attributes:
        edges: straight edges of shapes, as boxes without width or height, in the page's own frame.
        pictures: where they are.
        count: of the shapes.
    """

    def __init__(self, raw: Any, page: Any) -> None:
        self._raw, self._page = raw, page
        self.pictures: list[Box] = []
        self.count = 0
        self.edges = list(self._edges())

    def rules(self, turn: int, left: float, top: float) -> tuple[Rule, ...]:
        """Edges long enough to be lines, in the frame that is upright after so many quarter turns."""
        return () if self.count > MAX_SHAPES else tuple(_rules(self.edges, turn, left, top))

    def _edges(self) -> Iterator[Box]:
        raw = self._raw
        todo = [
            (raw.FPDFPage_GetObject(self._page, i), SAME, 0)
            for i in range(min(raw.FPDFPage_CountObjects(self._page), MAX_OBJECTS))
        ]
        while todo and self.count <= MAX_SHAPES:
            shape, outer, depth = todo.pop()
            kind = raw.FPDFPageObj_GetType(shape)
            if kind == raw.FPDF_PAGEOBJ_FORM and depth < MAX_DEPTH:
                inner = times(self._matrix(shape), outer)
                todo += [
                    (raw.FPDFFormObj_GetObject(shape, i), inner, depth + 1)
                    for i in range(min(raw.FPDFFormObj_CountObjects(shape), MAX_SHAPES))
                ]
            elif kind == raw.FPDF_PAGEOBJ_IMAGE:
                l, b, r, t = (ctypes.c_float() for _ in range(4))  # noqa: E741
                if raw.FPDFPageObj_GetBounds(shape, l, b, r, t):
                    self.pictures.append(mapped((l.value, b.value, r.value, t.value), outer))
            elif kind == raw.FPDF_PAGEOBJ_PATH:
                self.count += 1
                yield from self._path(shape, times(self._matrix(shape), outer))

    def _matrix(self, shape: Any) -> Matrix:
        m = self._raw.FS_MATRIX()
        self._raw.FPDFPageObj_GetMatrix(shape, m)
        return m.a, m.b, m.c, m.d, m.e, m.f

    def _path(self, shape: Any, matrix: Matrix) -> Iterator[Box]:
        raw = self._raw
        x, y = ctypes.c_float(), ctypes.c_float()
        start = last = (0.0, 0.0)
        for i in range(min(raw.FPDFPath_CountSegments(shape), 500)):
            segment = raw.FPDFPath_GetPathSegment(shape, i)
            raw.FPDFPathSegment_GetPoint(segment, x, y)
            point = applied(matrix, x.value, y.value)
            kind = raw.FPDFPathSegment_GetType(segment)
            if kind == raw.FPDF_SEGMENT_MOVETO:
                start = point
            elif kind == raw.FPDF_SEGMENT_LINETO:
                yield from _edge(last, point)
            last = point
            if raw.FPDFPathSegment_GetClose(segment):
                yield from _edge(last, start)
                last = start


def _edge(a: tuple[float, float], b: tuple[float, float]) -> Iterator[Box]:
    box = (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
    if min(box[2] - box[0], box[3] - box[1]) < 0.5:
        yield box


def _rules(edges: list[Box], turn: int, left: float, top: float) -> Iterator[Rule]:
    # The short sides of a thin box, which draws a line, fall away.
    for edge in edges:
        x0, y0, x1, y1 = turned(edge, turn)
        if max(x1 - x0, y1 - y0) <= _THIN:
            continue
        if x1 - x0 > y1 - y0:
            yield Rule(True, top - (y0 + y1) / 2, x0 - left, x1 - left)
        else:
            yield Rule(False, (x0 + x1) / 2 - left, top - y1, top - y0)

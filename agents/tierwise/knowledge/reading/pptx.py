"""Presentations: a page a slide, its title first, then its shapes from top to bottom, then the speaker's notes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.flow import Flow
from tierwise.knowledge.reading.grid import head_of, line, tidy
from tierwise.knowledge.reading.listed import listed
from tierwise.knowledge.reading.problem import Unreadable, original_of
from tierwise.knowledge.reading.zips import check_zip

if TYPE_CHECKING:
    from pptx.slide import Slide

MAX_SLIDES = 2000
MAX_DEPTH = 20  # of groups in groups
MAX_POINTS = 1000  # of a chart
MAX_SERIES = 50

_DEFAULT_TITLES = ("PowerPoint Presentation", "Slide 1")

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm"
_FIX = "Open it in a presentation program and save it as .pptx again."
_ROW = 180_000  # EMU, half a centimetre: shapes whose tops differ by less stand beside each other


def read_pptx(data: bytes, name: str) -> Document:
    """Read a presentation.

    Raises:
        Unreadable: if it is damaged, or no presentation.
    """
    import pptx
    from lxml.etree import XMLSyntaxError
    from pptx.exc import PackageNotFoundError

    check_zip(data)
    try:
        opened = pptx.Presentation(io.BytesIO(data))
        slides = list(opened.slides)
    except ValueError as error:  # what it says it is, is something else
        raise Unreadable(
            "It is no plain presentation: a show, or a template.", fix="Save it as .pptx.", original=original_of(error)
        ) from error
    except (PackageNotFoundError, XMLSyntaxError, KeyError) as error:
        raise Unreadable("It is a damaged presentation.", fix=_FIX, original=original_of(error)) from error
    warnings = []
    if len(slides) > MAX_SLIDES:
        warnings.append(
            f"Only its first {MAX_SLIDES:,} slides of {len(slides):,} were read: split it to have the rest."
        )
        del slides[MAX_SLIDES:]
    readers = [_Reader(slide) for slide in slides]
    pages = [reader.flow.page(number) for number, reader in enumerate(readers, 1)]
    numbered = list(zip(pages, slides, strict=True))
    if hidden := [page.number or 0 for page, slide in numbered if slide.element.get("show") in ("0", "false")]:
        warnings.append(f"{listed('Slide', hidden, 'is', 'are')} hidden in the show; read all the same.")
    if pictures := [page.number or 0 for page, slide in numbered if not page.text and _has_picture(slide)]:
        warnings.append(f"{listed('Slide', pictures, 'holds', 'hold')} pictures without text: they need OCR.")
    if unread := [number for number, reader in enumerate(readers, 1) if reader.unread]:
        warnings.append(f"{listed('Slide', unread, 'has a chart', 'have charts')} that could not be read.")
    title = " ".join((opened.core_properties.title or "").split())
    if not title or title in _DEFAULT_TITLES:
        title = next((h.title for page in pages[:1] for h in page.headings), "")
    return Document(name, title or None, tuple(pages), tuple(warnings), "pptx")


class _Reader:
    """Reads one slide."""

    def __init__(self, slide: Slide) -> None:
        from pptx.enum.shapes import PP_PLACEHOLDER

        self._slide = slide
        self._footers = {PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER}
        self._bulleted = {PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY}
        self.flow = Flow()
        self.unread = False  # whether a chart could not be read
        title = slide.shapes.title
        if title is not None and (text := " ".join(title.text_frame.text.split())):
            self.flow.heading(text, 1)
        self._shapes((s for s in slide.shapes if title is None or s.shape_id != title.shape_id), 0)
        frame = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
        if frame is not None and frame.text.strip():
            self.flow.paragraph(f"Notes: {_clean(frame.text)}")

    def _shapes(self, shapes: Iterable[Any], depth: int) -> None:
        for shape in sorted(shapes, key=_place):
            if hasattr(shape, "shapes"):
                if depth < MAX_DEPTH:
                    self._shapes(shape.shapes, depth + 1)
            elif shape.has_text_frame:
                self._frame(shape)
            elif getattr(shape, "has_table", False):
                self._table(shape.table)
            elif getattr(shape, "has_chart", False):
                try:
                    self._rows(_chart_rows(shape.chart), marked=True)
                except (ValueError, KeyError):  # of a kind that the library does not know, or its part is missing
                    self.unread = True
            else:
                self._diagram(shape)

    def _frame(self, shape: Any) -> None:
        kind = shape.placeholder_format.type if shape.is_placeholder else None
        if kind in self._footers:
            return
        paragraphs = [(p, _clean(p.text)) for p in shape.text_frame.paragraphs]
        paragraphs = [(p, text) for p, text in paragraphs if text]
        listing = kind in self._bulleted and len(paragraphs) > 1
        counts: dict[int, int] = {}
        for paragraph, text in paragraphs:
            properties = paragraph._p.find(f"{_A}pPr")
            marks = set() if properties is None else {child.tag.removeprefix(_A) for child in properties}
            indent = "  " * paragraph.level
            for deeper in [level for level in counts if level > paragraph.level]:
                del counts[deeper]
            if "buAutoNum" in marks:
                counts[paragraph.level] = n = counts.get(paragraph.level, 0) + 1
                self.flow.item(f"{indent}{n}. {text}")
            elif "buNone" not in marks and (listing or "buChar" in marks):
                self.flow.item(f"{indent}- {text}")
            else:
                self.flow.paragraph(text)

    def _table(self, table: Any) -> None:
        rows: list[list[str]] = []
        for row in table.rows:
            cells: list[str] = []
            for cell in row.cells:
                merged = cell._tc.get("vMerge") in ("1", "true")
                cells.append(rows[-1][len(cells)] if merged and rows else cell.text)
            rows.append(cells)
        self._rows(rows, marked=bool(table.first_row))

    def _rows(self, rows: list[list[str]], *, marked: bool) -> None:
        cleaned = tidy(rows)
        if cleaned:
            self.flow.block("\n".join(map(line, cleaned)), "table", head_of(cleaned, marked))

    def _diagram(self, shape: Any) -> None:
        """The texts of a SmartArt drawing, which is a part of its own."""
        from pptx.oxml import parse_xml

        for relation in shape.element.iter(_DIAGRAM):
            try:
                root = parse_xml(self._slide.part.related_part(relation.get(_RELATION)).blob)
            except KeyError:
                continue  # it names a part that is not there
            for paragraph in root.iter(f"{_A}p"):
                if text := _clean("".join(t.text or "" for t in paragraph.iter(f"{_A}t"))):
                    self.flow.item(f"- {text}")


def _chart_rows(chart: Any) -> list[list[str]]:
    """Categories by series, from what the slide itself keeps of a chart."""
    rows = []
    for plot in chart.plots:
        series = list(plot.series)[:MAX_SERIES]
        names = list(plot.categories)[:MAX_POINTS]
        values = [list(one.values)[:MAX_POINTS] for one in series]
        rows.append(["", *(one.name or "" for one in series)])
        for i in range(max(map(len, [names, *values]), default=0)):
            cells = [one[i] if i < len(one) else None for one in values]
            rows.append([str(names[i]) if i < len(names) else "", *("" if v is None else f"{v:.10g}" for v in cells)])
    return rows


def _place(shape: Any) -> tuple[int, int]:
    """From top to bottom, and from left to right what stands beside each other."""
    return round((shape.top or 0) / _ROW), shape.left or 0


def _has_picture(slide: Slide) -> bool:
    return next(slide.element.iter("{http://schemas.openxmlformats.org/presentationml/2006/main}pic"), None) is not None


def _clean(text: str) -> str:
    lines = (" ".join(part.split()) for part in text.replace("\v", "\n").split("\n"))
    return "\n".join(filter(None, lines))

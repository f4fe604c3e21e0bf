"""PDFium's view of a page, as a :class:`Sheet`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tierwise.knowledge.reading.pdf.frame import Box, share, turned
from tierwise.knowledge.reading.pdf.letters import MAX_LETTERS, Letters
from tierwise.knowledge.reading.pdf.shapes import Shapes
from tierwise.knowledge.reading.pdf.sheet import Sheet, Word

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument


def sheet(document: PdfDocument, index: int) -> Sheet:
    """Read the page at ``index`` (from 0).

    Raises:
        pypdfium2.PdfiumError: if the page cannot be loaded.
    """
    from pypdfium2 import raw

    page = document[index]
    try:
        if _has_fields(raw, page):
            # What was typed into a form's fields becomes part of the page, as if printed. No script runs.
            raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
            page.close()
            page = document[index]
        return _read(raw, page, index + 1)
    finally:
        page.close()


def attachments(document: PdfDocument) -> int:
    """How many files are attached."""
    from pypdfium2 import raw

    return max(0, int(raw.FPDFDoc_GetAttachmentCount(document)))


def _has_fields(raw: Any, page: Any) -> bool:
    for i in range(min(raw.FPDFPage_GetAnnotCount(page), 1000)):
        annotation = raw.FPDFPage_GetAnnot(page, i)
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        raw.FPDFPage_CloseAnnot(annotation)
        if kind in (raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT):
            return True
    return False


def _read(raw: Any, page: Any, number: int) -> Sheet:
    bounds = raw.FS_RECTF()
    raw.FPDF_GetPageBoundingBox(page, bounds)
    box: Box = (bounds.left, bounds.bottom, bounds.right, bounds.top)
    shapes = Shapes(raw, page)
    letters = Letters(raw, box, shapes.pictures)
    text = page.get_textpage()
    try:
        found = list(letters.words(text.raw, text.count_chars()))
        cut = text.count_chars() > MAX_LETTERS
    finally:
        text.close()
    turns: Counter[int] = Counter()
    for turn, word in found:
        if turn is not None:
            turns[turn] += len(word.text)
    up = max(turns, key=lambda turn: turns[turn], default=0)
    x0, y0, x1, y1 = turned(box, up)
    words: list[Word] = []
    slanted: list[str] = []
    line: tuple[int | None, float] | None = None
    for turn, word in found:
        if turn == up:
            words.append(Word(word.text, word.x0 - x0, word.x1 - x0, y1 - word.y, word.size, word.bold, word.mono))
        elif line is not None and line[0] == turn and abs(line[1] - word.y) < word.size / 2:
            slanted[-1] += f" {word.text}"
        else:
            slanted.append(word.text)
        line = None if turn == up else (turn, word.y)
    return Sheet(
        number=number,
        width=x1 - x0,
        height=y1 - y0,
        words=tuple(words),
        rules=shapes.rules(up, x0, y1),
        slanted=tuple(slanted),
        pictured=max((share(picture, box) for picture in shapes.pictures), default=0.0),
        drawings=shapes.count,
        letters=sum(turns.values()),
        unmapped=letters.unmapped,
        hidden=letters.hidden,
        cut=cut,
    )

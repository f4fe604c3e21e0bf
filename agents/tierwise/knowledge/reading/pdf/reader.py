"""PDF to pages of flowing text, with their headings, lists and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING

from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.listed import listed
from tierwise.knowledge.reading.pdf.furniture import without_furniture
from tierwise.knowledge.reading.pdf.headings import Bookmark, Headings, bookmark_key
from tierwise.knowledge.reading.pdf.lines import pieces
from tierwise.knowledge.reading.pdf.order import Part, in_order
from tierwise.knowledge.reading.pdf.pdfium import attachments, sheet
from tierwise.knowledge.reading.pdf.prose import Paragraph, Vocabulary, paragraphs
from tierwise.knowledge.reading.pdf.ruled import Table, ruled_tables
from tierwise.knowledge.reading.pdf.sheet import Sheet
from tierwise.knowledge.reading.pdf.writer import Writer
from tierwise.knowledge.reading.problem import Unreadable, original_of

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

MAX_PAGES = 2000
MAX_BOOKMARKS = 5000

_MARKS = 100  # of one page
_TOGETHER = 100  # pages whose words are held at once: enough to see what repeats
_PASSWORD, _SECURITY = 4, 5  # PDFium's numbers for what it cannot decrypt
_SCANNED = 0.3  # of the page: a picture, not a logo
_DRAWN = 200  # shapes: letters drawn as outlines
_UNMAPPED = 0.2  # of the letters of a page
_JUNK_TITLE = re.compile(r"(untitled|microsoft \w+|.*\.(docx?|odt|tex|dvi|indd|qxd|p65|rtf|pptx?|xlsx?|pdf|ps))", re.I)
_FIX = "Open it in a viewer and print it to a new PDF."
_OCR = "Run text recognition on it, for example with ocrmypdf, and take the result."


def read_pdf(data: bytes, name: str) -> Document:
    """Read a PDF; scripts, actions and attached files are left alone.

    Raises:
        Unreadable: if it is encrypted, damaged, or has no text.
    """
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        opened = PdfDocument(data)
    except PdfiumError as error:
        if error.err_code in (_PASSWORD, _SECURITY):
            raise Unreadable("It is encrypted.", fix="Save a copy without a password.", original=str(error)) from error
        raise Unreadable("It is a damaged PDF.", fix=_FIX, original=original_of(error)) from error
    try:
        return _read(opened, data, name)
    finally:
        opened.close()


def _read(opened: PdfDocument, data: bytes, name: str) -> Document:
    total = len(opened)
    if not total:
        raise Unreadable("It has no pages.", fix=_FIX)
    warnings: list[str] = []
    pages: dict[int, list[Paragraph | Table]] = {}
    seen: list[Sheet] = []  # without their words
    for chunk in _chunks(opened, min(total, MAX_PAGES)):
        bare = without_furniture(chunk)
        words = Vocabulary()
        laid = [_laid(page) for page in bare]
        for parts in laid:
            words.add(part.text for part in parts if not isinstance(part, Table))
        for page, parts in zip(bare, laid, strict=True):
            aside = [Paragraph("text", text, 1, 0.0, False, False) for text in page.slanted]
            pages[page.number] = [*paragraphs(parts, words), *aside]
            seen.append(page.described())
    if not any(pages.values()):
        raise _without_text(seen, total)
    if b"%%EOF" not in data[-2048:]:
        warnings.append("Its end is missing, so pages may be missing too: get the whole file again.")
    if total > MAX_PAGES:
        warnings.append(f"Only its first {MAX_PAGES:,} pages of {total:,} were read: split it to have the rest.")
    if missing := [n for n in range(1, min(total, MAX_PAGES) + 1) if n not in pages]:
        warnings.append(f"{listed('Page', missing, 'is', 'are')} damaged and left out.")
    warnings += _warnings(seen, pages)
    if attached := attachments(opened):
        warnings.append(f"{attached} attached file{'s were' if attached > 1 else ' was'} not read.")
    headings = Headings(pages, _bookmarks(opened))
    writer = Writer(headings)
    written = tuple(writer.page(number, parts) for number, parts in pages.items())
    return Document(name, _title(opened) or headings.title, written, tuple(warnings), "pdf")


def _chunks(opened: PdfDocument, total: int) -> Iterator[list[Sheet]]:
    """The pages that can be read, some at a time and about the same number each time."""
    from pypdfium2 import PdfiumError

    step = ceil(total / ceil(total / _TOGETHER))
    for start in range(0, total, step):
        chunk = []
        for index in range(start, min(start + step, total)):
            try:
                chunk.append(sheet(opened, index))
            except PdfiumError:  # the caller names the pages that are missing
                continue
        yield chunk


def _laid(page: Sheet) -> list[Part]:
    tables, words = ruled_tables(page.words, page.rules)
    return in_order([*pieces(words), *tables])


def _without_text(sheets: Sequence[Sheet], total: int) -> Unreadable:
    pages = f"{total:,} pages" if total > 1 else "1 page"
    if any(s.pictured > _SCANNED for s in sheets):
        return Unreadable(f"It is a scan: {pages} of pictures without text.", fix=_OCR)
    if any(s.drawings > _DRAWN or s.unmapped for s in sheets):
        return Unreadable(f"The letters on its {pages} are drawings, not text.", fix=_OCR)
    if not sheets:
        return Unreadable("It is a damaged PDF: no page can be opened.", fix=_FIX)
    return Unreadable(f"There is no text on its {pages}.", fix="Leave it out.")


def _warnings(sheets: Sequence[Sheet], pages: dict[int, list[Paragraph | Table]]) -> Iterator[str]:
    empty = [s for s in sheets if not pages[s.number]]
    scans = [s.number for s in empty if s.pictured > _SCANNED]
    if scans:
        named = listed("Page", scans, "is a picture", "are pictures")
        yield f"{named} without text: {'they need' if scans[1:] else 'it needs'} OCR."
    odd = {s.number for s in sheets if s.unmapped > _UNMAPPED * (s.unmapped + s.letters)}
    odd |= {s.number for s in empty if s.drawings > _DRAWN} - set(scans)
    if odd:
        named = listed("page", sorted(odd))
        yield f"The letters of {named} cannot be read as text: {'they need' if len(odd) > 1 else 'it needs'} OCR."
    if hidden := [s.number for s in sheets if s.hidden]:
        yield f"Text that nobody sees was left out on {listed('page', hidden)}."
    if cut := [s.number for s in sheets if s.cut]:
        yield f"{listed('Page', cut, 'holds', 'hold')} more than is read of one page: the rest was left out."


def _bookmarks(opened: PdfDocument) -> dict[int, list[Bookmark]]:
    """The outline by page (from 1)."""
    found: dict[int, list[Bookmark]] = {}
    for mark in islice(opened.get_toc(max_depth=6), MAX_BOOKMARKS):
        target = mark.get_dest()
        index = target.get_index() if target else None
        key = bookmark_key(mark.get_title())
        if index is not None and key and len(on_page := found.setdefault(index + 1, [])) < _MARKS:
            on_page.append(Bookmark(key, mark.level + 1))
    return found


def _title(opened: PdfDocument) -> str | None:
    title = " ".join(opened.get_metadata_value("Title").split())
    title = title.removeprefix("Microsoft Word - ").encode("utf-8", "replace").decode().replace("\0", "")
    return None if _JUNK_TITLE.fullmatch(title) else title[:200] or None

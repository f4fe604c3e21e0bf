"""Word documents: what a reader of the printed page would see, with its headings, lists and tables."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.docx.numbering import Numbering
from tierwise.knowledge.reading.docx.styles import Style, W, outline_of, styles_of, switch_of, value_of
from tierwise.knowledge.reading.flow import Flow
from tierwise.knowledge.reading.grid import head_of, line, tidy
from tierwise.knowledge.reading.problem import Unreadable, original_of
from tierwise.knowledge.reading.zips import check_zip

if TYPE_CHECKING:
    from docx.document import Document as Opened
    from lxml.etree import _Element

MAX_DEPTH = 20  # of tables in tables, boxes in boxes

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_FIX = "Open it in a word processor and save it as .docx again."

_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
# What holds text of the paragraph; all else (deletions, comments, fields' instructions, properties) is passed over.
_HOLDERS = {"r", "ins", "moveTo", "hyperlink", "smartTag", "sdt", "sdtContent", "fldSimple", "dir", "bdo", "customXml"}
_HOLDERS |= {"ruby", "rubyBase"}
_WRAPPERS = {"sdt", "sdtContent", "ins", "moveTo", "customXml"}
_CONTENTS = re.compile(r"toc \d|toc heading|table of figures", re.I)
_CODE = re.compile(r"source code|preformatted text|html preformatted|verbatim|code|listing", re.I)
_SPACE = re.compile(r"[ \t\u00a0]+")


def read_docx(data: bytes, name: str) -> Document:
    """Read a Word document: comments, deletions and hidden text are left out, insertions, boxes and notes are in.

    Raises:
        Unreadable: if it is damaged, or no Word document.
    """
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from lxml.etree import XMLSyntaxError

    check_zip(data)
    try:
        opened = docx.Document(io.BytesIO(data))
    except ValueError as error:  # what it says it is, is something else
        raise Unreadable(
            "It is no plain Word document: one with macros, or a template.",
            fix="Save it as .docx.",
            original=original_of(error),
        ) from error
    except (PackageNotFoundError, XMLSyntaxError, KeyError) as error:
        raise Unreadable("It is a damaged Word document.", fix=_FIX, original=original_of(error)) from error
    if opened.element.find(f"{W}body") is None:
        raise Unreadable("It is a damaged Word document: it has no body.", fix=_FIX)
    return _Reader(opened).read(name)


class _Reader:
    """Walks the elements of one document: python-docx itself passes over boxes, insertions and notes."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._styles = styles_of(opened)
        self._numbering = Numbering(opened)
        self._notes = {kind: _notes(opened, kind) for kind in ("footnote", "endnote")}
        self._flow = Flow()
        self._title = " ".join((opened.core_properties.title or "").split())
        self._hidden = 0
        self._noted = 0
        self._pending: list[tuple[int, _Element]] = []  # notes whose marks were passed

    def read(self, name: str) -> Document:
        self._blocks(self._opened.element.body, 0)
        warnings = (f"Hidden text was left out: {self._hidden:,} characters.",) if self._hidden else ()
        return Document(name, self._title or None, (self._flow.page(None),), warnings, "docx")

    def _blocks(self, parent: _Element, depth: int) -> None:
        """Paragraphs and tables, and those within content controls."""
        for element in parent:
            tag = _tag(element)
            if tag == "p":
                self._paragraph(element, depth)
            elif tag == "tbl":
                self._table(element, depth)
            elif tag in _WRAPPERS and depth < MAX_DEPTH and not _is_contents(element):
                self._blocks(element, depth + 1)

    def _paragraph(self, paragraph: _Element, depth: int) -> None:
        properties = paragraph.find(f"{W}pPr")
        style_id = value_of(properties, "pStyle")
        style = self._styles.get(style_id or "", Style())
        if _CONTENTS.fullmatch(style.name):
            return
        text = "".join(self._text(paragraph, style.hidden)).replace("\u00ad", "")
        label = self._label(properties, style_id, style)
        level = outline_of(properties) or style.level
        bare = "\n".join(_SPACE.sub(" ", part).strip() for part in text.strip().split("\n"))
        if not bare:
            pass
        elif level:
            flat = " ".join(bare.split())
            number = label.strip(" -") if label else ""
            self._flow.heading(f"{number} {flat}".lstrip(), level)
            if style.name.lower() == "title" and not self._title:
                self._title = flat
        elif label:
            self._flow.item(f"{label} {bare}")
        elif _CODE.fullmatch(style.name):
            self._flow.block(text.rstrip(), "code")
        else:
            self._flow.paragraph(bare)
        self._write_notes()
        if depth < MAX_DEPTH:
            for box in _boxes(paragraph):
                self._blocks(box, depth + 1)

    def _label(self, properties: _Element | None, style_id: str | None, style: Style) -> str | None:
        own = properties.find(f"{W}numPr") if properties is not None else None
        list_id, level = style.list_id, style.list_level
        if own is not None:
            list_id = value_of(own, "numId") or list_id
            own_level = value_of(own, "ilvl")
            level = int(own_level) if own_level and own_level.isdigit() else level
        return self._numbering.label(list_id, level, style_id) if list_id else None

    # text

    def _text(self, parent: _Element, hidden: bool) -> Iterator[str]:
        """The text of what is within a paragraph; that of hidden runs is only counted."""
        for element in parent:
            tag = _tag(element)
            if tag == "t":
                if hidden:
                    self._hidden += len(element.text or "")
                else:
                    yield element.text or ""
            elif tag in _SIGNS:
                yield _SIGNS[tag]
            elif tag in _HOLDERS:
                yield from self._text(element, hidden or self._vanishes(element))
            elif tag in ("footnoteReference", "endnoteReference") and not hidden:
                note = self._notes[tag.removesuffix("Reference")].get(element.get(f"{W}id"))
                if note is not None:
                    self._noted += 1
                    self._pending.append((self._noted, note))
                    yield f" (note {self._noted})"
            elif element.tag in (f"{_M}oMath", f"{_M}oMathPara"):
                yield "".join(part.text or "" for part in element.iter(f"{_M}t"))

    def _vanishes(self, element: _Element) -> bool:
        properties = element.find(f"{W}rPr") if _tag(element) == "r" else None
        if properties is None:
            return False
        own = switch_of(properties.find(f"{W}vanish"))
        return self._styles.get(value_of(properties, "rStyle") or "", Style()).hidden if own is None else own

    def _write_notes(self) -> None:
        while self._pending:
            number, note = self._pending.pop(0)
            text = " ".join("".join(self._text(p, False)) for p in note.iter(f"{W}p"))
            if text.strip():
                self._flow.paragraph(f"Note {number}: {' '.join(text.split())}")

    # tables

    def _table(self, table: _Element, depth: int) -> None:
        rows = [list(_wrapped(row, "tc")) for row in _wrapped(table, "tr") if row.find(f"{W}trPr/{W}del") is None]
        if depth < MAX_DEPTH and max(map(len, rows), default=0) == 1:  # a frame around text
            for (cell,) in (row for row in rows if row):
                self._blocks(cell, depth + 1)
            return
        lines, head = self._cells(rows, depth)
        if lines:
            self._flow.block("\n".join(lines), "table", head)
        self._write_notes()

    def _cells(self, rows: list[list[_Element]], depth: int) -> tuple[list[str], str | None]:
        """The lines of a table and its head; a cell over several rows is said in each of them."""
        texts: list[list[str]] = []
        for row in rows:
            cells: list[str] = []
            for cell in row:
                merged = cell.find(f"{W}tcPr/{W}vMerge")
                goes_on = merged is not None and merged.get(f"{W}val", "continue") == "continue"
                above = texts[-1][len(cells)] if goes_on and texts and len(texts[-1]) > len(cells) else ""
                cells.append(above or self._cell(cell, depth))
                span = cell.find(f"{W}tcPr/{W}gridSpan")
                wide = str(span.get(f"{W}val", "1")) if span is not None else "1"
                cells += [""] * (min(int(wide), 100) - 1 if wide.isdigit() else 0)
            texts.append(cells)
        first = next(rows[0][0].iterancestors(f"{W}tr"), None) if rows and rows[0] else None
        marked = first is not None and switch_of(first.find(f"{W}trPr/{W}tblHeader")) is True
        cleaned = tidy(texts)
        return [line(row) for row in cleaned], head_of(cleaned, marked)

    def _cell(self, cell: _Element, depth: int) -> str:
        parts = []
        for element in cell:
            if _tag(element) == "p":
                parts.append("".join(self._text(element, False)))
                parts += [" ".join(self._cell(box, depth + 1) for box in _boxes(element))] if depth < MAX_DEPTH else []
            elif _tag(element) == "tbl" and depth < MAX_DEPTH:
                inner, _ = self._cells([list(_wrapped(row, "tc")) for row in _wrapped(element, "tr")], depth + 1)
                parts.append("; ".join(inner))
            elif _tag(element) in _WRAPPERS and depth < MAX_DEPTH:
                parts.append(self._cell(element, depth + 1))
        return " ".join(filter(None, (" ".join(part.split()) for part in parts)))


def _tag(element: _Element) -> str:
    """The name of an element of Word's own; empty for those of others."""
    tag = element.tag
    return tag.removeprefix(W) if isinstance(tag, str) and tag.startswith(W) else ""


def _is_contents(element: _Element) -> bool:
    kind = element.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")
    return kind is not None and kind.get(f"{W}val") == "Table of Contents"


def _wrapped(parent: _Element, name: str) -> Iterator[_Element]:
    """The children of that name, and those within content controls."""
    for element in parent:
        tag = _tag(element)
        if tag == name:
            yield element
        elif tag in _WRAPPERS:
            yield from _wrapped(element, name)


def _boxes(paragraph: _Element) -> Iterator[_Element]:
    """The text boxes that are anchored in a paragraph; of several versions of one the first."""
    todo = [paragraph]
    while todo:
        element = todo.pop()
        if _tag(element) == "txbxContent":
            yield element
        elif element.tag == f"{_MC}AlternateContent":
            todo += [version for version in element if next(version.iter(f"{W}txbxContent"), None) is not None][:1]
        elif _tag(element) not in ("del", "moveFrom"):
            todo += reversed(element)


def _notes(opened: Opened, kind: str) -> dict[str, _Element]:
    """Footnotes or endnotes by their ids."""
    from docx.oxml import parse_xml

    try:
        root = parse_xml(opened.part.part_related_by(f"{_RELATED}{kind}s").blob)
    except KeyError:
        return {}  # it has none
    return {note.get(f"{W}id", ""): note for note in root.iter(f"{W}{kind}") if note.get(f"{W}type") is None}

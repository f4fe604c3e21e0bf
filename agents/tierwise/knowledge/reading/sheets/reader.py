"""Spreadsheets (xlsx, xls, ods, csv, tsv): a page a sheet, a table a block, a line a row."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from tierwise.knowledge.document import Document, Page
from tierwise.knowledge.reading.flow import Flow
from tierwise.knowledge.reading.lines import basename
from tierwise.knowledge.reading.plain import decode
from tierwise.knowledge.reading.problem import Unreadable, original_of
from tierwise.knowledge.reading.sheets.tables import Table, tables
from tierwise.knowledge.reading.zips import check_zip

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

MAX_ROWS = 50_000  # of a document
MAX_SHEETS = 200
DELIMITERS = "\t;|,"  # of equally good ones the first: a comma may be a decimal point

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_SAVE = "Open it in a spreadsheet program and save it again."
_NAMELESS = re.compile(r"(sheet|tabelle|feuil|hoja|foglio|blad|planilha)\s*\d*", re.I)
_NO_VALUE = re.compile(rb"(?:</f>|<f[^>]*/>)\s*(?:<v\s*/>|<v></v>|</c>)")

_Value = int | float | str | bool | time | date | datetime | timedelta
_Rows = list[list[str]]


def read_sheets(data: bytes, name: str) -> Document:
    """Read a spreadsheet or a file of separated values.

    The names of the columns are the head of each table, so that a row can be understood alone; they are not repeated
    in each row, for that makes all rows alike to an embedder. Cells show what is stored: a date as ISO 8601, a number
    without its currency or percent sign, a formula's last value.

    Raises:
        Unreadable: if it is encrypted, damaged, or holds nothing.
    """
    title = basename(name).rpartition(".")[0] or None
    if not data.startswith((_ZIP, _OLE)):
        text, warnings = decode(data)
        rows, left = _separated(text)
        page = _page(None, None, tables(rows))
        if left:
            warnings.append(f"{left:,} rows after the first {MAX_ROWS:,} were left out: split the file.")
        return Document(name, title, (page,), tuple(warnings), "sheet")
    return _workbook(data, name, title)


# separated values


def _separated(text: str) -> tuple[_Rows, int]:
    """Its rows, and how many there are beyond those."""
    rows: _Rows = []
    left = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)):
            if len(rows) < MAX_ROWS:
                rows.append(row)
            else:
                left += 1
    except csv.Error as error:
        raise Unreadable("Its rows cannot be told apart.", fix=_SAVE, original=original_of(error)) from error
    return rows, left


def _delimiter(text: str) -> str:
    """The one that gives the first rows the most columns of which they have equally many."""
    start = text[:65536]
    best, most = ",", 1.0
    for delimiter in DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(io.StringIO(start, newline=""), delimiter=delimiter) if row][:50]
        except csv.Error:
            continue
        usual = max(set(widths), key=widths.count, default=1)
        value = usual * widths.count(usual) / len(widths) if usual > 1 else 0.0
        if value > most:
            best, most = delimiter, value
    return best


# workbooks


def _workbook(data: bytes, name: str, title: str | None) -> Document:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum, WorksheetNotFound

    warnings: list[str] = []
    if data.startswith(_ZIP):
        entries = check_zip(data)
        warnings += _without_values(data, entries)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError as error:
        raise Unreadable("It is encrypted.", fix="Save a copy without a password.", original=str(error)) from error
    except CalamineError as error:
        raise Unreadable("It is a damaged spreadsheet.", fix=_SAVE, original=original_of(error)) from error
    pages = []
    room = MAX_ROWS
    for number, sheet in enumerate(book.sheets_metadata, 1):
        if number > MAX_SHEETS:
            warnings.append(f"Only the first {MAX_SHEETS} of {len(book.sheets_metadata)} sheets were read.")
            break
        try:
            rows, left = _rows(book.get_sheet_by_name(sheet.name), room)
        except (CalamineError, WorksheetNotFound) as error:
            warnings.append(f'The sheet "{sheet.name}" could not be read: {original_of(error)}.')
            continue
        room -= len(rows)
        if left:
            warnings.append(f'{left:,} rows of the sheet "{sheet.name}" were left out: split the file.')
        if sheet.visible != SheetVisibleEnum.Visible and rows:
            warnings.append(f'The sheet "{sheet.name}" is hidden in the file; it was read.')
        pages.append(_page(number, sheet.name, tables(rows)))
    return Document(name, title, tuple(pages), tuple(warnings), "sheet")


def _rows(sheet: CalamineSheet, room: int) -> tuple[_Rows, int]:
    """Its rows as text, merged cells filled downwards, and how many there are beyond the room."""
    left = max(0, sheet.height - room)
    values = sheet.to_python(skip_empty_area=True, nrows=min(sheet.height, room)) if room > 0 else []
    rows = [[_shown(value) for value in row] for row in values]
    top, start = sheet.start or (0, 0)
    for (r0, c0), (r1, _) in sheet.merged_cell_ranges or []:
        r, c = r0 - top, c0 - start
        if 0 <= r < len(rows) and 0 <= c < len(rows[r]) and rows[r][c]:
            for below in rows[r + 1 : r1 - top + 1]:
                below[c] = below[c] or rows[r][c]
    return rows, left


def _shown(value: _Value) -> str:
    """A cell's value as a reader would write it."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(value, ".15g")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time.min else value.isoformat(" ", "seconds")
    if isinstance(value, time):
        return value.isoformat("seconds" if value.second else "minutes")
    return str(value)


def _without_values(data: bytes, entries: Iterable[str]) -> Iterator[str]:
    """A warning if formulas were never calculated: programs that write such files leave that to whoever opens them."""
    count = 0
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        for entry in entries:
            if entry.startswith("xl/worksheets/") and entry.endswith(".xml"):
                count += len(_NO_VALUE.findall(packed.read(entry)))
    if count:
        yield f"{count:,} formula{'s have' if count > 1 else ' has'} no stored value and read as empty. {_SAVE}"


def _page(number: int | None, name: str | None, found: Sequence[Table]) -> Page:
    flow = Flow()
    if name and found and not _NAMELESS.fullmatch(name):
        flow.heading(name, 1)
    for table in found:
        if table.before:
            flow.paragraph("\n".join(table.before))
        if table.rows:
            # The names stand above the rows as in the sheet; pieces further down have them as their head.
            flow.block("\n".join(([table.head] if table.head else []) + list(table.rows)), "table", table.head)
        if table.after:
            flow.paragraph("\n".join(table.after))
    return flow.page(number)

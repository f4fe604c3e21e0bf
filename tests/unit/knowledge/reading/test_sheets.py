"""Spreadsheets: each table with the names of its columns, each row a line, values as a reader would write them."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.sheets import read_sheets, reader

SAMPLES = Path(__file__).parents[3] / "data" / "documents"


def sample(name: str) -> Document:
    return read_sheets((SAMPLES / name).read_bytes(), name)


def workbook(*sheets: list[list[Any]], **options: Any) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"default_date_format": "yyyy-mm-dd"} | options)
    for rows in sheets:
        sheet = book.add_worksheet()
        for i, row in enumerate(rows):
            sheet.write_row(i, 0, row)
    book.close()
    return buffer.getvalue()


def read(*sheets: list[list[Any]]) -> Document:
    return read_sheets(workbook(*sheets), "a.xlsx")


@pytest.mark.parametrize("name", ["deaths.xlsx", "deaths.ods"])
def test_a_table_among_notes(name: str) -> None:
    document = sample(name)
    first, second = document.pages
    assert (document.title, document.kind) == ("deaths", "sheet")
    assert [(p.number, p.headings[0].title) for p in document.pages] == [(1, "arts"), (2, "other")]
    (table,) = first.blocks
    assert table.head == "Name | Profession | Age | Has kids | Date of birth | Date of death"
    rows = first.text[table.start : table.end].split("\n")
    assert rows[0] == table.head and len(rows) == 11
    assert rows[1] in (f"David Bowie | musician | 69 | {yes} | 1947-01-08 | 2016-01-10" for yes in ("TRUE", "1"))
    assert first.text.index("simply cannot resist writing") < table.start
    assert "also like to write stuff" in first.text[table.end :]
    assert "Vera Rubin | scientist" in second.text


def test_an_old_workbook() -> None:
    document = sample("clippy.xls")
    assert [page.headings[0].title for page in document.pages] == ["list-column", "two-row-header"]
    assert document.pages[0].text.endswith(
        "name | value\nName | Clippy\nSpecies | paperclip\nApprox date of death | 2007-01-01\nWeight in grams | 0.9"
    )


def test_separated_values() -> None:
    document = sample("chickens.csv")
    (page,) = document.pages
    assert page.number is None and page.blocks[0].head == "chicken | sex | eggs_laid | motto"
    assert "Foghorn Leghorn | rooster | 0 | That's a joke, ah say, that's a joke, son." in page.text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(
        [["item", "cost, net"], ["rope; blue", "1,50"], ["nails", "2,00"]]
    )
    (page,) = read_sheets(buffer.getvalue().encode(), "a.csv").pages
    assert page.text == "item | cost, net\nrope; blue | 1,50\nnails | 2,00"


def test_values_are_shown_as_a_reader_would_write_them() -> None:
    (page,) = read(
        [
            ["what", "value"],
            ["whole", 3.0],
            ["sum", 0.1 + 0.2],
            ["large", 1234567890123],
            ["day", datetime(2023, 3, 4)],
            ["moment", "x"],
            ["yes", True],
            ["lines", "two\n lines"],
        ]
    ).pages
    assert page.text.split("\n")[1:] == [
        "whole | 3",
        "sum | 0.3",
        "large | 1234567890123",
        "day | 2023-03-04",
        "moment | x",
        "yes | TRUE",
        "lines | two lines",
    ]


def test_tables_of_one_sheet_are_kept_apart() -> None:
    (page,) = read(
        [
            ["Stores", "", "", "Debts", ""],
            ["item", "count", "", "who", "euro"],
            ["rope", 3, "", "Ada", 20],
            ["nails", 400, "", "Ben", 7],
            [],
            ["rain", "day"],
            ["12 mm", "Monday"],
        ]
    ).pages
    assert [page.text[b.start : b.end] for b in page.blocks] == [
        "item | count\nrope | 3\nnails | 400",
        "who | euro\nAda | 20\nBen | 7",
        "rain | day\n12 mm | Monday",
    ]
    assert page.text.startswith("Stores\n\nitem")


def test_rows_below_a_gap_keep_the_names_of_their_columns() -> None:
    (page,) = read([["month", "litres"], ["March", 12], [], [2023, 19], [2024, 21]]).pages
    assert [b.head for b in page.blocks] == ["month | litres"] * 2


def test_names_too_long_for_a_head_are_said_in_each_row() -> None:
    names = [f"measurement number {i} of the upper pond" for i in range(12)]
    (page,) = read([names, list(range(12))]).pages
    assert page.blocks[0].head is None
    assert page.text.startswith(f"{names[0]}: 0 | {names[1]}: 1 | ")


def test_a_cell_over_several_rows_is_said_in_each() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet("Gauges")
    sheet.write_row(0, 0, ["wall", "day", "litres"])
    sheet.merge_range(1, 0, 2, 0, "north")
    sheet.write_row(1, 1, ["4 March", 12])
    sheet.write_row(2, 1, ["11 March", 19])
    book.close()
    (page,) = read_sheets(buffer.getvalue(), "a.xlsx").pages
    assert page.text == "Gauges\n\nwall | day | litres\nnorth | 4 March | 12\nnorth | 11 March | 19"


def test_formulas_without_values_and_hidden_sheets_are_named() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    shown, hidden = book.add_worksheet("shown"), book.add_worksheet("old")
    for sheet in (shown, hidden):
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write_row(1, 0, [1, 2])
    shown.write_formula(1, 1, "=A2*2", value="")
    shown.write_formula(2, 1, "=A2*4", value=4)
    hidden.hide()
    book.close()
    document = read_sheets(buffer.getvalue(), "a.xlsx")
    assert [w.split(".")[0] for w in document.warnings] == [
        "1 formula has no stored value and read as empty",
        'The sheet "old" is hidden in the file; it was read',
    ]
    assert "a | b\n1\n | 4" in document.pages[0].text


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_rows_beyond_the_limit_are_counted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_ROWS", 50)
    rows = [["n", "square"], *([i, i * i] for i in range(100))]
    data = workbook(rows) if name == "a.xlsx" else "\n".join(f"{a},{b}" for a, b in rows).encode()
    document = read_sheets(data, name)
    assert document.pages[0].text.endswith("48 | 2304")
    assert len(document.warnings) == 1 and document.warnings[0].startswith("51 rows")


def test_damage_is_said_in_a_sentence() -> None:
    data = workbook([["a", "b"], [1, 2]])
    with pytest.raises(InvalidInput):
        read_sheets(data[: len(data) // 2], "a.xlsx")
    with pytest.raises(InvalidInput, match="damaged spreadsheet"):
        read_sheets(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.xls")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(["", "rope", "12", "4.5", "day", "north wall"]), max_size=6), min_size=1, max_size=14
    )
)
def test_no_cell_is_lost(rows: list[list[str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    (page,) = read_sheets(buffer.getvalue().encode() or b"\n", "a.csv").pages
    written = [cell.strip() for line in page.text.split("\n") for cell in line.split("|") if cell.strip()]
    heads = [cell.strip() for b in page.blocks if b.head for cell in b.head.split("|") if cell.strip()]
    given_cells = [cell for row in rows for cell in row if cell]
    # The names of a table's columns may be repeated over its later parts, nothing else.
    for cell in set(given_cells):
        assert given_cells.count(cell) <= written.count(cell) <= given_cells.count(cell) + heads.count(cell)

"""Tables of tbl(1) to rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tierwise.knowledge.reading.man.escapes import plain
from tierwise.knowledge.reading.man.requests import Line

_OPTION = re.compile(r"tab\s*\((.)\)", re.I)
_RULE = re.compile(r"[_=\-\s|]*")
_TOGETHER = {"BR", "BI", "IR", "IB", "RB", "RI"}


def table_rows(lines: Sequence[Line]) -> tuple[list[str], str | None]:
    """A table's rows, cells joined by `` | ``, and its first row if it stands out as a head.

    Text blocks (``T{ ... T}``) are joined to their cell; rules and spans are left out.
    """
    separator, body = "\t", 0
    for number, line in enumerate(lines):
        if not line.name and line.text.rstrip().endswith(";") and number == 0:
            if option := _OPTION.search(line.text):
                separator = option[1]
        elif not line.name and line.text.rstrip().endswith("."):
            body = number + 1
            break
    formats = " ".join(line.text for line in lines[:body])[:500]
    rows: list[str] = []
    ruled = False
    for row in _joined(lines[body:]):
        if _RULE.fullmatch(row):
            ruled = ruled or len(rows) == 1
            continue
        cells = [" ".join(plain(cell).split()) for cell in row.split(separator)]
        cells = ["" if cell in ("_", "=", "^") or cell == "^" else cell for cell in cells]
        if any(cells):
            rows.append(" | ".join(cells).rstrip(" |").lstrip() if len(cells) > 1 else cells[0])
    bold_first = re.match(r"[^.]*?\b[lcrna][^,.]*?[bB]", formats.partition(";")[2] or formats) is not None
    return rows, rows[0] if len(rows) > 1 and (ruled or bold_first) else None


def _joined(lines: Sequence[Line]) -> Iterator[str]:
    """Rows of text, with what macros say in a text block put into its cell."""
    held = ""
    inside = False
    formats = False  # new ones in the middle, up to a full stop
    for line in lines:
        if line.name in ("T&", "TH"):
            formats = line.name == "T&"
            continue
        if formats and not line.name:
            formats = not line.text.rstrip().endswith(".")
            continue
        if line.name:
            words = ("" if line.name in _TOGETHER else " ").join(line.arguments) if line.name.isupper() else ""
            if inside:
                held += f" {words}"
            elif words:
                yield words
            continue
        text = line.text
        if inside and text.startswith("T}"):
            held, inside = held + text[2:], False
        elif inside:
            held += f" {text}"
        else:
            held = text
        if text.rstrip().endswith("T{"):
            held, inside = held.rstrip()[:-2], True
        if not inside:
            yield held
            held = ""
    if held:
        yield held

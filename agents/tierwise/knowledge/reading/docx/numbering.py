"""The numbers of lists and headings in Word documents, which the text itself does not hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tierwise.knowledge.reading.docx.styles import W, value_of

if TYPE_CHECKING:
    from docx.document import Document
    from lxml.etree import _Element

_NUMBERING = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/numbering"
_PLACE = re.compile(r"%([1-9])")
_ROMAN = {"m": 1000, "cm": 900, "d": 500, "cd": 400, "c": 100, "xc": 90}
_ROMAN |= {"l": 50, "xl": 40, "x": 10, "ix": 9, "v": 5, "iv": 4, "i": 1}
_MOST = 4000  # as Roman numerals go


@dataclass(frozen=True, slots=True)
class _Level:
    form: str
    text: str
    start: int
    style: str | None


class Numbering:
    """Counts the numbered paragraphs of a document in their order."""

    def __init__(self, opened: Document) -> None:
        self._lists: dict[str, tuple[str, Mapping[int, _Level]]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        try:
            root = opened.part.part_related_by(_NUMBERING).element  # type: ignore[attr-defined]
        except (KeyError, AttributeError):
            return  # there are no lists in it
        abstract = {a.get(f"{W}abstractNumId"): _levels(a) for a in root.iterchildren(f"{W}abstractNum")}
        for num in root.iterchildren(f"{W}num"):
            base = num.find(f"{W}abstractNumId")
            key = base.get(f"{W}val") if base is not None else None
            if key in abstract:
                changed = {
                    level: _Level(old.form, old.text, start, old.style)
                    for level, start in _restarts(num)
                    if (old := abstract[key].get(level))
                }
                # Lists of one kind go on counting unless they say where to start.
                self._lists[num.get(f"{W}numId")] = (
                    f"{key}/{num.get(f'{W}numId')}" if changed else str(key),
                    {**abstract[key], **changed},
                )

    def label(self, list_id: str, level: int | None, style: str | None) -> str | None:
        """The next label of a list, indented by its level: ``2.1``, ``-`` for a bullet, ``None`` if it has none.

        Args:
            list_id: the document's id of the list.
            level: from 0; ``None`` if the paragraph's style decides.
            style: the id of the paragraph's style.
        """
        if list_id not in self._lists:
            return None
        key, levels = self._lists[list_id]
        if level is None:
            level = next((n for n, one in levels.items() if one.style == style), 0)
        form = levels.get(level)
        if form is None or form.form == "none":
            return None
        indent = "  " * min(level, 8)
        if form.form == "bullet":
            return f"{indent}-"
        counts = self._counts.setdefault(key, {})
        counts[level] = counts.get(level, form.start - 1) + 1
        for deeper in [n for n in counts if n > level]:
            del counts[deeper]

        def number(match: re.Match[str]) -> str:
            n = int(match[1]) - 1
            at = levels.get(n)
            return _number(counts.get(n, at.start if at else 1), at.form if at else "decimal")

        label = _PLACE.sub(number, form.text).strip()
        return f"{indent}{label}" if label else None


def _levels(abstract: _Element) -> dict[int, _Level]:
    found = {}
    for level in abstract.iterchildren(f"{W}lvl"):
        start = value_of(level, "start") or "1"
        found[_whole(level.get(f"{W}ilvl"), 0)] = _Level(
            value_of(level, "numFmt") or "decimal",
            value_of(level, "lvlText") or "",
            _whole(start, 1),
            value_of(level, "pStyle"),
        )
    return found


def _restarts(num: _Element) -> list[tuple[int, int]]:
    found = []
    for changed in num.iterchildren(f"{W}lvlOverride"):
        start = value_of(changed, "startOverride")
        if start is not None:
            found.append((_whole(changed.get(f"{W}ilvl"), 0), _whole(start, 1)))
    return found


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _number(n: int, form: str) -> str:
    if form in ("lowerLetter", "upperLetter"):
        letters = chr(97 + (n - 1) % 26) * min(5, (n - 1) // 26 + 1) if n > 0 else "0"
        return letters.upper() if form == "upperLetter" else letters
    if form in ("lowerRoman", "upperRoman") and 0 < n < _MOST:
        roman = ""
        for sign, value in _ROMAN.items():
            roman += sign * (n // value)
            n %= value
        return roman.upper() if form == "upperRoman" else roman
    return f"{n:02d}" if form == "decimalZero" else str(n)

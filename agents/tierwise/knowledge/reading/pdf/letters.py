"""The letters of a page to words, each with its place, its direction and its font."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot, pi
from typing import Any

from tierwise.knowledge.reading.pdf.frame import Box, inside, turned
from tierwise.knowledge.reading.pdf.sheet import Word

MAX_LETTERS = 100_000  # a page of small print has 10,000
INVISIBLE = 3  # the render mode of a text layer over a scan

_BOLD = re.compile(r"bold|black|heavy|demi|cmbx|cmssbx|sfbx", re.I)  # weights in files say little
_MONO = re.compile(r"mono|courier|consol|typewriter|menlo|tt\d*$", re.I)
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
_APART = 0.13  # of a letter's height: a space
_HYPHEN = 2  # PDFium's own sign for a hyphen at the end of a line
_FIXED_PITCH = 1  # bit of a font's flags


@dataclass(frozen=True, slots=True)
class _Hand:
    """How the letters of one text object are set: they share a font, its size and their direction."""

    size: float
    turn: int | None
    bold: bool
    mono: bool
    invisible: bool


class Letters:
    """Reads the letters of one page.

    Attributes:
        unmapped: letters whose font does not say which they are.
        hidden: letters that nobody sees.
    """

    def __init__(self, raw: Any, box: Box, pictures: Sequence[Box]) -> None:
        self._raw, self._box, self._pictures = raw, box, pictures
        self._hands: dict[int, _Hand] = {}
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self.unmapped = self.hidden = 0

    def words(self, letters: Any, count: int) -> Iterator[tuple[int | None, Word]]:
        """Words in the order of drawing, each with its direction (see :func:`_direction`), y upwards."""
        raw, box = self._raw, self._raw.FS_RECTF()
        box_of, letter_of = raw.FPDFText_GetLooseCharBox, raw.FPDFText_GetUnicode
        run: list[str] = []
        first = 0
        start = last = (0.0, 0.0, 0.0, 0.0)  # boxes of the first and of the last letter
        for i in range(min(count, MAX_LETTERS)):
            code = letter_of(letters, i)
            if (code <= 0x20 and code != _HYPHEN) or code == 0xA0 or 0x2000 <= code <= 0x200B or code == 0x3000:
                if run:
                    yield from self._word(letters, first, run, start, last)
                    run = []
                continue
            box_of(letters, i, box)
            now = (box.left, box.bottom, box.right, box.top)
            if run and not _adjoin(last, now):
                yield from self._word(letters, first, run, start, last)
                run = []
            if not run:
                first, start = i, now
            run.append(self._letter(code))
            last = now
        if run:
            yield from self._word(letters, first, run, start, last)

    def _letter(self, code: int) -> str:
        if code == _HYPHEN:
            return "-"
        if code in _LIGATURES:
            return _LIGATURES[code]
        if 0xE000 <= code <= 0xF8FF or 0xD800 <= code <= 0xDFFF or code >= 0xF0000 or code in (0xFFFD, 0xFFFE, 0xFFFF):
            self.unmapped += 1
            return ""
        return chr(code)

    def _word(
        self, letters: Any, first: int, run: list[str], start: Box, end: Box
    ) -> Iterator[tuple[int | None, Word]]:
        text = "".join(run)
        if not text:
            return
        hand = self._hand(letters, first)
        box = (min(start[0], end[0]), min(start[1], end[1]), max(start[2], end[2]), max(start[3], end[3]))
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        seen = not hand.invisible or any(inside(middle, picture) for picture in self._pictures)
        left, bottom, right, top = self._box
        wide = (right - left) / 2  # long lines of listings run off the page
        if not seen or not inside(middle, (left - wide, bottom, right + wide, top)):
            self.hidden += len(text)
            return
        self._raw.FPDFText_GetCharOrigin(letters, first, self._x, self._y)
        x0, _, x1, _ = turned(box, hand.turn or 0)
        _, baseline, _, _ = turned((self._x.value, self._y.value) * 2, hand.turn or 0)
        yield hand.turn, Word(text, x0, x1, baseline, hand.size, hand.bold, hand.mono)

    def _hand(self, letters: Any, i: int) -> _Hand:
        raw = self._raw
        drawn = raw.FPDFText_GetTextObject(letters, i)
        key = ctypes.cast(drawn, ctypes.c_void_p).value or 0
        if key not in self._hands:
            font = raw.FPDFTextObj_GetFont(drawn) if drawn else None
            buffer = ctypes.create_string_buffer(128)
            length = raw.FPDFFont_GetBaseFontName(font, buffer, 128) if font else 0
            name = buffer.value.decode("ascii", "replace") if 0 < length <= 128 else ""
            flags = raw.FPDFFont_GetFlags(font) if font else 0
            matrix = raw.FS_MATRIX()
            raw.FPDFText_GetMatrix(letters, i, matrix)
            self._hands[key] = _Hand(
                size=raw.FPDFText_GetFontSize(letters, i) * hypot(matrix.c, matrix.d) or 1.0,
                turn=_direction(raw.FPDFText_GetCharAngle(letters, i)),
                bold=bool(_BOLD.search(name)),
                mono=bool(flags > 0 and flags & _FIXED_PITCH) or bool(_MONO.search(name)),
                invisible=bool(drawn) and raw.FPDFTextObj_GetTextRenderMode(drawn) == INVISIBLE,
            )
        return self._hands[key]


def _adjoin(last: Box, now: Box) -> bool:
    """Whether two letters are of one word: on one line without a gap, or one above the other as in text that climbs."""
    size = max(now[3] - now[1], now[2] - now[0], 1.0)
    near = 0.12 * size
    if abs(now[1] - last[1]) < near and abs(now[3] - last[3]) < near:
        return -0.5 * size < now[0] - last[2] < _APART * size
    return abs(now[0] - last[0]) < near or abs(now[2] - last[2]) < near


def _direction(angle: float) -> int | None:
    """Quarter turns to the right in which text runs, or ``None`` if it runs aslant."""
    quarters = angle / (pi / 2)
    return round(quarters) % 4 if abs(quarters - round(quarters)) < 0.1 else None

"""Lines to paragraphs: what belongs together, which hyphens go, and what is a list, a listing, a heading."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from tierwise.knowledge.reading.pdf.aligned import LABEL
from tierwise.knowledge.reading.pdf.lines import Line
from tierwise.knowledge.reading.pdf.order import Part
from tierwise.knowledge.reading.pdf.ruled import Table

ParagraphKind = Literal["text", "item", "code"]

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_BROKEN = re.compile(r"([^\W\d_]+)[-\u00ad\u2010]$")
_OPEN_END = re.compile(r"[^\W_][-/\u2010]$")  # a path, a range, a compound that goes on in the next line
_LEADERS = re.compile(r"(?:[.\u2024\u00b7_] ?){5,}")
_ENTRY = re.compile(r"(?:[.\u2024\u00b7_] ?){5,} ?[\divxlc]+$")  # of a table of contents
_ENDS = ".!?:;\u3002\uff01\uff1f"
_BULLET = "\u2022\u2023\u25aa\u25cf\u25e6\u00b7\uf0b7*"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together, as one text.

    Attributes:
        kind: what it is.
        text: its lines joined; those of code keep their ends.
        lines: how many they were.
        size: of its font, in points.
        bold: whether all of it is.
        tight: whether it follows what is above without a gap.
    """

    kind: ParagraphKind
    text: str
    lines: int
    size: float
    bold: bool
    tight: bool


@dataclass
class _Open:
    """A paragraph that may go on."""

    kind: ParagraphKind
    lines: list[Line]
    tight: bool


@dataclass
class Vocabulary:
    """The words of a document, to tell a word broken at the end of a line from one with a hyphen of its own."""

    words: Counter[str] = field(default_factory=Counter)

    def add(self, lines: Iterable[str]) -> None:
        """Take the words of some lines."""
        for line in lines:
            self.words.update(word.lower() for word in _WORD.findall(line)[:-1])  # the last may be broken

    def join(self, text: str, line: str) -> str:
        """A paragraph so far and its next line."""
        broken = _BROKEN.search(text)
        follows = _WORD.match(line)
        if not broken or not follows:
            return text + line if _OPEN_END.search(text) and line[0].isalnum() else f"{text} {line}"
        if text[-1] == "\u00ad":
            return text[:-1] + line
        whole, hyphened = broken[1] + follows[0], f"{broken[1]}-{follows[0]}"
        if not line[0].islower() or self.words[hyphened.lower()] > self.words[whole.lower()]:
            return text + line
        return text[:-1] + line


def paragraphs(parts: Sequence[Part], words: Vocabulary) -> list[Paragraph | Table]:
    """The lines of a page, in reading order, as paragraphs; tables stay between them."""
    pitch = _pitch(parts)
    found: list[_Open | Table] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, Table):
            found.append(part)
        elif isinstance(last, _Open) and _goes_on(last, part, pitch):
            last.lines.append(part)
        else:
            kind: ParagraphKind = "code" if part.mono else "item" if _label(part) else "text"
            tight = isinstance(last, _Open) and 0 < part.y - last.lines[-1].y <= 1.2 * pitch * part.size
            found.append(_Open(kind, [part], tight))
    return [part if isinstance(part, Table) else _closed(part, words) for part in found]


def _closed(paragraph: _Open, words: Vocabulary) -> Paragraph:
    lines = paragraph.lines
    bold = all(line.bold for line in lines)
    return Paragraph(paragraph.kind, _text(paragraph, words), len(lines), lines[0].size, bold, paragraph.tight)


def _pitch(parts: Sequence[Part]) -> float:
    """From line to line, in sizes, as most lines of the page have it."""
    steps = Counter(
        round((b.y - a.y) / b.size, 1)
        for a, b in pairwise(parts)
        if isinstance(a, Line) and isinstance(b, Line) and a.size == b.size and 0.9 < (b.y - a.y) / b.size < 2.6
    )
    # The nearest of the frequent ones: in a list of short items the gaps between them may be the most frequent.
    often = [step for step, n in steps.items() if n >= 0.3 * max(steps.values())]
    return min(often, default=1.3)


def _label(line: Line) -> bool:
    return len(line.words) > 1 and bool(LABEL.fullmatch(line.words[0].text))


def _goes_on(paragraph: _Open, line: Line, pitch: float) -> bool:
    """Whether the line belongs to the paragraph above it, or at the foot of the column before it."""
    last, first = paragraph.lines[-1], paragraph.lines[0]
    size = last.size
    if abs(line.size - size) > 0.08 * size or line.mono != last.mono or (line.bold != last.bold and first.bold):
        return False
    step = line.y - last.y
    if paragraph.kind == "code":
        return 0 < step < 2.6 * size
    if _label(line) or _ENTRY.search(last.text):
        return False
    ended = last.text[-1] in _ENDS
    if step <= 0:  # the next column
        return not ended and not (first.bold and len(paragraph.lines) < 3) and len(last.text) > 20
    if step > 1.2 * pitch * size:
        return False
    outdented = line.x0 < min(p.x0 for p in paragraph.lines) - 0.5 * size
    if outdented and (paragraph.kind == "item" or len(paragraph.lines) > 1):
        return False
    # If its first word would have fitted into the line above, somebody ended that on purpose.
    room = last.right - last.x1 - 0.3 * size
    fits = line.words[0].x1 - line.words[0].x0 <= room and not _OPEN_END.search(last.text)
    centred = abs((line.x0 + line.x1) - (last.x0 + last.x1)) < size < abs(line.x0 - last.x0)
    if line.x0 > last.x0 + 0.8 * size and not centred:  # indented: a new one, unless the first line hangs out
        return len(paragraph.lines) == 1 and (paragraph.kind == "item" or (not fits and not ended))
    return centred or not fits or (not ended and line.text[0].islower())


def _text(paragraph: _Open, words: Vocabulary) -> str:
    lines = paragraph.lines
    if paragraph.kind == "code":
        left = min(line.x0 for line in lines)
        return "\n".join(" " * round((line.x0 - left) / (0.6 * line.size)) + line.text for line in lines)
    text = lines[0].text
    for line in lines[1:]:
        text = words.join(text, line.text)
    if paragraph.kind == "item" and text[0] in _BULLET:
        text = f"- {text[1:].lstrip()}"
    return _LEADERS.sub(" \u2026 ", text).replace("\u00ad", "").replace("  ", " ").strip()

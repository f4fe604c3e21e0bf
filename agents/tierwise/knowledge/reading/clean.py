"""What nobody sees in a text, taken out of it: control characters, terminal sequences, invisible format characters.

They make a text read otherwise than it looks, to a terminal, a model or a search. Spans are moved along.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace

from tierwise.knowledge.document import Document, Page

_MOST_TITLE_CHARS = 500

# Letters of many scripts are joined or kept apart by these two, and so are emoji; Latin letters are not.
_JOINER = "[\u200c\u200d]"
_JOINED = "[\u0300-\u1fff\u2100-\U000e0000\U000e0100-\U0010ffff]"
_SELECTOR = "[\ufe00-\ufe0f\U000e0100-\U000e01ef]"
_PARTS = {
    # A sequence of a terminal: colours and movements, titles and the like with all they carry, and a bare escape.
    "terminal": r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]"
    r"|[\]PX^_](?:[^\x07\x1b\n]{0,1000}(?:\x07|\x1b\\))?|[ -/]{0,8}[0-~])?",
    "line": r"[\x0b\x0c\x85\u2028\u2029]|\r\n?",
    "control": r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]",
    "half": "[\ud800-\udfff]",
    # Hyphens and breaks that show only at the end of a line, marks of direction and bytes, unseen operators, joiners.
    "unseen": f"[\u00ad\u200b\u200e\u200f\u061c\u2060-\u2064\ufeff]|(?<!{_JOINED}){_JOINER}(?!{_JOINED})",
    "hidden": "[\u202a-\u202e\u2066-\u206f\u180e\u3164\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
    f"|(?<={_SELECTOR}){_SELECTOR}",
}
_UNWANTED = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PARTS.items()))
_INSTEAD = {"line": "\n", "half": "\ufffd"}
# Every character that one of them begins with: a text is looked through for these, which is fast.
_SUSPECT = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e01ef]"
)


def clean_document(document: Document) -> Document:
    """The document without what nobody sees in it; warnings say what could have misled a reader.

    Taken out are terminal sequences, control characters but tab and newline, characters that turn the direction of a
    text, that hide words or that join what needs no joining. Other line ends become newlines, halves of surrogate
    pairs U+FFFD. Composed and decomposed letters stay as they are.
    """
    seen: set[str] = set()
    pages = tuple(_clean_page(page, seen) for page in document.pages)
    warnings = [_line(warning) for warning in document.warnings]
    if "hidden" in seen:
        warnings.append(
            "It held invisible characters that turn the direction of text or hide words; they were left out, so look "
            "at the file itself before you trust how it reads."
        )
    if "terminal" in seen:
        warnings.append("It held control sequences for terminals; they were left out.")
    title = _line(document.title or "")[:_MOST_TITLE_CHARS] or None
    return replace(document, title=title, pages=pages, warnings=tuple(warnings))


def clean_text(text: str) -> str:
    """A text by itself, cleaned in the same way."""
    kept: list[str] = []
    last = 0
    for start, end, kind in _unwanted(text):
        kept += (text[last:start], _INSTEAD.get(kind, ""))
        last = end
    return "".join((*kept, text[last:]))


def _unwanted(text: str) -> Iterator[tuple[int, int, str]]:
    """The pieces that are taken out, in order: from, to, and which of the kinds above they are."""
    last = place = 0
    while suspect := _SUSPECT.search(text, place):
        start = suspect.start()
        found = _UNWANTED.match(text, start)
        place = found.end() if found else start + 1
        if found:
            if text[start] == "\b" and start > last and text[start - 1] != "\n":
                start -= 1  # typed over, as in pages for printers
            yield start, place, found.lastgroup or ""
            last = place


def _line(text: str) -> str:
    return " ".join(clean_text(text).split())


def _clean_page(page: Page, seen: set[str]) -> Page:
    moved, text, last = _Moved(), list[str](), 0
    for start, end, kind in _unwanted(page.text):
        seen.add(kind)
        instead = _INSTEAD.get(kind, "")
        text += (page.text[last:start], instead)
        moved.took(start, end, len(instead))
        last = end
    text.append(page.text[last:])
    headings = [
        replace(heading, start=moved(heading.start), end=moved(heading.end), title=_line(heading.title))
        for heading in page.headings
    ]
    blocks = [
        replace(block, start=moved(block.start), end=moved(block.end), head=_line(block.head or "") or None)
        for block in page.blocks
    ]
    return Page(
        page.number,
        "".join(text),
        tuple(heading for heading in headings if heading.start < heading.end),
        tuple(block for block in blocks if block.start < block.end),
    )


class _Moved:
    """Where a place of the text is after pieces were taken out of it."""

    def __init__(self) -> None:
        self._ends = array("Q")  # of the pieces in the text as it was
        self._starts = array("Q")
        self._lost = array("Q", [0])  # characters gone before the nth piece
        self._put = array("Q")  # characters in place of it

    def took(self, start: int, end: int, put: int) -> None:
        self._starts.append(start)
        self._ends.append(end)
        self._put.append(put)
        self._lost.append(self._lost[-1] + end - start - put)

    def __call__(self, place: int) -> int:
        nth = bisect_left(self._ends, place)  # the first piece that ends at or after it
        if nth < len(self._ends) and self._starts[nth] < place:  # within that piece, or at its end
            if place == self._ends[nth]:
                return place - self._lost[nth + 1]
            return self._starts[nth] - self._lost[nth]
        return place - self._lost[nth]

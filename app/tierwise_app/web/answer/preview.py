"""A passage where it stands: what a source says around the words that an answer cites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tierwise import Citation, DecisionRecord, Passage, UnknownName
from tierwise.knowledge import Knowledge
from tierwise_app.web.answer.escaping import cleaned, escaped

# A page up to this many characters is shown whole; of a longer one, what stands around the words.
_WHOLE, _AROUND = 6000, 2000
_CUT = "…"
# Words up to this length are also bold: to mark them by colour alone would leave out whoever does not see it. A longer
# passage in bold is hard to read.
_BOLD = 400


@dataclass(frozen=True, slots=True)
class Place:
    """Words of a source that can be looked up.

    Attributes:
        source: path or address.
        page: from 1; ``None`` where there are no pages.
        start: first character in the page's text.
        quote: the words.
        read: the passage that the model was given, if it is known.
    """

    source: str
    page: int | None
    start: int
    quote: str
    read: Passage | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What is to be seen at a place.

    Attributes:
        state: ``here``; ``moved``: the words stand elsewhere on the page by now; ``changed``: they are no longer there;
            ``gone``: the source is not among the sources any more. In the last two cases ``text`` is what was read.
        before: what stands before the words.
        words: the words themselves.
        after: what stands after them.
    """

    state: Literal["here", "moved", "changed", "gone"]
    before: str
    words: str
    after: str


def cited_place(record: DecisionRecord, citation: Citation) -> Place:
    """Where the words of a citation stand."""
    read = next((passage for passage in record.passages if passage.id == citation.passage_id), None)
    return Place(citation.source, citation.page, citation.start, citation.quote, read)


def read_place(passage: Passage) -> Place:
    """Where a passage stands."""
    return Place(passage.source, passage.page, passage.start, passage.text, passage)


def look_up(knowledge: Knowledge, place: Place) -> Preview:
    """What stands at a place now; of a paged source only the page is read."""
    try:
        text = knowledge.source_text(place.source, place.page)
    except UnknownName:
        return _as_read("changed" if place.page is not None and _is_there(knowledge, place.source) else "gone", place)
    if text.startswith(place.quote, place.start):
        return _around("here", text, place.start, place.quote)
    at = text.find(place.quote)
    return _as_read("changed", place) if at < 0 else _around("moved", text, at, place.quote)


def preview_markdown(preview: Preview) -> str:
    """The text line for line as Markdown, the words marked; nothing in it is taken for Markdown."""
    blocks: list[list[str]] = [[]]
    line = ""
    parts = ((preview.before, False), (preview.words, True), (preview.after, False))
    pieces = [(piece, marked, n > 0) for text, marked in parts for n, piece in enumerate(cleaned(text).split("\n"))]
    for piece, marked, begins in pieces:
        if begins:
            _end_line(blocks, line)
            line = ""
        weight = "" if not marked else "**" if len(preview.words) <= _BOLD else " "
        line += _piece(piece, weight, indented=not line)
    _end_line(blocks, line)
    return "\n\n".join("\\\n".join(block) for block in blocks if block)


def _piece(text: str, weight: str, *, indented: bool) -> str:
    """Part of a line; ``weight`` is what a marked part is set off with beside its colour, a blank for nothing."""
    core = text.strip()
    lead, trail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    lead = "\u00a0" * len(lead.expandtabs(4)) if indented else " " * bool(lead)
    if not core:
        return lead if not indented else ""
    bold = weight.strip()
    shown = f":yellow-background[{bold}{escaped(core)}{bold}]" if weight else escaped(core)
    return f"{lead}{shown}{' ' * bool(trail)}"


def _end_line(blocks: list[list[str]], line: str) -> None:
    if line.strip(" "):
        blocks[-1].append(line.rstrip(" "))
    elif blocks[-1]:
        blocks.append([])


def _around(state: Literal["here", "moved"], text: str, at: int, quote: str) -> Preview:
    end = at + len(quote)
    first, last = (0, len(text)) if len(text) <= _WHOLE else (at - _AROUND, end + _AROUND)
    before, after = text[max(0, first) : at], text[end:last]
    if first > 0:
        before = f"{_CUT} {before.split(maxsplit=1)[-1] if ' ' in before else before}"
    if last < len(text):
        after = f"{after.rsplit(maxsplit=1)[0] if ' ' in after else after} {_CUT}"
    return Preview(state, before, quote, after)


def _as_read(state: Literal["changed", "gone"], place: Place) -> Preview:
    at = -1 if place.read is None else place.read.text.find(place.quote)
    if place.read is None or at < 0:
        return Preview(state, "", place.quote, "")
    return Preview(state, place.read.text[:at], place.quote, place.read.text[at + len(place.quote) :])


def _is_there(knowledge: Knowledge, source: str) -> bool:
    try:
        knowledge.source_text(source)
    except UnknownName:
        return False
    return True

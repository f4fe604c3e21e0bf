"""Documents to passages: verbatim spans of about one thought each, cut where a reader would pause."""

from __future__ import annotations

import hashlib
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tierwise.knowledge.document import Document, Heading, Page

TARGET_TOKENS = 140  # with its title it stays well within the 256 tokens that the embedder reads
MAX_TOKENS = 180
MAX_CHARS = 2000  # a word of any length can be one token, so tokens alone bound nothing
MIN_TOKENS = 24
MAX_TITLE_CHARS = 160
CUTTER_VERSION = "1"  # part of every content hash: a better cutter cuts unchanged files again

TokenSpans = Callable[[str], Sequence[tuple[int, int]]]
_Span = tuple[int, int]

_PARAGRAPH = re.compile(r"\S(?:.*\S)?(?:[ \t]*\n[ \t]*\S(?:.*\S)?)*")
_LINE = re.compile(r"\S(?:[^\n]*\S)?")
_SENTENCE = re.compile(r"\S.*?(?:[.!?\u2026][\"'\u201d\u2019)\]]*(?=\s)|[\u3002\uff01\uff1f]|\Z)", re.S)
_WORD = re.compile(r"\S+")
_LEVELS = (_PARAGRAPH, _SENTENCE, _LINE, _WORD)
_SPACE = re.compile(r"\s")
_PART_CHARS = 100_000
_ROUGH_TOKEN = re.compile(r"\w{1,4}|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage before it is stored: ``page.text[start:end] == text``.

    ``title`` names the document and the headings above the passage; it is embedded and indexed with the text.
    """

    id: str
    page: int | None
    start: int
    end: int
    text: str
    title: str | None

    @property
    def embedded(self) -> str:
        """The text that becomes the vector."""
        return f"{self.title}\n{self.text}" if self.title else self.text


def rough_token_spans(text: str) -> list[tuple[int, int]]:
    """Spans of about a token each, for embedders that cannot tell their own."""
    return [match.span() for match in _ROUGH_TOKEN.finditer(text)]


def cut(document: Document, token_spans: TokenSpans, *, key: str) -> list[Cut]:
    """Cut a document into passages, in reading order, that cover all its words and do not overlap.

    A passage stays within one page, section and :data:`MAX_TOKENS`; it ends with a paragraph if it can, else with a
    sentence, a line, a word. Only a single word that is itself too long is cut inside.

    Args:
        document: what was read.
        token_spans: the embedder's tokens of a text, as spans in characters.
        key: what makes the ids of this document's passages different from those of any other.
    """
    seen: dict[str, int] = {}
    cuts = []
    for page, start, end, title in _spans(document, token_spans):
        text = page.text[start:end]
        # Not the offset but the how-manieth of its kind: text inserted above moves a passage without renaming it.
        content = f"{key}\0{page.number}\0{title}\0{text}"
        seen[content] = nth = seen.get(content, -1) + 1
        digest = hashlib.sha256(f"{content}\0{nth}".encode()).hexdigest()[:32]
        cuts.append(Cut(digest, page.number, start, end, text, title))
    return cuts


def _spans(document: Document, token_spans: TokenSpans) -> Iterator[tuple[Page, int, int, str | None]]:
    for page in document.pages:
        measure = _Measure(page.text, token_spans)
        path: list[Heading] = []
        for above, start, end in _sections(page):
            for heading in above:
                path = [*(h for h in path if h.level < heading.level), heading]
            title = _title(document.title, path)
            for a, b in _pack(measure, start, end):
                yield page, a, b, title


def _sections(page: Page) -> Iterator[tuple[list[Heading], int, int]]:
    """Spans with the headings that open them; a heading with nothing under it goes with the next."""
    starts = [h.start for h in page.headings] + [len(page.text)]
    yield [], 0, starts[0]
    begin, above = starts[0], list[Heading]()
    for heading, end in zip(page.headings, starts[1:], strict=True):
        above.append(heading)
        if page.text[heading.end : end].strip() or end == len(page.text):
            yield above, begin, end
            begin, above = end, []


def _title(document: str | None, path: Sequence[Heading]) -> str | None:
    names = [document] if document else []
    names += [h.title for h in path if h.title and h.title not in names]
    return " > ".join(names)[-MAX_TITLE_CHARS:] or None


class _Measure:
    """Counts the tokens of any span of one text after tokenising it once."""

    def __init__(self, text: str, token_spans: TokenSpans) -> None:
        self.text = text
        self.starts, self._ends = array("L"), array("L")
        begin = 0
        while begin < len(text):  # in parts: the tokenizer's own lists are far larger than ours
            space = _SPACE.search(text, begin + _PART_CHARS)
            end = space.start() if space else len(text)
            for a, b in token_spans(text[begin:end]):
                self.starts.append(begin + a)
                self._ends.append(begin + b)
            begin = end

    def first(self, start: int) -> int:
        """Index of the first token that is not over at ``start``."""
        return bisect_right(self._ends, start)

    def tokens(self, start: int, end: int) -> int:
        return max(0, bisect_left(self.starts, end) - self.first(start))

    def fits(self, start: int, end: int, tokens: int) -> bool:
        return end - start <= MAX_CHARS and self.tokens(start, end) <= tokens


def _pack(measure: _Measure, start: int, end: int) -> Iterator[_Span]:
    """Join the pieces of a section to passages of about the target size."""
    current: _Span | None = None
    for a, b in _pieces(measure, start, end, 0):
        if current is None:
            current = (a, b)
        elif measure.fits(current[0], b, TARGET_TOKENS) or (
            # What is too small to say something by itself may stretch the target.
            min(measure.tokens(*current), measure.tokens(a, b)) < MIN_TOKENS and measure.fits(current[0], b, MAX_TOKENS)
        ):
            current = (current[0], b)
        else:
            yield current
            current = (a, b)
    if current is not None:
        yield current


def _pieces(measure: _Measure, start: int, end: int, level: int) -> Iterator[_Span]:
    """What may not be cut if it can be helped: paragraphs, or where those are too long sentences, lines, words."""
    if level == len(_LEVELS):
        yield from _hard_cuts(measure, start, end)
        return
    for match in _LEVELS[level].finditer(measure.text, start, end):
        a, b = match.span()
        if measure.fits(a, b, TARGET_TOKENS):
            yield a, b
        else:
            yield from _pieces(measure, a, b, level + 1)


def _hard_cuts(measure: _Measure, start: int, end: int) -> Iterator[_Span]:
    while not measure.fits(start, end, TARGET_TOKENS):
        after = measure.first(start) + TARGET_TOKENS
        at = measure.starts[after] if after < len(measure.starts) else end
        at = max(start + 1, min(at, start + MAX_CHARS))
        yield start, at
        start = at
    if start < end:
        yield start, end

"""Documents to passages: verbatim spans of about one thought each, cut where a reader would pause."""

from __future__ import annotations

import hashlib
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tierwise.knowledge.document import Block, Document, Heading, Page

TARGET_TOKENS = 140  # with its title it stays well within the 256 tokens that the embedder reads
MAX_TOKENS = 180
MAX_CHARS = 2000  # a word of any length can be one token, so tokens alone bound nothing
MIN_TOKENS = 24
MAX_TITLE_CHARS = 160
MAX_HEAD_CHARS = 200
CUTTER_VERSION = "2"  # part of every content hash: a better cutter cuts unchanged files again

TokenSpans = Callable[[str], Sequence[tuple[int, int]]]
_Span = tuple[int, int]

_PARAGRAPH = re.compile(r"\S(?:.*\S)?(?:[ \t]*\n[ \t]*\S(?:.*\S)?)*")
_LINE = re.compile(r"\S(?:[^\n]*\S)?")
_SENTENCE = re.compile(r"\S.*?(?:[.!?\u2026][\"'\u201d\u2019)\]]*(?=\s)|[\u3002\uff01\uff1f]|\Z)", re.S)
_WORD = re.compile(r"\S+")
_PROSE = (_PARAGRAPH, _SENTENCE, _LINE, _WORD)
_ROWS = (_PARAGRAPH, _LINE, _SENTENCE, _WORD)  # of a block: a row, an entry, a line of code says more than a sentence
_SPACE = re.compile(r"\s")
_PART_CHARS = 100_000
_ROUGH_TOKEN = re.compile(r"\w{1,4}|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage before it is stored: ``page.text[start:end] == text``.

    ``title`` names the document and the headings above the passage, ``head`` what its text cannot be understood without
    where the text does not hold it (see :class:`Block`); both are embedded and indexed with the text.
    """

    id: str
    page: int | None
    start: int
    end: int
    text: str
    title: str | None
    head: str | None = None

    @property
    def embedded(self) -> str:
        """The text that becomes the vector."""
        return "\n".join(part for part in (self.title, self.head, self.text) if part)


def rough_token_spans(text: str) -> list[tuple[int, int]]:
    """Spans of about a token each, for embedders that cannot tell their own."""
    return [match.span() for match in _ROUGH_TOKEN.finditer(text)]


def cut(document: Document, token_spans: TokenSpans, *, key: str) -> list[Cut]:
    """Cut a document into passages, in reading order, that cover all its words and do not overlap.

    A passage stays within one page, section and :data:`MAX_TOKENS`. It ends with a paragraph or a block (a list, code,
    a table, a record) if it can, else with a sentence or a block's line, else with a word; only a single word that is
    itself too long is cut inside. What introduces something (``...:``) stays with its beginning.

    Args:
        document: what was read.
        token_spans: the embedder's tokens of a text, as spans in characters.
        key: what makes the ids of this document's passages different from those of any other.
    """
    seen: dict[str, int] = {}
    cuts = []
    for page, start, end, title in _spans(document, token_spans):
        text, head = page.text[start:end], _head(page, start, end)
        # Not the offset but the how-manieth of its kind: text inserted above moves a passage without renaming it.
        content = f"{key}\0{page.number}\0{title}\0{head}\0{text}"
        seen[content] = nth = seen.get(content, -1) + 1
        digest = hashlib.sha256(f"{content}\0{nth}".encode()).hexdigest()[:32]
        cuts.append(Cut(digest, page.number, start, end, text, title, head))
    return cuts


def _spans(document: Document, token_spans: TokenSpans) -> Iterator[tuple[Page, int, int, str | None]]:
    path: list[Heading] = []
    for page in document.pages:
        measure = _Measure(page.text, token_spans)
        if document.kind != "pdf":  # whose sections go on over pages; a sheet or a slide is one of its own
            path = []
        for above, start, end in _sections(page):
            for heading in above:
                path = [*(h for h in path if h.level < heading.level), heading]
            title = _title(document.title, path)
            for a, b in _pack(measure, _parts(measure, page.blocks, start, end)):
                yield page, a, b, title


def _head(page: Page, start: int, end: int) -> str | None:
    """The head of the block that the passage begins in the middle of; of one that it holds part of, else."""
    for block in page.blocks[max(0, bisect_right(page.blocks, start, key=lambda b: b.start) - 1) :]:
        if block.start >= end:
            break
        if block.end > start and block.head and block.head.strip() not in page.text[start:end]:
            return block.head.strip()[:MAX_HEAD_CHARS]
    return None


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


def _parts(measure: _Measure, blocks: Sequence[Block], start: int, end: int) -> Iterator[_Span]:
    """What may not be cut if it can be helped: blocks and the paragraphs between them, or pieces of those too long."""
    first = bisect_right(blocks, start, key=lambda block: block.end)
    for block in blocks[first:]:
        if block.start >= end:
            break
        a, b = max(start, block.start), min(end, block.end)
        yield from _pieces(measure, start, a, _PROSE)
        if (text := measure.text[a:b]).strip():
            a, b = a + len(text) - len(text.lstrip()), b - len(text) + len(text.rstrip())
            if measure.fits(a, b, MAX_TOKENS):
                yield a, b
            else:
                yield from _pieces(measure, a, b, _ROWS)
        start = min(end, block.end)
    yield from _pieces(measure, start, end, _PROSE)


def _pieces(measure: _Measure, start: int, end: int, levels: Sequence[re.Pattern[str]]) -> Iterator[_Span]:
    """What the first level finds, or where that is too long what the next ones find in it."""
    if not levels:
        yield from _hard_cuts(measure, start, end)
        return
    for match in levels[0].finditer(measure.text, start, end):
        a, b = match.span()
        if measure.fits(a, b, TARGET_TOKENS):
            yield a, b
        else:
            yield from _pieces(measure, a, b, levels[1:])


def _pack(measure: _Measure, parts: Iterable[_Span]) -> Iterator[_Span]:
    """Join the parts of a section to passages of about the target size."""
    current: list[_Span] = []
    for a, b in parts:
        if current and not _joins(measure, (current[0][0], current[-1][1]), (a, b)):
            last = current[-1]
            leads = len(current) > 1 and measure.text[last[1] - 1] == ":" and measure.fits(last[0], b, MAX_TOKENS)
            kept = current[:-1] if leads else current
            yield kept[0][0], kept[-1][1]
            current = current[len(kept) :]
        current.append((a, b))
    if current:
        yield current[0][0], current[-1][1]


def _joins(measure: _Measure, before: _Span, part: _Span) -> bool:
    """Whether a part goes to what is before it; what is too small to say something by itself may stretch the target."""
    small = min(measure.tokens(*before), measure.tokens(*part)) < MIN_TOKENS
    return measure.fits(before[0], part[1], MAX_TOKENS if small else TARGET_TOKENS)


def _hard_cuts(measure: _Measure, start: int, end: int) -> Iterator[_Span]:
    while not measure.fits(start, end, TARGET_TOKENS):
        after = measure.first(start) + TARGET_TOKENS
        at = measure.starts[after] if after < len(measure.starts) else end
        at = max(start + 1, min(at, start + MAX_CHARS))
        yield start, at
        start = at
    if start < end:
        yield start, end

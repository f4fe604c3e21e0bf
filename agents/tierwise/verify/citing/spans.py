"""What a claim may be cited with: sentences of passages, pairs of neighbours, rows of tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePath

from tierwise.types import Passage
from tierwise.verify.citing.facts import Facts, as_words, facts_of
from tierwise.verify.citing.keys import FILLER_KEYS, keys_of
from tierwise.verify.citing.rows import Row, rows_of
from tierwise.verify.sentences import split_sentences

_TITLE_LENGTH = 100
# Two sentences support a claim together if the second leans on the first, or if each has a part of the claim.
_LEANING = re.compile(
    r"(?:it|its|they|them|their|he|she|his|her|this|these|that|those|such|both|there|then)\b", re.IGNORECASE
)
_CONDITION = re.compile(r"(?:if|when|unless|although|while|otherwise)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a passage's text.

    Attributes:
        start: its first character.
        end: one past its last.
        quote: ``text[start:end]`` of the passage.
        says: what it says; of a row, with the names of the columns.
        keys: of its words, fillers left out.
        plain: its words alone (:func:`tierwise.verify.citing.facts.as_words`).
        parts: keys of each of two sentences.
        leaning: the second of them leans on the first.
        row: the row that it is.
    """

    start: int
    end: int
    quote: str
    says: str
    keys: frozenset[str]
    plain: str
    parts: tuple[frozenset[str], ...] = ()
    leaning: bool = False
    row: Row | None = None


@lru_cache(maxsize=128)
def spans_of(text: str, head: str | None) -> tuple[Span, ...]:
    """Every sentence of a passage, every two neighbours, and every row of its tables; questions say nothing."""
    rows = rows_of(text, head)
    found = [Span(r.start, r.end, text[r.start : r.end], r.text, _keys(r.text), as_words(r.text), row=r) for r in rows]
    singles: list[Span | None] = []
    for sentence in split_sentences(text):
        quote = text[sentence.start : sentence.end]
        in_row = any(row.start < sentence.end and sentence.start < row.end for row in rows)
        if sentence.code or sentence.heading or in_row or quote.endswith("?"):
            singles.append(None)
            continue
        singles.append(Span(sentence.start, sentence.end, quote, quote, _keys(quote), as_words(quote)))
    found += [single for single in singles if single is not None]
    for one, two in pairwise(singles):
        if one is None or two is None or _CONDITION.match(two.quote):
            continue
        leaning = _LEANING.match(two.quote) is not None
        quote = text[one.start : two.end]
        # A line that ends without a full stop is a sentence all the same.
        says = one.quote + ("" if one.quote.endswith((".", "!", ":", ";")) else ".") + text[one.end : two.end]
        found.append(
            Span(one.start, two.end, quote, says, one.keys | two.keys, as_words(says), (one.keys, two.keys), leaning)
        )
    return tuple(found)


def title_of(passage: Passage) -> Facts:
    """Facts of what holds for a whole passage: the title, the file's name, headings, and what it cannot do without."""
    headings = [passage.text[s.start : s.end] for s in split_sentences(passage.text) if s.heading]
    first_line = passage.text.partition("\n")[0].strip()
    if passage.start == 0 and len(first_line) <= _TITLE_LENGTH and not first_line.endswith((".", "!", "?")):
        headings.append(first_line)
    if passage.head and "|" not in passage.head:  # the columns of a table are read with its rows
        headings.append(passage.head)
    name = re.sub(r"[_.-]+", " ", PurePath(passage.source).stem)
    return facts_of(". ".join((passage.title or "", name, *headings)))


def _keys(text: str) -> frozenset[str]:
    return frozenset(keys_of(text)) - FILLER_KEYS

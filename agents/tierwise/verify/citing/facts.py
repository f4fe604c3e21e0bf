"""The hard facts of a sentence, made comparable: numbers with units, dates, times, identifiers, names, negation.

A claim whose facts do not all stand in a span is not supported by it, however alike the two sound.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from tierwise.verify.citing import quantities
from tierwise.verify.citing.code_words import code_mark, trimmed
from tierwise.verify.citing.items import Item, items_of
from tierwise.verify.citing.keys import is_content, key_of, keys_of
from tierwise.verify.citing.negation import Scopes, differs, scopes_of
from tierwise.verify.citing.opposites import emphasis_of, opposed, stronger
from tierwise.words import STOPWORDS, stem, words

_CONTACT = re.compile(r"https?://[^\s<>\"')\]]+|\bwww\.[^\s<>\"')\]]+|[\w.+-]+@[\w-]+\.[\w.-]*\w")
_IDENTIFIER = re.compile(r"\b(?=[\w-]*[A-Za-z])(?=[\w-]*\d)[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*\b")
_CAPITALISED = re.compile(r"(?<![\w'\u2019])[^\W\d_a-z][^\W\d_]*(?:['\u2019-][^\W\d_]+)*")
_COUNTED = re.compile(r"[\s-]*([^\W\d_]+)")
_QUOTED = re.compile(r"\"([^\"\n]{2,300})\"|\u201c([^\u201d\n]{2,300})\u201d|\u00ab([^\u00bb\n]{2,300})\u00bb")
_FIRST_FACT, _MOST_FACTS = 0xE000, 0x1900  # the private characters that stand for facts


class Quantity(NamedTuple):
    """A number, its unit (empty if it has none), and the key of the word after it, if that is no unit."""

    value: str
    unit: str = ""
    counted: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text states that must not be altered.

    Attributes:
        numbers: with units.
        marks: months, weekdays, clock times, identifiers, options, paths, addresses, all normalised.
        names: words with a capital inside a sentence, in lower case.
        opener: the capitalised first word of the sentence, which may or may not be a name.
        negations: what each negation sits on (:func:`tierwise.verify.citing.negation.scopes_of`).
        emphasis: bounds, "all", "only", "must" (:func:`tierwise.verify.citing.opposites.emphasis_of`).
        words: all words in lower case.
        keys: of the words that carry meaning; units, number words and fillers are left out.
        content: the same with units, number words and fillers.
        items: words, facts and punctuation in order.
        quoted: what stands in quotation marks, as words in lower case with a blank on either side.
        plain: the whole text in that form.
    """

    numbers: frozenset[Quantity]
    marks: frozenset[str]
    names: frozenset[str]
    opener: str
    negations: Scopes
    emphasis: frozenset[str]
    words: frozenset[str]
    keys: frozenset[str]
    content: frozenset[str]
    items: tuple[Item, ...]
    quoted: tuple[str, ...]
    plain: str

    @property
    def units(self) -> frozenset[str]:
        """Keys of the units among its words."""
        return frozenset(key_of(word) for word in self.words if word in quantities.UNIT_OF)


class _Reader:
    """Takes the facts out of a text one kind after the other; each leaves a private character in its place."""

    def __init__(self, text: str) -> None:
        # The text's own private characters say nothing to anybody.
        self.rest = re.sub("[\ue000-\uf8ff]", " ", text).replace("\\-", "-")
        self.marks: set[str] = set()
        self.numbers: set[Quantity] = set()
        self._items: list[Item | None] = []

    def items(self) -> tuple[Item, ...]:
        return items_of(self.rest, self._items)

    def read(self) -> None:
        self.rest = _CONTACT.sub(lambda m: self._mark(m[0].rstrip(".,;").lower()), self.rest)
        self.rest = re.sub(r"\S*[^\w\s]\S*|\S*[a-z][A-Z]\S*|\S*_\S*", self._code, self.rest)
        self.rest = quantities.ISO_DATE.sub(self._iso_date, self.rest)
        self.rest = quantities.CLOCK.sub(lambda m: self._mark(quantities.clock(m)), self.rest)
        self.rest = quantities.ORDINAL.sub(r"\1", self.rest)
        self.rest = quantities.GLUED_UNIT.sub(
            lambda m: f"{m[1]} {m[2]}" if m[2].lower() in quantities.UNIT_OF else m[0], self.rest
        )
        self.rest = _IDENTIFIER.sub(lambda m: self._mark(re.sub(r"[-_]", "", m[0]).lower()), self.rest)
        self.rest = quantities.NUMBER.sub(self._number, self.rest)
        self.rest = quantities.NUMBER_WORDS.sub(self._number_words, self.rest)
        self.rest = re.sub(r"\b[A-Z][a-z]+\b\.?", self._date_word, self.rest)

    def _put(self, item: Item) -> str:
        if len(self._items) >= _MOST_FACTS:
            return " "
        self._items.append(item)
        return chr(_FIRST_FACT + len(self._items) - 1)

    def _mark(self, value: str) -> str:
        self.marks.add(value)
        return self._put(Item("", f"@{value}"))

    def _code(self, match: re.Match[str]) -> str:
        front, core, end = trimmed(match[0])
        found = code_mark(core)
        if found is None:
            return match[0]
        mark, left = found
        return f"{front}{self._mark(mark)} {left}{end}"

    def _quantity(self, value: str, unit: str, end: int, text: str) -> str:
        after = _COUNTED.match(text, end)
        word = after[1].lower() if after else ""
        counted = key_of(word) if not unit and word and is_content(word) else ""
        quantity = Quantity(value, unit, counted)
        self.numbers.add(quantity)
        return self._put(Item("", f"#{value}", number=True, unit=unit or quantity.counted))

    def _number(self, match: re.Match[str]) -> str:
        text, currency = match.string, (match[1] or "").strip()
        unit = quantities.UNIT_OF.get(currency) or quantities.unit_after(text, match.end())
        value = quantities.plain(match[0].lstrip("$\u20ac\u00a3 "), quantities.scale_after(text, match.end()))
        return self._quantity(value, unit, match.end(), text)

    def _number_words(self, match: re.Match[str]) -> str:
        value = quantities.value_of(match[0].lower())
        if value is None:
            return match[0]
        unit = quantities.unit_after(match.string, match.end())
        return self._quantity(f"{value:.12g}", unit, match.end(), match.string)

    def _iso_date(self, match: re.Match[str]) -> str:
        month = int(match[2])
        if not 1 <= month <= 12:
            return match[0]
        year, day = match[1], str(int(match[3]))
        self.numbers.update({Quantity(year), Quantity(day)})
        parts = (self._put(Item("", f"#{n}", number=True)) for n in (day, year))
        return " ".join((next(parts), self._mark(quantities.MONTHS[month - 1]), next(parts)))

    def _date_word(self, match: re.Match[str]) -> str:
        found = quantities.date_word(match.string, match)
        return match[0] if found is None else self._mark(found) + "." * match[0].endswith(".")


@lru_cache(maxsize=2048)
def facts_of(text: str) -> Facts:
    """Read the facts of one or two sentences."""
    reader = _Reader(text)
    reader.read()
    lowered = words(text)
    names, opener = _names(reader.rest)
    items = reader.items()
    return Facts(
        numbers=frozenset(reader.numbers),
        marks=frozenset(reader.marks),
        names=names,
        opener=opener,
        negations=scopes_of(text),
        emphasis=emphasis_of(reader.rest),
        words=frozenset(lowered),
        keys=frozenset(item.key for item in items if item.word and item.key and not item.filler),
        content=frozenset(keys_of(text)),
        items=items,
        quoted=tuple(as_words(next(filter(None, m.groups()))) for m in _QUOTED.finditer(text)),
        plain=as_words(text),
    )


_NOTHING: frozenset[str] = frozenset()
NO_FACTS = Facts(frozenset(), _NOTHING, _NOTHING, "", (), _NOTHING, _NOTHING, _NOTHING, _NOTHING, (), (), "")


def contradiction(claim: Facts, span: Facts, *, context: Facts = NO_FACTS, asked: Facts = NO_FACTS) -> str | None:
    """Why the span cannot support the claim, in a word.

    Args:
        claim: facts of the sentence to support.
        span: facts of the piece of source.
        context: what holds for the whole passage: its title and headings. Their facts count as standing in the span.
        asked: facts of the question. A claim may repeat them where the span is silent, that is, has no fact of the kind
            that the claim lacks.

    Returns:
        ``number``, ``date``, ``name``, ``quote``, ``negation``, ``strength`` or ``opposite``; ``None`` if every hard
        fact of the claim stands in the span.
    """
    # A number of a heading ("3. Limits") counts nothing; a year or the number of a model may.
    there = span.numbers | {n for n in context.numbers if len(n.value) > 2 and not n.unit and not n.counted}
    units = {quantities.UNIT_OF.get(word) for word in span.words | context.words}
    numbers = {n for n in claim.numbers if not _has_number(n, there, units)}
    if numbers and not (
        all(_has_number(n, asked.numbers, units) for n in numbers)
        and all(_has_number(n, claim.numbers, units) for n in span.numbers)
    ):
        return "number"
    marks = claim.marks - span.marks - context.marks
    if marks and not (marks <= asked.marks and span.marks <= claim.marks):
        return "date"
    names = {name for name in claim.names if not _has_name(name, span.words | context.words)}
    if names and not (all(_has_name(n, asked.words) for n in names) and _all_named(span, claim, context)):
        return "name"
    if any(quote not in span.plain for quote in claim.quoted):
        return "quote"
    if differs(claim.negations, claim.content, span.negations):
        return "negation"
    if stronger(claim.emphasis, span.emphasis | context.emphasis):
        return "strength"
    return "opposite" if opposed(claim.words, span.words) else None


def _all_named(span: Facts, claim: Facts, context: Facts) -> bool:
    return all(_has_name(name, claim.words | context.words) for name in span.names)


def as_words(text: str) -> str:
    """The words and numbers of a text in lower case, one blank before, between and after them."""
    return " " + " ".join(re.findall(r"[^\W_]+", text.lower())) + " "


def _names(text: str) -> tuple[frozenset[str], str]:
    """Names inside the sentence, and its capitalised first word; a heading in capitals has none."""
    first = re.search(r"[^\W\d_]+", text)
    capitals = list(_CAPITALISED.finditer(text))
    total = [word for word in re.findall(r"[^\W\d_]+", text) if word.lower() not in STOPWORDS]
    heading = len(total) > 3 and sum(word[0].isupper() for word in total) > 0.8 * len(total)
    if heading:
        return frozenset(), ""
    names: set[str] = set()
    opener = ""
    for match in capitals:
        word = re.sub(r"['\u2019]s$", "", match[0]).lower()
        if word in STOPWORDS or len(word) < 2 or word in quantities.COUNTING:
            continue
        starts = re.search(r"(?:^\W*|[.!?:]\s+)$", text[: match.start()]) is not None
        if starts and first is not None and match.start() == first.start():
            followed = re.match(r"\s+[A-Z][a-z]", text[match.end() :])
            if followed:
                names.add(word)
            else:
                opener = word
        elif not starts:
            names.add(word)
    return frozenset(names), opener


def _has_number(wanted: Quantity, present: Set[Quantity], units: Set[str | None]) -> bool:
    return any(wanted.value == other.value and _same_thing(wanted, other, units) for other in present)


def _same_thing(wanted: Quantity, other: Quantity, units: Set[str | None]) -> bool:
    """Whether two equal numbers may count the same: "24 months" is not "24 pages", but may be a bare 24 in a table."""
    if wanted.unit and other.unit:
        return wanted.unit == other.unit
    if wanted.unit:
        return not other.counted and wanted.unit in units
    return not (wanted.counted and other.unit)


def _has_name(name: str, present: Set[str]) -> bool:
    return all(
        piece in present or any(word.removesuffix("'s") == piece or stem(word) == stem(piece) for word in present)
        for piece in re.split(r"[-\u2019']", name)
        if piece
    )

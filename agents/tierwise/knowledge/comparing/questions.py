"""Questions with the quotes that answer them, and what of it a search found."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tierwise.errors import InvalidInput
from tierwise.textfile import read_text

FIRST = 10
"""Passages of a search that are looked at."""

SHARE = 0.8
"""A passage holds a quote if it holds this share of the quote's distinct words."""

_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a document that answer a question, or a part of it.

    Attributes:
        words: its distinct words.
        part: quotes of the same part are alternatives; a full answer needs one of each.
    """

    words: frozenset[str]
    part: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question; without quotes it is one that the documents do not answer, of a ``kind``.

    Attributes:
        files: that answer it, as paths below the corpus.
    """

    id: str
    text: str
    kind: str
    files: frozenset[str]
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Rank:
    """Where the first passage stands that counts, from 1; 0 if none of the first ten does.

    Attributes:
        quote: that comes from one of the question's files and holds one of its quotes.
        file: that comes from one of its files.
        parts: whether a quote of every part was among the first ten.
    """

    quote: int
    file: int
    parts: bool


def read_questions(path: Path) -> list[Question]:
    """Read questions, one JSON object a line.

    Each has ``question`` and may have ``id``, ``kind``, ``gold_quotes`` (of ``file``, ``quote`` and ``part``), and
    ``gold_files`` where they are more than those of the quotes.

    Raises:
        InvalidInput: if the file cannot be read or a line is not such an object.
    """
    found = []
    for n, line in enumerate(read_text(path).splitlines(), 1):
        if line.strip():
            try:
                found.append(_question(json.loads(line), n))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise InvalidInput(
                    f"Line {n} of {path} is no question: {type(error).__name__}: {error}.",
                    fix='Write {"question": ..., "gold_quotes": [{"file": ..., "quote": ...}]} on each line.',
                ) from error
    if not any(question.quotes for question in found):
        raise InvalidInput(f"{path} has no question with gold quotes.", fix="Name the quotes that answer it.")
    return found


def _question(row: dict[str, Any], n: int) -> Question:
    gold = row.get("gold_quotes") or ()
    quotes = tuple(Quote(frozenset(words(one["quote"])), int(one.get("part", 0))) for one in gold)
    files = frozenset(map(str, row.get("gold_files") or (one["file"] for one in gold)))
    return Question(str(row.get("id", n)), str(row["question"]), str(row.get("kind", "")), files, quotes)


def words(text: str) -> set[str]:
    """The distinct words of a text: letters and digits, folded, soft hyphens and empty spaces taken out."""
    return set(_WORD.findall(unicodedata.normalize("NFKC", text).replace("\u00ad", "").replace("\u200b", "").lower()))


def rank(question: Question, found: Sequence[tuple[str, str]]) -> Rank:
    """Judge what a search found: files below the corpus with texts, best first."""
    by_quote = by_file = 0
    parts: set[int] = set()
    for n, (file, text) in enumerate(found[:FIRST], 1):
        if file in question.files:
            by_file = by_file or n
            have = words(text)
            held = {quote.part for quote in question.quotes if len(quote.words & have) >= SHARE * len(quote.words)}
            parts |= held
            if held:
                by_quote = by_quote or n
    return Rank(by_quote, by_file, parts == {quote.part for quote in question.quotes})

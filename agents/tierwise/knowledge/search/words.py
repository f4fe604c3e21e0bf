"""Which passages hold the terms of a question, by the index of words (FTS5), and what that is worth."""

from __future__ import annotations

import heapq
import json
import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tierwise.knowledge.search.terms import Term
from tierwise.knowledge.store import embeddings, tables
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.where import Where

COMMON = 2_000
"""A term that more passages hold says little, and reading where they all are would take longer than all the rest."""


@dataclass(frozen=True, slots=True)
class Held:
    """A term and the passages that hold it.

    Attributes:
        weight: how much it tells: the inverse document frequency of BM25, in natural logarithms.
        rows: of the table ``passages``; a word is found in all its endings.
        exact: it was looked for by its spelling.
    """

    weight: float
    rows: frozenset[int]
    exact: bool = False


def look_up(db: Database, terms: Sequence[Term], only: Where | None) -> list[Held]:
    """The terms of a question that are not too common, with the passages that hold them.

    A name counts twice: by its words one after the other, and by its very spelling. Common is what many passages of the
    whole store hold. Where every term is, some of the passages that hold all of them are found.

    Args:
        db: where they are.
        terms: of the question.
        only: a condition on the sources; weights are then those within them.
    """
    total = tables.count(db) if only is None else embeddings.count_of(db, only)
    found = []
    for term in terms:
        rows = _matching(db, [term], None)
        if len(rows) > COMMON:
            continue
        if only is not None:  # not in the same query, which would look at the source of every passage with the term
            rows = _inside(db, rows, only)
        found.append(Held(_weight(len(rows), total), rows))
        if term.spelling is not None:
            spelt = _spelt(db, rows, term.spelling) or rows
            found.append(Held(_weight(len(spelt), total), spelt, exact=True))
    if terms and not found:
        rows = _matching(db, terms, only)
        found.append(Held(_weight(len(rows), total), rows))
    return found


def _weight(holding: int, total: int) -> float:
    return math.log1p((max(0, total - holding) + 0.5) / (holding + 0.5))


def _matching(db: Database, terms: Sequence[Term], only: Where | None) -> frozenset[int]:
    """Rows of passages that hold all of the terms; one more than :data:`COMMON` if there are so many."""
    sql = "SELECT words.rowid FROM words"
    if only is None:
        sql += " WHERE words MATCH ? LIMIT ?"
    else:
        sql += " JOIN passages p ON p.rowid = words.rowid JOIN sources s ON s.id = p.source"
        sql += f" WHERE words MATCH ? AND ({only.sql}) LIMIT ?"
    values = only.parameters if only is not None else ()
    match = " ".join(f'"{term.text}"' for term in terms)
    return frozenset(row for (row,) in db.rows(sql, (match, *values, COMMON + 1)))


def _inside(db: Database, rows: Collection[int], only: Where) -> frozenset[int]:
    """Those of the rows that are of sources which meet a condition."""
    found = db.rows(
        "SELECT p.rowid FROM passages p JOIN sources s ON s.id = p.source"  # noqa: S608
        f" WHERE p.rowid IN (SELECT value FROM json_each(?)) AND ({only.sql})",
        (json.dumps(list(rows)), *only.parameters),
    )
    return frozenset(row for (row,) in found)


def _spelt(db: Database, rows: Collection[int], spelling: str) -> frozenset[int]:
    """Those of the rows that have these very characters; small and capital letters are the same.

    Several words may stand on two lines, so that the index's word on them has to do.
    """
    if any(character.isspace() for character in spelling):
        return frozenset(rows)
    found = db.rows(
        "SELECT rowid FROM passages"
        " WHERE rowid IN (SELECT value FROM json_each(?)) AND instr(lower(text), lower(?)) > 0",
        (json.dumps(list(rows)), spelling),
    )
    return frozenset(row for (row,) in found)


def share(held: Sequence[Held], rows: Collection[int]) -> float:
    """How much of a question some passages hold together, in [0, 1]: the weight of its terms in them of that of all."""
    total = sum(one.weight for one in held)
    return sum(one.weight for one in held if not one.rows.isdisjoint(rows)) / total if total else 0.0


def fullest(held: Sequence[Held], n: int) -> list[int]:
    """The rows of the ``n`` passages that hold most of a question, fullest first."""
    weights: dict[int, float] = defaultdict(float)
    for one in held:
        for row in one.rows:
            weights[row] += one.weight
    return heapq.nsmallest(n, weights, key=lambda row: (-weights[row], row))

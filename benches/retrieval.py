"""How well questions find their passages: words, vectors, fusion by rank, and what ``Knowledge.search`` does.

    python -m benches.retrieval --corpus DIR --questions FILE.jsonl [--home DIR]

Each line of the questions has ``question``, ``kind`` and ``gold_quotes``, a list of ``{file, quote, part}``. A passage
counts *by file* when it comes from a file of a quote, *by quote* when it also holds at least 80 % of the quote's
distinct words; *all parts* asks for a quote of each part among the first ten. Questions without quotes show how near
unrelated passages come. ``--home`` keeps the ingested documents for the next run.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tierwise.knowledge import Knowledge
from tierwise.knowledge.knowledge import MAX_K
from tierwise.knowledge.search.order import DEPTH, combine, query_words
from tierwise.knowledge.store import tables
from tierwise.models.minilm import MiniLM
from tierwise.types import Passage

SHARE = 0.8
FIRST = 10
COLUMNS = (
    *("quote@1", "quote@5", "quote@10", "quote mrr", "file@1", "file@5", "file@10", "file mrr"),
    "all parts@10",
)
Row = tuple[int, int, bool]


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", unicodedata.normalize("NFKC", text).lower()))


def judge(question: dict[str, Any], passages: Sequence[Passage], corpus: Path) -> Row:
    """First rank by quote and by file (from 1; 0 is none), and whether all parts were found."""
    by_quote = by_file = 0
    parts = set()
    for rank, passage in enumerate(passages[:FIRST], 1):
        file, have = str(Path(passage.source).relative_to(corpus)), words(passage.text)
        for gold in question["gold_quotes"]:
            if gold["file"] == file:
                by_file = by_file or rank
                need = words(gold["quote"])
                if len(need & have) >= SHARE * len(need):
                    by_quote = by_quote or rank
                    parts.add(gold["part"])
    return by_quote, by_file, parts == {gold["part"] for gold in question["gold_quotes"]}


def figures(rows: Sequence[Row]) -> list[float]:
    found = []
    for kind in (0, 1):
        ranks = [row[kind] for row in rows]
        found += [sum(0 < rank <= k for rank in ranks) / len(rows) for k in (1, 5, FIRST)]
        found.append(sum(1 / rank for rank in ranks if rank) / len(rows))
    return [*found, sum(row[2] for row in rows) / len(rows)]


def by_rank(*rankings: Iterable[str]) -> list[str]:
    """Reciprocal-rank fusion with the usual constant of 60."""
    scores: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, id_ in enumerate(ranking, 1):
            scores[id_] += 1 / (60 + rank)
    return sorted(scores, key=lambda id_: (-scores[id_], id_))


def run(knowledge: Knowledge, questions: Sequence[dict[str, Any]], corpus: Path) -> None:
    """Search in four ways and print one line each."""
    db, vectors, embedder = knowledge._db, knowledge._vectors, knowledge._embedder
    results: dict[str, list[Row]] = defaultdict(list)
    nearest: dict[str, list[float]] = defaultdict(list)
    for question in questions:
        vector = embedder.embed([question["question"]])[0]
        matching = tables.match_words(db, query_words(question["question"]), None, DEPTH)
        near = vectors.nearest(vector, MAX_K, None)
        kind = "answerable" if question["gold_quotes"] else question["kind"]
        nearest[kind].append(max(near.values()))
        if not question["gold_quotes"]:
            continue
        matched = [id_ for id_, _ in matching]
        cosines = dict(list(near.items())[:DEPTH])
        cosines |= vectors.cosines(vector, [id_ for id_ in matched if id_ not in cosines])
        ways = {
            "words (BM25)": matched,
            "vectors (cosine)": list(near),
            "fused by rank (RRF)": by_rank(near, matched),
            "cosine + word bonus": combine(cosines, matching),
        }
        for way, ids in ways.items():
            passages = tables.passages(db, dict.fromkeys(ids[:FIRST], 0.0))
            results[way].append(judge(question, [passages[id_] for id_ in ids[:FIRST]], corpus))
    print("| | " + " | ".join(COLUMNS) + " |\n" + "|---" * (len(COLUMNS) + 1) + "|")
    for way, rows in results.items():
        print(f"| {way} | " + " | ".join(f"{value:.2f}" for value in figures(rows)) + " |")
    for kind, tops in nearest.items():
        tops.sort()
        low, middle, high = tops[0], tops[len(tops) // 2], tops[-1]
        print(f"best cosine, {len(tops)} {kind}: lowest {low:.2f}, median {middle:.2f}, highest {high:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of documents")
    parser.add_argument("--questions", type=Path, required=True, help="questions, one JSON object a line")
    parser.add_argument("--home", type=Path, help="keep the ingested documents here")
    arguments = parser.parse_args()
    corpus = arguments.corpus.resolve()
    lines = arguments.questions.read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory() as folder:
        knowledge = Knowledge(arguments.home or folder, MiniLM())
        report = knowledge.ingest(corpus)
        stored = knowledge.collections()[0].passages
        print(f"{len(report.sources)} files, {stored} passages, ingested in {report.seconds:.0f} s")
        run(knowledge, [json.loads(line) for line in lines if line.strip()], corpus)
        knowledge.close()


if __name__ == "__main__":
    main()

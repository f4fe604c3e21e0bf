"""How well citations are given: precision and recall over labelled pairs, and the thresholds that they suggest.

    python benches/support.py            figures of the thresholds in use, on every set
    python benches/support.py --sweep    choose thresholds on the set "dev", then score them on "test"

Each pair is a sentence and a passage; ``supported`` and ``paraphrase`` should be cited, ``number``, ``invented``,
``negated`` and ``off_topic`` should not. Every passage stands beside the others of its set, as it would in a prompt.
Rules were written with an eye on "dev" and "test"; "fresh" came afterwards (docs/evidence.md tells what it changed).
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

from tierwise.models import MiniLM
from tierwise.types import Passage
from tierwise.verify.citing.support import THRESHOLDS, Thresholds, cite
from tierwise.verify.remember import Remembering

PAIRS = Path(__file__).parents[1] / "tests" / "data" / "support_pairs.jsonl"
GOOD = ("supported", "paraphrase")


def load(split: str) -> list[dict[str, Any]]:
    """Pairs of one set, each with the passages of the whole set."""
    pairs = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    pairs = [pair for pair in pairs if pair["split"] == split]
    texts = {pair["source"]: pair["passage"] for pair in pairs}
    passages = tuple(Passage(s, f"/{s}.txt", "default", None, 0, len(t), t) for s, t in texts.items())
    return [{**pair, "passages": passages} for pair in pairs]


def cited(pair: dict[str, Any], embedder: Remembering | None, thresholds: Thresholds) -> bool:
    """Whether the sentence is cited, to the right passage if it should be."""
    support = cite(pair["sentence"], pair["passages"], embedder, thresholds=thresholds)
    sources = {citation.passage_id for citation in support.citations}
    return pair["source"] in sources if pair["label"] in GOOD else bool(sources)


def score(
    pairs: list[dict[str, Any]], embedder: Remembering | None, thresholds: Thresholds
) -> tuple[float, float, Counter[str]]:
    """Precision, recall, and how many of each label were cited."""
    hits: Counter[str] = Counter(pair["label"] for pair in pairs if cited(pair, embedder, thresholds))
    right = sum(hits[label] for label in GOOD)
    total = sum(pair["label"] in GOOD for pair in pairs)
    return right / max(1, hits.total()), right / total, hits


def report(name: str, split: str, embedder: Remembering | None, thresholds: Thresholds, *, each: bool) -> None:
    """Print one line of figures, and the mistakes if wanted."""
    pairs = load(split)
    precision, recall, hits = score(pairs, embedder, thresholds)
    totals = Counter(pair["label"] for pair in pairs)
    by_label = ", ".join(f"{label} {hits[label]}/{n}" for label, n in totals.items())
    print(f"{name} {split}: precision {precision:.3f}, recall {recall:.3f} of {len(pairs)} pairs; cited: {by_label}")
    if each:
        for pair in pairs:
            if cited(pair, embedder, thresholds) != (pair["label"] in GOOD):
                print(f"    {pair['label']}: {pair['sentence']}")


def sweep(embedder: Remembering) -> None:
    """The best thresholds on the set "dev": highest F0.5, for a wrong citation is worse than a missing one."""
    pairs = load("dev")
    best: list[tuple[float, Thresholds]] = []
    for weight, line, surely, hopeless in product(
        (0.3, 0.4, 0.5, 0.6, 0.7), (0.45, 0.5, 0.55, 0.6, 0.65, 0.7), (0.7, 0.8, 0.9), (0.2, 0.3)
    ):
        thresholds = Thresholds(weight, line, surely, hopeless)
        precision, recall, _ = score(pairs, embedder, thresholds)
        best.append((_f_half(precision, recall), thresholds))
    best.sort(key=lambda one: -one[0])
    top = best[0][0]
    print(f"F0.5 {top:.3f} on dev for {sum(f == top for f, _ in best)} of {len(best)} settings")
    for f, thresholds in best[:12]:
        precision, recall, _ = score(load("test"), embedder, thresholds)
        print(f"  dev F0.5 {f:.3f}; test precision {precision:.3f}, recall {recall:.3f}; {thresholds}")
    for line in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        precision, recall, _ = score(pairs, None, Thresholds(words_only=line))
        print(f"  words only from {line}: dev F0.5 {_f_half(precision, recall):.3f} ({precision:.3f}, {recall:.3f})")


def _f_half(precision: float, recall: float) -> float:
    return 1.25 * precision * recall / max(1e-9, 0.25 * precision + recall)


def speed(embedder: MiniLM) -> None:
    """Time of one call for a draft of four sentences over five passages, with and without embedding."""
    passages = load("test")[0]["passages"]
    text = (
        "You have 14 days to report a claim. The building has been home to the city archive since 1988. "
        "The dough should rest at room temperature for eighteen hours. The router was designed in Oslo."
    )
    fresh, ours = [], []
    remembering = Remembering(embedder)
    cite(text, passages, remembering)
    for _ in range(20):
        started = time.perf_counter()
        cite(text, passages, embedder)
        between = time.perf_counter()
        cite(text, passages, remembering)
        fresh.append((between - started) * 1000)
        ours.append((time.perf_counter() - between) * 1000)
    print(f"one draft: {statistics.median(fresh):.1f} ms, of it beside embedding {statistics.median(ours):.1f} ms")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--each", action="store_true", help="print each mistake")
    args = parser.parse_args()
    model = MiniLM()
    embedder = Remembering(model)
    for split in ("dev", "test", "fresh"):
        report("with embeddings", split, embedder, THRESHOLDS, each=args.each)
        report("words only", split, None, THRESHOLDS, each=args.each)
    if args.sweep:
        sweep(embedder)
    speed(model)


if __name__ == "__main__":
    main()

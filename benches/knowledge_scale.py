"""Time of a search among many passages, in parts: python -m benches.knowledge_scale [--passages 100000] [--home DIR].

Texts are made of a vocabulary with the frequencies of a language, vectors lie in clusters; nothing is embedded but the
questions, by the real embedder. With ``--home`` the store is made there once and kept. Bar: median <= 25 ms at 100,000
passages, all included.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tierwise.knowledge import Filter, Knowledge
from tierwise.knowledge.cutting.passages import Cut
from tierwise.knowledge.document import Document, Page
from tierwise.knowledge.search.engine import Searcher
from tierwise.knowledge.store import changes, embeddings
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.vectors import Vectors
from tierwise.models.minilm import MiniLM

IN_SOURCE = 50
WORDS = 90
ROUNDS = 60
KINDS = ("text", "html", "markdown", "pdf", "mail", "man", "code", "sheet", "data", "rst")
COMMON = ("the", "of", "to", "and", "in", "a", "is", "that", "for", "it", "as", "was", "with", "be", "by", "on", "not")


def fill(home: Path, passages: int, model: MiniLM) -> None:
    """Make the store."""
    dice, noise = random.Random(1), np.random.default_rng(1)
    vocabulary = [*COMMON] + [f"{a}{b}{c}" for a in "bdfglmnprst" for b in ("a", "ei", "ou", "i") for c in _ENDINGS]
    weights = [1 / (rank + 2) for rank in range(len(vocabulary))]
    centres = noise.normal(size=(500, model.dimension)).astype("f4")
    db = Database(home / "knowledge.sqlite")
    vectors = Vectors(home, model, db)
    with db.writing() as sql:
        changes.put_collection(sql, "default", False)
    started = time.monotonic()
    for number in range(passages // IN_SOURCE):
        texts = [" ".join(dice.choices(vocabulary, weights, k=WORDS)) for _ in range(IN_SOURCE)]
        path, text, cuts, start = f"/made/{number % 20}/{number}.txt", "\n\n".join(texts), [], 0
        for i, piece in enumerate(texts):
            cuts.append(Cut(f"{number:08x}{i:024x}", None, start, start + len(piece), piece, f"Document {number}"))
            start += len(piece) + 2
        facts = changes.Facts(
            *(f"{number}", len(text), "1", None, 1e9 + number, "/made"),
            labels=frozenset({"tenth"} if number % 10 == 0 else {"rest"}),
            access=frozenset(),
        )
        document = Document(path, f"Document {number}", (Page(None, text),), kind=KINDS[number % 10])  # type: ignore[arg-type]
        with db.writing() as sql:
            changes.put_source(sql, "default", path, document, cuts, facts)
        while waiting := embeddings.waiting(db, 500):
            made = centres[noise.integers(0, len(centres), len(waiting))]
            made = made + noise.normal(size=made.shape).astype("f4")
            vectors.put([text.id for text in waiting], made / np.linalg.norm(made, axis=1, keepdims=True))
    between = time.monotonic()
    for _ in vectors.index():
        pass
    print(f"made in {between - started:.0f} s, put into the index in {time.monotonic() - between:.0f} s")
    vectors.close()
    db.close()


_ENDINGS = [f"{c}{e}" for c in ("n", "st", "rk", "m", "l") for e in ("", "er", "ing", "o", "y", "an", "ute", "al")]


def questions(count: int) -> list[str]:
    """Questions with a few common words and a few rarer ones."""
    dice = random.Random(2)
    return [
        " ".join(
            ["what", "is", "the", dice.choice("bdfglm") + "a" + dice.choice(_ENDINGS), "of", "a"]
            + [dice.choice("nprst") + "ou" + dice.choice(_ENDINGS) for _ in range(2)]
        )
        for _ in range(count)
    ]


def timed(name: str, work: Callable[[str], object], asked: list[str]) -> None:
    """Print median and 95th percentile in milliseconds, and the median of processor time on all cores."""
    for question in asked[:5]:
        work(question)
    times, cpu = [], []
    for question in asked:
        started, busy = time.perf_counter(), time.process_time()
        work(question)
        times.append(1000 * (time.perf_counter() - started))
        cpu.append(1000 * (time.process_time() - busy))
    middle, late, busy = statistics.median(times), statistics.quantiles(times, n=20)[18], statistics.median(cpu)
    print(f"  {name:40} p50 {middle:7.1f} ms   p95 {late:7.1f} ms   processor {busy:6.1f} ms")


def measure(home: Path, model: MiniLM) -> None:
    """Print the times of searches, whole and in parts."""
    asked = questions(ROUNDS)
    knowledge = Knowledge(home, model)
    started = time.perf_counter()
    knowledge.search(asked[0])
    first = time.perf_counter() - started
    print(f"  the first search, opening included: {first:.2f} s; {knowledge.degraded or 'by the index'}")
    timed("all included", knowledge.search, asked)
    made = {question: model.embed([question])[0] for question in asked}
    db = Database(home / "knowledge.sqlite")
    vectors = Vectors(home, model, db)
    timed("embedding the question", lambda q: model.embed([q]), asked)
    timed("nearest 50 vectors", lambda q: vectors.nearest(made[q], 50), asked)
    searcher = Searcher(db, vectors, model)
    timed("without embedding", lambda q: searcher.search(q, k=5, vector=made[q]), asked)
    wide, narrow = Filter(kinds=("text", "html", "markdown", "pdf", "mail")), Filter(sources=("/made/7/",))
    for name, only in (
        ("half of the sources (by kind)", wide),
        ("a tenth (by label)", Filter(labels=frozenset({"tenth"}))),
        ("a twentieth (by folder)", narrow),
        ("one source", Filter(sources=("/made/7/7.txt",))),
    ):
        timed(f"filtered: {name}", lambda q, only=only: knowledge.search(q, only=only), asked)  # type: ignore[misc]
    vectors.close()
    knowledge.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--second", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    model = MiniLM()
    with tempfile.TemporaryDirectory() as folder:
        home = args.home or Path(folder)
        if args.second:
            measure(home, model)
            return
        if not (home / "knowledge.sqlite").exists():
            home.mkdir(parents=True, exist_ok=True)
            fill(home, args.passages, model)
        measure(home, model)
        print("in a second process:", flush=True)
        subprocess.run([sys.executable, "-m", "benches.knowledge_scale", "--home", home, "--second"], check=True)


if __name__ == "__main__":
    main()

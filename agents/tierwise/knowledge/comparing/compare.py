"""Our search beside plainer ones, on a corpus with questions, in one run."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tierwise.errors import InvalidInput
from tierwise.knowledge.comparing.figures import Comparison, Refusal, pairs, way
from tierwise.knowledge.comparing.questions import FIRST, Question, Rank, rank
from tierwise.knowledge.comparing.ways import DEPTH, Piece, Pool, by_rank, chunks
from tierwise.knowledge.knowledge import Knowledge
from tierwise.knowledge.report import IngestProgress
from tierwise.knowledge.search.windows import shown, windows
from tierwise.knowledge.store.database import Database
from tierwise.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tierwise.models.base import Embedder

Tell = Callable[[str], None]

_AT_ONCE = 256  # chunks embedded between two words to the caller


def compare(
    corpus: Path,
    questions: Sequence[Question],
    embedder: Embedder,
    *,
    home: Path,
    chunked: bool = True,
    tell: Tell = lambda _: None,
) -> Comparison:
    """Bring a folder in, and ask its questions in every way.

    Words alone are BM25 (as SQLite's FTS5 has it, with Porter's stems), vectors alone the cosine, fusion the sum of
    ``1 / (60 + rank)`` over the first hundred of both. All three search our passages, the same widened as ours are, and
    chunks of 200 words with 40 of overlap.

    Args:
        corpus: the folder; files of questions count from it.
        questions: at least one with quotes.
        embedder: makes all vectors.
        home: where the knowledge of the corpus is or will be kept.
        chunked: also search chunks, which have to be embedded in every run.
        tell: gets a few words on what is being done.

    Raises:
        InvalidInput: if nothing of the corpus could be read.
        TierwiseError: what :meth:`Knowledge.ingest <tierwise.knowledge.Knowledge.ingest>` raises.
    """
    corpus = corpus.resolve()
    knowledge = Knowledge(home, embedder)
    db = Database(home / "knowledge.sqlite")
    try:

        def on(step: IngestProgress) -> None:
            tell(f"reading {step.done} of {step.total or '?'} files, {step.passages:,} passages embedded")

        report = knowledge.ingest(corpus, progress=on)
        run = _Run(knowledge, db, corpus)
        if not run.passages.pieces:
            raise InvalidInput(f"Nothing of {corpus} could be read.", fix="Name a folder of documents.")
        pools = {"chunks": _chunk_pool(knowledge, corpus, embedder, tell)} if chunked else {}
        for n, question in enumerate(questions, 1):
            tell(f"asking {n} of {len(questions)}")
            run.ask(question, embedder.embed([question.text])[0], pools)
        for pool in (run.passages, *pools.values()):
            pool.close()
    finally:
        db.close()
        knowledge.close()
    sizes = [len(piece.text.split()) for piece in run.passages.pieces]
    ours = run.ranks["ours", "widened"]
    others = {key: ranks for key, ranks in run.ranks.items() if key[0] != "ours"}
    return Comparison(
        files=len(report.sources) - report.failed,
        failed=report.failed,
        passages=len(sizes),
        passage_words=statistics.mean(sizes),
        questions=len(ours),
        ways=tuple(way(*key, ranks, statistics.mean(run.lengths[key])) for key, ranks in run.ranks.items()),
        pairs=tuple(pair for key, ranks in others.items() for pair in pairs(*key, ours, ranks)),
        refusals=tuple(Refusal(kind, len(said), sum(said)) for kind, said in run.refused.items()),
        search_ms=statistics.median(run.ms),
        seconds=report.seconds,
    )


def _chunk_pool(knowledge: Knowledge, corpus: Path, embedder: Embedder, tell: Tell) -> Pool:
    import numpy as np

    pieces: list[Piece] = []
    for source in knowledge.sources():
        pieces += chunks(_file(source.path, corpus), knowledge.source_text(source.path))
    vectors = []
    for i in range(0, len(pieces), _AT_ONCE):
        tell(f"embedding {i:,} of {len(pieces):,} chunks for comparison")
        vectors.append(embedder.embed([piece.text for piece in pieces[i : i + _AT_ONCE]]))
    return Pool(pieces, np.concatenate(vectors))


class _Run:
    """What came of the questions so far, by way and by what was searched."""

    def __init__(self, knowledge: Knowledge, db: Database, corpus: Path) -> None:
        import numpy as np

        self._knowledge = knowledge
        self._db = db
        self._corpus = corpus
        stored = db.rows(
            "SELECT p.rowid, s.path, coalesce(p.title, '') || ' ' || coalesce(p.head, ''), p.text, v.vector"
            " FROM passages p JOIN sources s ON s.id = p.source JOIN vectors v ON v.id = p.vector"
            " WHERE v.vector IS NOT NULL ORDER BY p.rowid"
        )
        self._rows = [row[0] for row in stored]
        pieces = [Piece(_file(path, corpus), text, title) for _, path, title, text, _ in stored]
        vectors = np.array([np.frombuffer(row[-1], "<f2") for row in stored], np.float32)
        self.passages = Pool(pieces, vectors)
        self.ranks: dict[tuple[str, str], list[Rank]] = defaultdict(list)
        self.lengths: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.refused: dict[str, list[bool]] = {"answerable": []}
        self.ms: list[float] = []

    def ask(self, question: Question, vector: NDArray[np.float32], pools: dict[str, Pool]) -> None:
        """Ask a question in every way; one without quotes only for whether anything is said to be found."""
        started = time.perf_counter()
        found = self._knowledge.search(question.text, k=FIRST, vector=vector)
        self.ms.append((time.perf_counter() - started) * 1000)
        relevant = self._knowledge.relevant(question.text, found)
        kind = "answerable" if question.quotes else question.kind or "unanswerable"
        self.refused.setdefault(kind, []).append(not relevant)
        if not question.quotes:
            return
        self._judge(("ours", "widened"), question, self._texts(found))
        for over, pool in {"passages": self.passages, **pools}.items():
            by_words, by_vectors = pool.by_words(question.text), pool.by_vectors(vector)
            for name, order in (
                ("words", by_words),
                ("dense", by_vectors),
                ("fusion", by_rank(by_words, by_vectors)),
            ):
                pieces = [pool.pieces[i] for i in order[:FIRST]]
                self._judge((name, over), question, [(piece.file, piece.text) for piece in pieces])
                if pool is self.passages:
                    self._judge((name, "widened"), question, self._texts(self._widened(order[:DEPTH])))

    def _widened(self, order: Sequence[int]) -> list[Passage]:
        rows = [self._rows[i] for i in order]
        around = {window.row: window for window in windows(self._db, (), rows)}
        return shown(self._db, [around[row] for row in rows], {}, FIRST)

    def _texts(self, found: Sequence[Passage]) -> list[tuple[str, str]]:
        return [(_file(passage.source, self._corpus), passage.text) for passage in found]

    def _judge(self, key: tuple[str, str], question: Question, found: Sequence[tuple[str, str]]) -> None:
        self.ranks[key].append(rank(question, found))
        self.lengths[key] += [len(text.split()) for _, text in found]


def _file(source: str, corpus: Path) -> str:
    path = Path(source)
    return path.relative_to(corpus).as_posix() if path.is_relative_to(corpus) else source

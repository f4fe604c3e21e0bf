"""Whether invented sentences are cited, and how many true ones are: made answers over the passages of a corpus.

    python -m benches.invented --corpus DIR --questions FILE.jsonl [--home DIR] [--half dev|held] [--each]

Sentences are made by rule (``benches/true_answers.py``, ``benches/invented_answers.py``) of a sentence of a passage
that stands among those found for it, as after a search. The rules of support were first written with an eye on the
mistakes in the half *dev* of the files, and then mended once after those in *held*, the other half (docs/evidence.md).
Only ``question`` is read of each line of the questions. ``--home`` keeps the ingested documents.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benches.invented_answers import INVENTED, is_new
from benches.true_answers import TRUE, Material, usable
from tierwise.knowledge import Knowledge
from tierwise.models.minilm import MiniLM
from tierwise.types import Citation, Passage
from tierwise.verify.citing.support import cite
from tierwise.verify.marks import read_marks
from tierwise.verify.remember import Remembering

FOUND = 4  # passages that stand beside that of the sentence
SEED = 7


@dataclass(frozen=True, slots=True)
class Case:
    """A made sentence with the passages that it is checked against."""

    kind: str
    true: bool
    text: str
    of: str
    passages: Sequence[Passage]
    question: str


def passages_of(knowledge: Knowledge, half: str | None) -> list[Passage]:
    """All passages that have a usable sentence, of one half of the files."""
    found = []
    for source in knowledge.sources():
        if half is None or (hashlib.sha256(Path(source.path).name.encode()).digest()[0] % 2 == 1) == (half == "dev"):
            found += [passage for passage in knowledge.whole(source.path) if usable(passage)]
    return found


def cases(knowledge: Knowledge, passages: Sequence[Passage], questions: Sequence[str], each: int) -> Iterator[Case]:
    """Up to ``each`` cases of each kind."""
    rng = random.Random(SEED)
    sentences = [(p.source, sentence) for p in passages for sentence in usable(p)]
    near: dict[str, list[Passage]] = {}
    for true, makers in ((True, TRUE), (False, INVENTED)):
        for kind, maker in makers.items():
            made = 0
            for passage in rng.sample(passages, len(passages)):
                if made == each:
                    break
                sentence = rng.choice(usable(passage))
                others = [s for source, s in rng.sample(sentences, min(60, len(sentences))) if source != passage.source]
                question = rng.choice(questions)
                given = near.get(passage.id, [passage])
                material = Material(sentence, passage, given, others, question, rng)
                if maker(material) is None:
                    continue
                if passage.id not in near:
                    found = knowledge.search(sentence, k=FOUND)
                    near[passage.id] = [p for p in found if p.id != passage.id] + [passage]
                material = Material(sentence, passage, near[passage.id], others, question, rng)
                text = maker(material)
                if text is None or (not true and not is_new(text, material)):
                    continue
                made += 1
                yield Case(kind, true, text, sentence, near[passage.id], question if kind == "question" else "")


def is_verbatim(citation: Citation, knowledge: Knowledge) -> bool:
    """Whether the quote stands in the source's text at its place."""
    text = knowledge.source_text(citation.source, citation.page)
    return bool(citation.quote) and text[citation.start : citation.end] == citation.quote


def run(knowledge: Knowledge, made: Sequence[Case], *, each: bool) -> bool:
    """Print how many of each kind are cited; whether all is as it should be."""
    embedder = Remembering(MiniLM(), 20_000)
    total, cited = Counter[str](), Counter[str]()
    quotes = right = 0
    times = []
    for case in made:
        text, marks = read_marks(case.text)
        cite(text, case.passages, embedder, question=case.question, marks=marks)
        started = time.perf_counter()
        support = cite(text, case.passages, embedder, question=case.question, marks=marks)
        times.append((time.perf_counter() - started) * 1000)
        total[case.kind] += 1
        hit = bool(support.citations) and not (case.true and support.unsupported)
        cited[case.kind] += hit
        quotes += len(support.citations)
        right += sum(is_verbatim(citation, knowledge) for citation in support.citations)
        if each and hit != case.true:
            print(f"{case.kind}: {case.text}\n    of: {case.of}")
            for citation in support.citations:
                print(f"    cited: {citation.quote!r}")
    print("| kind | cited |\n|---|---|")
    for kind, count in total.items():
        print(f"| {kind}{' (true)' if kind in TRUE else ''} | {cited[kind]} of {count} |")
    wrong, made_up = sum(cited[kind] for kind in INVENTED), sum(total[kind] for kind in INVENTED)
    good, all_true = sum(cited[kind] for kind in TRUE), sum(total[kind] for kind in TRUE)
    print(f"\ninvented sentences cited: {wrong} of {made_up}")
    print(f"true sentences cited: {good} of {all_true} ({good / max(1, all_true):.0%})")
    print(f"quotes that stand verbatim at their place: {right} of {quotes}")
    print(f"beside embedding and reading the passages: median {statistics.median(times):.1f} ms a sentence")
    return wrong == 0 and right == quotes


def main() -> int:
    """Print the figures; 1 if an invented sentence was cited or a quote is not verbatim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of documents")
    parser.add_argument("--questions", type=Path, required=True, help="questions, one JSON object a line")
    parser.add_argument("--home", type=Path, help="keep the ingested documents here")
    parser.add_argument("--half", choices=("dev", "held"), help="only files of this half")
    parser.add_argument("--count", type=int, default=25, help="sentences of each kind")
    parser.add_argument("--each", action="store_true", help="print each mistake")
    arguments = parser.parse_args()
    lines = arguments.questions.read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines if line.strip()]
    with tempfile.TemporaryDirectory() as folder:
        knowledge = Knowledge(arguments.home or folder, MiniLM())
        knowledge.ingest(arguments.corpus.resolve())
        passages = passages_of(knowledge, arguments.half)
        fine = run(knowledge, list(cases(knowledge, passages, questions, arguments.count)), each=arguments.each)
        knowledge.close()
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main())

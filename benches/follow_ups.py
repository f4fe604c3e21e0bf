"""How well follow-up questions find their passages, and whether questions that stand by themselves are left alone.

    python -m benches.follow_ups --corpus DIR --questions FILE.jsonl [--pairs FILE.jsonl] [--home DIR]

``--questions`` has the first turns: ``id``, ``question``, ``answer``, ``gold_files``. Each pair names one of them
(``after``) and a question in the same thread: with ``gold_files`` it is a follow-up, and any of them holds its answer;
without, it stands by itself. Every third pair of each kind was kept apart while the rules were made: *held*.

A follow-up counts when one of its files is among the first five passages. It is searched as asked, as a turn would
search it, and always behind the question before it; and as a turn searches whose last answer was wrong (that of another
question). The first questions stand by themselves, too: each that has ``gold_files`` is asked behind the one before it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from tierwise.graph.rewriting import carried, needs_subject
from tierwise.knowledge import Knowledge
from tierwise.models.minilm import MiniLM
from tierwise.record import Exchange
from tierwise.types import Passage

FIRST = 5
PAIRS = Path(__file__).with_suffix(".jsonl")
WAYS = ("as asked", "as a turn searches", "always behind the last question", "after a wrong answer")


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def hits(passages: Sequence[Passage], gold: Sequence[str], corpus: Path) -> bool:
    return any(str(Path(p.source).relative_to(corpus)) in gold for p in passages[:FIRST])


def texts(pair: dict[str, Any], first: Exchange, wrong: str) -> tuple[str, ...]:
    """What is searched for by each way."""
    asked = pair["question"]
    turn = carried(asked, [first])
    misled = carried(asked, [Exchange(first.asked, wrong)])
    return (
        asked,
        turn.text if turn is not None else asked,
        f"{first.asked}\n{asked}",
        misled.text if misled is not None else asked,
    )


def run(knowledge: Knowledge, pairs: list[dict[str, Any]], first: dict[str, Exchange], corpus: Path) -> None:
    follow_ups = [pair for pair in pairs if "gold_files" in pair]
    alone = [pair for pair in pairs if "gold_files" not in pair]
    answers = [one.text for one in first.values()]
    rows = []
    for n, pair in enumerate(follow_ups):
        tried = texts(pair, first[pair["after"]], answers[(n + len(answers) // 2) % len(answers)])
        rows.append([hits(knowledge.search(text, k=FIRST), pair["gold_files"], corpus) for text in tried])
    groups = {"all": rows, "held": rows[2::3]}
    print(f"| file hit@{FIRST} | " + " | ".join(groups) + " |\n" + "|---" * (len(groups) + 1) + "|")
    for way, name in enumerate(WAYS):
        shares = (f"{sum(row[way] for row in group) / len(group):.2f} of {len(group)}" for group in groups.values())
        print(f"| {name} | " + " | ".join(shares) + " |")
    for what, some, wanted in (
        ("follow-ups that got a subject", [p["question"] for p in follow_ups], True),
        ("questions left alone", [p["question"] for p in alone], False),
        ("first questions left alone", [one.asked for one in first.values()], False),
    ):
        right = [needs_subject(question) is wanted for question in some]
        held = right[2::3]
        print(f"{what}: {sum(right)} of {len(right)}, held {sum(held)} of {len(held)}")


def switch(knowledge: Knowledge, questions: list[dict[str, Any]], corpus: Path) -> None:
    """Topic switches: each question behind another."""
    pairs = [(a, b) for a, b in pairwise(questions) if b["gold_files"]]
    found = [0, 0]
    for before, after in pairs:
        turn = carried(after["question"], [Exchange(before["question"], before["answer"])])
        tried = (turn.text if turn is not None else after["question"], f"{before['question']}\n{after['question']}")
        for way, text in enumerate(tried):
            found[way] += hits(knowledge.search(text, k=FIRST), after["gold_files"], corpus)
    ours, always = (count / len(pairs) for count in found)
    print(f"{len(pairs)} topic switches, file hit@{FIRST}: as a turn searches {ours:.2f}, always behind {always:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of documents")
    parser.add_argument("--questions", type=Path, required=True, help="first turns, one JSON object a line")
    parser.add_argument("--pairs", type=Path, default=PAIRS, help="second turns")
    parser.add_argument("--home", type=Path, help="keep the ingested documents here")
    arguments = parser.parse_args()
    questions = read(arguments.questions)
    first = {one["id"]: Exchange(one["question"], one["answer"]) for one in questions}
    with tempfile.TemporaryDirectory() as folder:
        knowledge = Knowledge(arguments.home or folder, MiniLM())
        report = knowledge.ingest(arguments.corpus.resolve())
        print(f"{len(report.sources)} files, ingested in {report.seconds:.0f} s")
        run(knowledge, read(arguments.pairs), first, arguments.corpus.resolve())
        switch(knowledge, questions, arguments.corpus.resolve())
        knowledge.close()


if __name__ == "__main__":
    main()

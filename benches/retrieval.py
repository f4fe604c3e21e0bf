"""What else a search should do: find names, say that nothing is there, and spend few words.

    python -m benches.retrieval --corpus DIR --questions FILE.jsonl [--others FILE.jsonl] [--home DIR]

``tierwise bench retrieval`` compares ways to search; this looks at ours from other sides. *Names*: what only machines
spell so (``core.fsmonitor``) and at most three passages hold, asked for by itself: how often does the first passage
hold it? *Nothing relevant*: shares of questions refused if the floor were higher or lower, for those that the corpus
answers and for those it does not (the questions of ``--others``, written for other documents, and everyday ones).
*Words*: share of questions with a quote among the first passages that fit so many words.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tierwise.knowledge import Knowledge, read_questions, relevance_floor
from tierwise.knowledge.comparing.questions import Question, rank
from tierwise.knowledge.search.order import worth
from tierwise.knowledge.search.terms import terms
from tierwise.knowledge.search.windows import windows
from tierwise.knowledge.search.words import look_up
from tierwise.knowledge.store.database import Database
from tierwise.models import MiniLM
from tierwise.types import Passage

EVERYDAY = """
How do I make a good tomato sauce?|Who won the football world cup in 2010?|What should I wear to a wedding in summer?
My cat keeps sneezing, what can I do?|How many calories are in an apple?|What is the capital of Australia?
Write me a poem about the sea.|How do I ask my boss for a raise?|Which vaccination do I need for Kenya?
How long do I boil an egg?|Explain photosynthesis to a child.|What is a good name for a puppy?
How do I remove red wine from a carpet?|When was the Eiffel Tower built?|Can you recommend a novel?
What time is it in Tokyo?|How tall is Mount Everest?|Is it safe to eat raw salmon?|How do I change a bicycle tyre?
Hi there|Thanks, that was helpful!|Tell me a joke|Good morning, how are you today?|Who painted the Mona Lisa?
What are the symptoms of the flu?|Which exercises help against back pain?|Plan a three day trip to Rome
What is the plot of Hamlet?|How do I learn to play the guitar?|Why is the sky blue?|What is compound interest?
""".strip().replace("\n", "|")


def names(knowledge: Knowledge, db: Database, many: int) -> None:
    """Ask for rare names and print how often the first passage and the first five hold them."""
    texts = [text for (text,) in db.rows("SELECT text FROM passages")]
    count: Counter[str] = Counter()
    for text in texts:
        count.update({word.strip(".,;:()[]'\"`") for word in text.split()})
    rare = sorted(
        word for word, n in count.items() if n <= 3 and 5 <= len(word) <= 40 and any(t.spelling for t in terms(word))
    )
    chosen = random.Random(1).sample(rare, min(many, len(rare)))
    first = five = 0
    for name in chosen:
        held = [name in passage.text for passage in knowledge.search(f"What is {name}?", k=5)]
        first += bool(held and held[0])
        five += any(held)
    print(f"names: {first} of {len(chosen)} held by the first passage, {five} by one of the first five")


def best_worth(knowledge: Knowledge, db: Database, question: str) -> float:
    """What the best passage for a question is worth, which is what the floor is compared with."""
    scores = {passage.id: passage.score for passage in knowledge.search(question)}
    held = look_up(db, terms(question), None)
    return max((worth(scores[w.id], held, w.row, w.rows) for w in windows(db, scores, ())), default=0.0)


def refusals(kinds: dict[str, list[float]], floor: float) -> None:
    """Print, for floors around ours, how many questions of each kind would be refused."""
    print(f"refused, by floor ({floor:.3f} is ours):")
    for shift in (-0.06, -0.03, 0.0, 0.03, 0.06, 0.1, 0.15):
        counts = (f"{kind} {sum(v < floor + shift for v in values)}/{len(values)}" for kind, values in kinds.items())
        print(f"  {floor + shift:.3f}  " + ", ".join(counts))


def within(found: Sequence[Passage], words: int) -> list[Passage]:
    """The first passages that fit so many words, at least one."""
    kept, used = list[Passage](), 0
    for passage in found:
        used += len(passage.text.split())
        if kept and used > words:
            break
        kept.append(passage)
    return kept


def budgets(knowledge: Knowledge, questions: Sequence[Question], corpus: Path) -> None:
    """Print how many questions find a quote among passages of so many words in all."""
    found = {q.id: knowledge.search(q.text, k=10) for q in questions}
    for words in (200, 350, 500, 700, 1000):
        hits = 0
        for question in questions:
            kept = within(found[question.id], words)
            texts = [(Path(p.source).relative_to(corpus).as_posix(), p.text) for p in kept]
            hits += rank(question, texts).quote > 0
        print(f"within {words:,} words: {hits / len(questions):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of documents")
    parser.add_argument("--questions", type=Path, required=True, help="questions, one JSON object a line")
    parser.add_argument("--others", type=Path, help="questions that these documents do not answer")
    parser.add_argument("--home", type=Path, help="keep the ingested documents here")
    parser.add_argument("--names", type=int, default=200, help="how many names to ask for")
    arguments = parser.parse_args()
    corpus = arguments.corpus.resolve()
    asked = read_questions(arguments.questions)
    answerable = [question for question in asked if question.quotes]
    with tempfile.TemporaryDirectory() as folder:
        home = arguments.home or Path(folder)
        knowledge, db = Knowledge(home, MiniLM()), Database(home / "knowledge.sqlite")
        knowledge.ingest(corpus)
        names(knowledge, db, arguments.names)
        kinds = {"answerable": [best_worth(knowledge, db, q.text) for q in answerable]}
        for question in asked:
            if not question.quotes:
                kinds.setdefault(question.kind, []).append(best_worth(knowledge, db, question.text))
        if arguments.others:
            others = [question.text for question in read_questions(arguments.others) if question.quotes]
            kinds["of other documents"] = [best_worth(knowledge, db, text) for text in others]
        kinds["everyday"] = [best_worth(knowledge, db, text) for text in EVERYDAY.split("|")]
        refusals(kinds, relevance_floor(sum(c.passages for c in knowledge.collections())))
        budgets(knowledge, answerable, corpus)
        db.close()
        knowledge.close()


if __name__ == "__main__":
    main()

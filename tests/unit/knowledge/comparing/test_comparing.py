"""The comparison of ways to search: who found what, at which rank, and how sure a difference is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tierwise.errors import InvalidInput
from tierwise.knowledge import compare, read_questions
from tierwise.knowledge.comparing.figures import pairs, sign_test, way
from tierwise.knowledge.comparing.questions import Question, Rank, rank
from tierwise.knowledge.comparing.ways import by_rank, chunks
from tierwise.models.minilm import MiniLM


def asked(tmp_path: Path, *rows: dict[str, object]) -> list[Question]:
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_questions(file)


def test_a_quote_counts_in_a_right_file_from_four_fifths_of_its_words(tmp_path: Path) -> None:
    quotes = [
        {"file": "a.txt", "quote": "one two three four FIVE", "part": 0},
        {"file": "b.txt", "quote": "six", "part": 1},
    ]
    (question,) = asked(tmp_path, {"question": "?", "gold_quotes": quotes})
    assert rank(question, [("c.txt", "one two three four five"), ("a.txt", "one two three")]) == Rank(0, 2, False)
    assert rank(question, [("a.txt", "Four, three; two: one!")]) == Rank(1, 1, False)
    assert rank(question, [("a.txt", "four three two one"), ("b.txt", "6 six")]) == Rank(1, 1, True)
    assert rank(question, [("c.txt", "")] * 10 + [("a.txt", "one two three four five")]) == Rank(0, 0, False)


def test_more_files_may_be_right_than_are_quoted(tmp_path: Path) -> None:
    gold = [{"file": "a.txt", "quote": "one"}]
    (question,) = asked(tmp_path, {"question": "?", "gold_quotes": gold, "gold_files": ["a.txt", "b.txt"]})
    assert rank(question, [("b.txt", "nothing")]) == Rank(0, 1, False)


@pytest.mark.parametrize("text", ["", "{", '{"question": "?"}\n', "[1]\n", '{"question": "?", "gold_quotes": [{}]}\n'])
def test_a_file_that_holds_no_questions_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "q.jsonl").write_text(text)
    with pytest.raises(InvalidInput):
        read_questions(tmp_path / "q.jsonl")


def test_figures_and_pairs() -> None:
    ours = [Rank(1, 1, True), Rank(5, 2, True), Rank(0, 7, False), Rank(2, 1, True)]
    other = [Rank(1, 1, True), Rank(6, 2, True), Rank(0, 0, False), Rank(1, 1, True)]
    figures = way("ours", "widened", ours, 10.0)
    assert (figures.quote.at_1, figures.quote.at_5, figures.quote.at_10) == (0.25, 0.75, 0.75)
    assert figures.quote.mrr == pytest.approx((1 + 0.2 + 0.5) / 4)
    by_ranks, by_five = pairs("words", "chunks", ours, other)
    assert (by_ranks.won, by_ranks.lost, by_ranks.tied) == (1, 1, 2)
    assert (by_five.won, by_five.lost, by_five.tied) == (1, 0, 3)


def test_the_sign_test_is_exact() -> None:
    assert sign_test(0, 0) == sign_test(3, 3) == 1.0
    assert sign_test(5, 0) == pytest.approx(2 / 32)
    assert sign_test(0, 2000) == pytest.approx(0.0)


def test_chunks_overlap_and_ranks_are_fused() -> None:
    pieces = chunks("a", " ".join(map(str, range(500))))
    assert [piece.text.split()[0] for piece in pieces] == ["0", "160", "320"]
    assert pieces[0].text.split()[-40:] == pieces[1].text.split()[:40]
    assert len(chunks("a", "few words")) == 1
    assert by_rank([1, 2, 3], [3, 2]) == [3, 2, 1]


def test_all_ways_answer_in_one_run(docs: Path, home: Path, tmp_path: Path, embedder: MiniLM) -> None:
    questions = asked(
        tmp_path,
        {
            "question": "When was the vessel replaced?",
            "gold_quotes": [{"file": "boiler.txt", "quote": "19 December 2022"}],
        },
        {"question": "Where can I wash clothes?", "gold_quotes": [{"file": "huts.md", "quote": "a washing machine"}]},
        {"question": "Hello!", "kind": "chitchat", "gold_quotes": []},
    )
    found = compare(docs, questions, embedder, home=home)
    assert (found.files, found.failed, found.questions) == (3, 0, 2)
    ways = {(way.name, way.over): way for way in found.ways}
    assert next(iter(ways)) == ("ours", "widened")
    others = {(name, over) for name in ("words", "dense", "fusion") for over in ("passages", "widened", "chunks")}
    assert set(ways) == {("ours", "widened"), *others}
    assert ways["ours", "widened"].quote.at_1 == 1.0
    assert {(pair.name, pair.over) for pair in found.pairs} == others
    assert all(pair.won + pair.lost + pair.tied == 2 for pair in found.pairs)
    assert [(r.kind, r.asked, r.refused) for r in found.refusals] == [("answerable", 2, 0), ("chitchat", 1, 1)]

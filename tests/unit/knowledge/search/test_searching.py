"""What a search of a real store shows: wide enough to answer, nothing twice, the very name that was asked for."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from bag_of_words import BagOfWords

from tierwise.errors import ModelError
from tierwise.knowledge import Filter, Knowledge
from tierwise.knowledge.search.windows import WIDE_CHARS, WIDE_PASSAGES
from tierwise.models.minilm import MiniLM

FILLER = "The weather in the valley was mild and the paths were dry, so we walked on until the evening came. "


def paragraphs(*texts: str) -> str:
    return "\n\n".join(text + FILLER * 4 for text in texts) + "\n"


def test_a_passage_comes_with_those_beside_it(knowledge: Knowledge, tmp_path: Path) -> None:
    document = tmp_path / "walk.txt"
    document.write_text(paragraphs("One. ", "Two. ", "The hut has a green door. ", "Four. ", "Five. ", "Six. "))
    knowledge.ingest(document)

    best = knowledge.search("Which colour is the door of the hut?", k=1)[0]

    assert "green door" in best.text and ("Two." in best.text or "Four." in best.text)
    assert len(best.text) <= WIDE_CHARS
    assert knowledge.source_text(best.source)[best.start : best.end] == best.text
    parts = knowledge.neighbours(best, before=0, after=0)
    assert len(parts) == 1 and "green door" in parts[0].text
    assert parts[0].id == best.id and parts[0].score == best.score


def test_no_text_is_shown_twice(knowledge: Knowledge, tmp_path: Path) -> None:
    text = paragraphs(*(f"Number {i} of the story. " for i in range(12)))
    for name in ("first.txt", "second.txt"):
        (tmp_path / name).write_text(text)
    knowledge.ingest([tmp_path / "first.txt", tmp_path / "second.txt"])

    found = knowledge.search("number of the story", k=100)

    by_source: dict[str, list[tuple[int, int]]] = {}
    for passage in found:
        by_source.setdefault(passage.source, []).append((passage.start, passage.end))
    for spans in by_source.values():
        spans.sort()
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert sum("Number 7 of" in passage.text for passage in found) == 1
    assert all(f"Number {i} of" in "".join(passage.text for passage in found) for i in range(12))


def test_the_title_of_a_wide_passage_is_true_of_all_of_it(knowledge: Knowledge, docs: Path) -> None:
    knowledge.ingest(docs / "huts.md")
    (best,) = knowledge.search("Where is a washing machine?", k=3)
    assert "Saddle Hut" in best.text and "Lake Hut" in best.text
    assert best.title == "Huts"


@pytest.mark.parametrize(
    "question",
    [
        "What does --no-verify do?",
        "core.fsmonitor",
        'Who said "never again"?',
        "What is error ZX-4711?",
        "What is --soft?",
    ],
)
def test_the_very_name_wins(tmp_path: Path, home: Path, embedder: MiniLM, question: str) -> None:
    named = {
        "a.txt": "With --no-verify the hook is left out.",
        "b.txt": "Set core.fsmonitor to true on large trees.",
        "c.txt": "He said never again, and left.",
        "d.txt": "ZX-4711: the lamp is broken.",
        "soft.txt": "The switch --soft keeps the files.",
    }
    others = {
        "e.txt": "To verify what an option does, read what it says; no option does everything it says.",
        "f.txt": "The core of the file system monitor watches files. Monitors have a core.",
        "i.txt": "Soft is what is not hard. A soft reset is soft.",
        "g.txt": "Who said it again? Never mind who said what.",
        "h.txt": "An error is a mistake. What is an error message? It tells what the error is.",
    }
    for name, text in {**named, **others}.items():
        (tmp_path / name).write_text(text)
    knowledge = Knowledge(home, embedder)
    knowledge.ingest([tmp_path / name for name in (*named, *others)])
    expected = {
        "What does --no": "a",
        "core.fsmonitor": "b",
        "Who said": "c",
        "What is error": "d",
        "What is --s": "soft",
    }
    first = next(letter for start, letter in expected.items() if question.startswith(start))
    assert Path(knowledge.search(question, k=1)[0].source).stem == first
    knowledge.close()


def test_a_filter_loses_nothing_that_it_lets_through(tmp_path: Path, home: Path) -> None:
    (tmp_path / "log.txt").write_text(paragraphs(*("The pump number was seen. " for _ in range(120))))
    (tmp_path / "special.md").write_text("A pump.")
    knowledge = Knowledge(home, BagOfWords())
    knowledge.ingest([tmp_path / "log.txt", tmp_path / "special.md"])
    for only in (Filter(kinds=("markdown",)), Filter(sources=("special.*",))):
        found = knowledge.search("the pump number was seen", k=5, only=only)
        assert [Path(p.source).name for p in found] == ["special.md"]
    assert knowledge.search("pump", only=Filter(labels=frozenset({"none"}))) == []
    knowledge.close()


def test_all_of_a_document_in_reading_order(knowledge: Knowledge, tmp_path: Path) -> None:
    document = tmp_path / "walk.txt"
    document.write_text(paragraphs(*(f"Number {i}. " for i in range(9))))
    knowledge.ingest(document)
    parts = knowledge.whole(document)
    assert [p.start for p in parts] == sorted(p.start for p in parts)
    assert "".join(p.text for p in parts).replace(" ", "").replace("\n", "") == document.read_text().replace(
        " ", ""
    ).replace("\n", "")
    middle = knowledge.neighbours(parts[4])
    assert [p.id for p in middle] == [p.id for p in parts[3:6]]
    assert knowledge.neighbours(parts[0]) == [parts[0], parts[1]]


def test_a_document_of_large_tokens_is_not_widened_without_end(knowledge: Knowledge, tmp_path: Path) -> None:
    document = tmp_path / "cn.txt"
    document.write_text("".join(f"第{i}章。水壶必须用柠檬酸除垢。" * 12 + "\n\n" for i in range(20)))
    knowledge.ingest(document)
    best = knowledge.search("水壶", k=1)[0]
    assert len(best.text) <= WIDE_PASSAGES * 200


def test_words_that_nearly_every_passage_holds_still_find(
    knowledge: Knowledge, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tierwise.knowledge.search import words
    from tierwise.models.base import Embedder

    knowledge.ingest(docs)
    monkeypatch.setattr(words, "COMMON", 1)

    class Broken:
        def embed(self, texts: object) -> object:
            raise ModelError("The embedder is broken.")

    knowledge._searcher._embedder = cast(Embedder, Broken())
    assert [Path(p.source).name for p in knowledge.search("Has the hut places?")] == ["huts.md"]
    assert knowledge.degraded is not None

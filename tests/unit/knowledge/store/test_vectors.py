"""Nearest passages: exact where it matters, whatever the index holds and whatever a search is limited to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bag_of_words import BagOfWords
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.knowledge import Knowledge
from tierwise.knowledge.cutting.passages import Cut
from tierwise.knowledge.document import Document, Page
from tierwise.knowledge.store import changes, embeddings, index, tables, vectors
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.vectors import Vectors
from tierwise.knowledge.store.where import Where

WORDS = [f"word{i}" for i in range(40)]


class Shelf:
    """A store that is written by hand."""

    def __init__(self, home: Path) -> None:
        home.mkdir(exist_ok=True)
        self.embedder = BagOfWords()
        self.db = Database(home / "knowledge.sqlite")
        self.vectors = Vectors(home, self.embedder, self.db)
        with self.db.writing() as sql:
            changes.put_collection(sql, "default", False)

    def put(self, path: str, *texts: str, label: str = "") -> None:
        """Store a document with one passage for each text."""
        cuts = [Cut(f"{path}#{i}", i + 1, 0, len(text), text, None) for i, text in enumerate(texts)]
        pages = tuple(Page(i + 1, text) for i, text in enumerate(texts))
        facts = changes.Facts(path, 1, "1", None, None, "", frozenset({label} - {""}), frozenset())
        with self.db.writing() as sql:
            changes.put_source(sql, "default", path, Document(path, None, pages), cuts, facts)

    def delete(self, path: str) -> None:
        with self.db.writing() as sql:
            changes.delete_sources(sql, "default", [path])

    def embed(self) -> None:
        while waiting := embeddings.waiting(self.db, 64):
            self.vectors.put([text.id for text in waiting], self.embedder.embed([text.text for text in waiting]))

    def index(self) -> None:
        embeddings.sweep(self.db)
        for _ in self.vectors.index():
            pass

    def nearest(self, question: str, n: int, only: Where | None = None) -> dict[str, float]:
        return self.vectors.nearest(self.embedder.embed([question])[0], n, only)

    def close(self) -> None:
        self.vectors.close()
        self.db.close()


@pytest.fixture
def shelf(home: Path) -> Shelf:
    return Shelf(home)


def test_what_the_index_does_not_hold_yet_is_found(shelf: Shelf) -> None:
    shelf.put("a", "red green", "blue")
    shelf.embed()
    assert list(shelf.nearest("red green", 1)) == ["a#0"]  # no index at all
    shelf.index()
    shelf.put("b", "yellow", "red green blue")
    assert list(shelf.nearest("yellow", 1)) != ["b#0"]  # its vector has not been made
    shelf.embed()
    found = shelf.nearest("yellow", 4)
    assert next(iter(found)) == "b#0" and len(found) == 4
    shelf.index()
    assert shelf.nearest("yellow", 4) == pytest.approx(found)
    shelf.delete("b")
    assert set(shelf.nearest("yellow", 4)) == {"a#0", "a#1"}
    assert shelf.vectors.trouble is None
    shelf.close()


def test_a_text_that_stands_everywhere_is_not_all_that_is_found(shelf: Shelf) -> None:
    for i in range(30):
        shelf.put(f"copy{i:02}", "all rights are reserved")
    shelf.put("other", "some rights", "nothing else")
    shelf.embed()
    assert len(shelf.embedder.texts) == 3
    found = shelf.nearest("all rights are reserved", 6)
    assert sum(id_.startswith("copy") for id_ in found) == embeddings.COPIES
    assert {"other#0", "other#1"} <= set(found)
    shelf.close()


@pytest.mark.parametrize("narrow", [0, 5_000])
def test_a_filter_loses_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, narrow: int) -> None:
    monkeypatch.setattr(vectors, "_NARROW", narrow)
    for i in range(60):
        shelf.put(f"s{i:02}", f"alpha beta number{i}", "alpha", label="rare" if i % 20 == 7 else "usual")
    shelf.embed()
    shelf.index()
    only = Where("EXISTS (SELECT 1 FROM json_each(s.labels) WHERE value = ?)", ("rare",))
    found = shelf.nearest("number3 alpha", 50, only)
    assert {id_[:3] for id_ in found} == {"s07", "s27", "s47"}
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert shelf.nearest("alpha", 5, Where("s.path = ?", ("nowhere",))) == {}
    shelf.close()


def test_scores_are_cosines(shelf: Shelf) -> None:
    texts = ["red green", "green blue", "blue red red"]
    shelf.put("a", *texts)
    shelf.embed()
    shelf.index()
    question = shelf.embedder.embed(["red blue"])[0]
    exact = {f"a#{i}": float(v @ question) for i, v in enumerate(shelf.embedder.embed(texts))}
    assert shelf.vectors.nearest(question, 3) == pytest.approx(exact, abs=1e-3)
    assert shelf.vectors.cosines(question, ["a#1", "no such"]) == pytest.approx({"a#1": exact["a#1"]}, abs=1e-3)
    shelf.close()


_Step = Callable[[Shelf], object]
_steps: st.SearchStrategy[tuple[str, object]] = st.one_of(
    st.tuples(
        st.just("put"),
        st.tuples(
            st.sampled_from("abcd"),
            st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join), min_size=1, max_size=3),
        ),
    ),
    st.tuples(st.just("delete"), st.sampled_from("abcd")),
    st.tuples(st.sampled_from(["embed", "index", "reopen"]), st.none()),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(_steps, min_size=3, max_size=14))
def test_whatever_happened_before_everything_is_there_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object]]
) -> None:
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    model: dict[str, list[str]] = {}
    for what, given_ in steps:
        if what == "put":
            path, texts = given_  # type: ignore[misc]
            model[path] = texts
            shelf.put(path, *texts)
        elif what == "delete":
            model.pop(str(given_), None)
            shelf.delete(str(given_))
        elif what == "reopen":
            shelf.vectors.close()
        else:
            getattr(shelf, what)()
    shelf.embed()
    shelf.index()
    stored = {f"{path}#{i}": text for path, texts in model.items() for i, text in enumerate(texts)}
    assert tables.count(shelf.db) == len(stored)
    assert embeddings.count(shelf.db) == len(set(stored.values()))
    assert shelf.vectors.trouble is None
    for id_, text in stored.items():
        question = shelf.embedder.embed([text])[0]
        found = shelf.vectors.nearest(question, 20)
        same = [other for other, words in stored.items() if words == text]
        assert found.get(id_, 0) > 0.999 or len(same) > embeddings.COPIES
    if stored:
        assert np.isfinite(list(shelf.nearest("word1", 5).values())).all()
    shelf.close()


def test_the_index_is_opened_once_and_not_for_every_question(
    quick: Knowledge, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick.ingest(docs)
    quick.close()
    openings: list[object] = []
    connect = index._connect

    def counted(*args: object) -> object:
        openings.append(args)
        return connect(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(index, "_connect", counted)
    for _ in range(5):
        quick.search("vessel")
    assert len(openings) == 1

"""A home of an older version is brought up to date on its first use, and keeps what it holds."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from bag_of_words import BagOfWords

from tierwise.errors import StoreError
from tierwise.knowledge import Knowledge

VERSION_1 = Path(__file__).parents[3] / "data" / "knowledge_v1.sqlite"


@pytest.fixture
def old_home(home: Path) -> Path:
    home.mkdir()
    shutil.copy(VERSION_1, home / "knowledge.sqlite")
    return home


def test_what_version_1_holds_is_kept(old_home: Path, words: BagOfWords) -> None:
    knowledge = Knowledge(old_home, words)
    assert [(c.name, c.locked, c.sources, c.passages) for c in knowledge.collections()] == [
        ("default", False, 2, 4),
        ("private", True, 1, 3),
    ]
    best = knowledge.search("expansion vessel")[0]
    assert knowledge.source_text(best.source)[best.start : best.end] == best.text
    assert knowledge.degraded is not None and "rebuild" in knowledge.degraded  # its vectors were in the index only
    huts = knowledge.whole("/home/me/docs/huts.md", collection="private")
    assert ["mountains" in huts[0].text, "eighteen" in huts[1].text, "sixty" in huts[2].text] == [True] * 3
    assert all(p.locked for p in huts)
    assert knowledge.rebuild() == 4  # of seven passages: a text that stands in two collections has one vector
    assert knowledge.search("vessel of the boiler")[0].score > 0.5
    assert knowledge.degraded is None
    knowledge.close()
    with sqlite3.connect(old_home / "knowledge.sqlite") as sql:
        sql.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        assert sql.execute("PRAGMA foreign_key_check").fetchall() == []
    sql.close()


def test_a_folder_of_version_1_that_is_gone_takes_its_sources_with_it(
    old_home: Path, words: BagOfWords, tmp_path: Path
) -> None:
    with sqlite3.connect(old_home / "knowledge.sqlite") as sql:
        for table in ("sources", "roots"):
            sql.execute(f"UPDATE {table} SET path = replace(path, '/home/me', ?)", (str(tmp_path),))
    sql.close()
    knowledge = Knowledge(old_home, words)
    assert knowledge.ingest(tmp_path / "docs").removed == 2
    assert knowledge.search("vessel", collection="default") == []
    assert len(knowledge.sources()) == 1
    knowledge.close()


def test_two_open_an_old_home_at_once(old_home: Path, words: BagOfWords) -> None:
    both = [Knowledge(old_home, words), Knowledge(old_home, words)]
    assert [len(k.sources()) for k in both] == [3, 3]
    for knowledge in both:
        knowledge.close()


def test_a_store_of_a_newer_version_is_left_alone(home: Path, docs: Path, words: BagOfWords) -> None:
    home.mkdir()
    with sqlite3.connect(home / "knowledge.sqlite") as sql:
        sql.execute("PRAGMA user_version = 99")
        sql.execute("CREATE TABLE t (x)")
    sql.close()
    with pytest.raises(StoreError, match="newer tierwise"):
        Knowledge(home, words).ingest(docs)

"""Whatever happens to Chroma's folder: answers go on, nothing lies, the words are clear, the next ingest heals."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from bag_of_words import BagOfWords
from benches.knowledge_parts import rest_of

from tierwise.knowledge import Knowledge
from tierwise.knowledge.store import checking
from tierwise.knowledge.store.database import Database
from tierwise.knowledge.store.index import VectorsUnavailable
from tierwise.knowledge.store.vectors import Vectors

COUNT = 60


@pytest.fixture(scope="module")
def whole_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with some documents."""
    folder = tmp_path_factory.mktemp("whole")
    lines = (f"## Part {i}\n\nThis is what item{i} is about. {rest_of(i)}\n\n" for i in range(COUNT))
    (folder / "items.md").write_text("".join(lines))
    knowledge = Knowledge(folder / "home", BagOfWords())
    knowledge.ingest(folder / "items.md")
    assert knowledge.degraded is None
    knowledge.close()
    return folder / "home"


@pytest.fixture
def damaged_home(whole_home: Path, home: Path) -> Path:
    shutil.copytree(whole_home, home)
    return home


def files(home: Path) -> list[Path]:
    return sorted(path for path in (home / "chroma").rglob("*") if path.is_file())


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def in_order(home: Path) -> bool:
    """Whether the index holds exactly what is stored, and a search uses it."""
    db = Database(home / "knowledge.sqlite")
    vectors = Vectors(home, BagOfWords(), db)
    question = BagOfWords().embed(["what item30 is about"])[0]
    found = vectors.nearest(question, 5)
    trouble = vectors.trouble
    vectors.close()
    db.close()
    with sqlite3.connect(home / "chroma" / "chroma.sqlite3") as sql:
        (held,) = sql.execute("SELECT count(DISTINCT embedding_id) FROM embeddings").fetchone()
    sql.close()
    return bool(found) and trouble is None and held == COUNT


def test_a_damaged_file_crashes_nobody(damaged_home: Path) -> None:
    (path,) = [path for path in files(damaged_home) if path.name == "data_level0.bin"]
    zeroed(path)  # Chroma's native code crashes when it opens this
    knowledge = Knowledge(damaged_home, BagOfWords())
    for item in (7, 30, 55):
        found = knowledge.search(f"what item{item} is about")
        assert any(f"item{item} " in p.text for p in found)
        assert all(-1.001 < p.score < 1.001 for p in found)
    knowledge.close()


def test_the_whole_folder_zeroed_is_said_and_healed_by_the_next_ingest(damaged_home: Path, docs: Path) -> None:
    for path in files(damaged_home):
        zeroed(path)
    embedder = BagOfWords()
    knowledge = Knowledge(damaged_home, embedder)
    assert any("item30 " in p.text for p in knowledge.search("what item30 is about"))
    assert knowledge.degraded is not None and "tierwise sources rebuild" in knowledge.degraded
    embedder.texts.clear()
    report = knowledge.ingest(docs, collection="other")
    assert (report.failed, knowledge.degraded) == (0, None)
    assert len(embedder.texts) == report.embedded < 10  # the new ones only
    knowledge.remove(collection="other")
    knowledge.close()
    assert in_order(damaged_home)


@pytest.mark.parametrize("damage", ["of another store", "older"])
def test_a_folder_that_is_not_ours(damaged_home: Path, docs: Path, tmp_path: Path, damage: str) -> None:
    folder = damaged_home / "chroma"
    older = tmp_path / "older"
    shutil.copytree(folder, older)
    if damage == "older":
        knowledge = Knowledge(damaged_home, BagOfWords())
        knowledge.rebuild()
        knowledge.close()
    shutil.rmtree(folder)
    if damage == "older":
        older.rename(folder)
    elif damage == "of another store":
        other = Knowledge(tmp_path / "other", BagOfWords())
        other.ingest(docs)
        other.close()
        (tmp_path / "other" / "chroma").rename(folder)
    knowledge = Knowledge(damaged_home, BagOfWords())
    assert any("item30 " in p.text for p in knowledge.search("what item30 is about"))
    assert knowledge.degraded is not None and "tierwise sources rebuild" in knowledge.degraded
    assert knowledge.rebuild() == COUNT
    assert knowledge.degraded is None
    assert knowledge.search("what item30 is about")
    assert knowledge.degraded is None
    knowledge.close()
    assert in_order(damaged_home)


def test_damage_while_it_is_open(damaged_home: Path, docs: Path) -> None:
    knowledge = Knowledge(damaged_home, BagOfWords())
    assert knowledge.search("what item30 is about")
    for path in files(damaged_home):
        zeroed(path)
    assert any("item30 " in p.text for p in knowledge.search("what item30 is about"))
    knowledge.ingest(docs, collection="other")
    assert any("item30 " in p.text for p in knowledge.search("what item30 is about"))
    assert knowledge.degraded is None
    knowledge.remove(collection="other")
    knowledge.close()
    assert in_order(damaged_home)


def test_who_died_in_the_folder_is_a_warning_to_the_next(damaged_home: Path, docs: Path) -> None:
    (damaged_home / "chroma.inuse").touch()  # as a native crash leaves it
    knowledge = Knowledge(damaged_home, BagOfWords())
    # A process of its own looks at it, finds it whole, and it is used again; the next ingest looks at all of it.
    assert any("item30 " in p.text for p in knowledge.search("what item30 is about"))
    assert knowledge.degraded is None
    before = {path: path.stat().st_ino for path in files(damaged_home)}
    knowledge.ingest(docs, collection="other")
    assert {path: path.stat().st_ino for path in before} == before
    assert not (damaged_home / "chroma.inuse").exists()
    assert knowledge.degraded is None
    knowledge.close()


def test_who_only_searched_leaves_nothing_to_look_at_for_the_next(
    damaged_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_order(damaged_home)

    def started(*_: object, **__: object) -> None:
        raise AssertionError("the files are looked at in a process of its own, which takes about a second")

    monkeypatch.setattr("tierwise.knowledge.store.checking.subprocess.run", started)
    assert in_order(damaged_home)
    assert in_order(damaged_home)


def test_a_process_that_takes_long_to_start_is_not_taken_for_a_folder_that_hangs(
    damaged_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(VectorsUnavailable, match=r"more than 0\.001 s"):
        checking.apart(damaged_home, every=False, seconds=0.001)
    (tmp_path / "sitecustomize.py").write_text("import time\ntime.sleep(9)\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH")))))
    checking.apart(damaged_home, every=False, seconds=8)

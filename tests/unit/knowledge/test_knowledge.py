"""Documents in, passages out: what a person sees of the store in one process."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tierwise.errors import EmbedderMismatch, InvalidInput, UnknownName
from tierwise.knowledge import IngestProgress, Knowledge, Retriever, relevance_floor
from tierwise.models.minilm import MiniLM


class Counting(MiniLM):
    """MiniLM that remembers what it was asked to embed."""

    def __init__(self, identity: str | None = None) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._name = identity

    @property
    def identity(self) -> str:
        return self._name or super().identity

    def embed(self, texts):  # type: ignore[no-untyped-def]
        self.texts += texts
        return super().embed(texts)


def test_a_question_finds_its_passage_verbatim(knowledge: Knowledge, docs: Path) -> None:
    assert isinstance(knowledge, Retriever)
    report = knowledge.ingest(docs)
    assert (report.added, report.failed) == (3, 0)
    for question, file, words in [
        ("When did they put in a new expansion vessel?", "boiler.txt", "19 December 2022"),
        ("Where do I need banknotes?", "huts.md", "cash only"),
        ("What should I use against limescale?", "coffee.html", "citric acid"),
    ]:
        best, *rest = knowledge.search(question)
        assert Path(best.source).name == file
        assert words in best.text
        assert knowledge.source_text(best.source, best.page)[best.start : best.end] == best.text
        assert 1 >= best.score >= max(p.score for p in rest) >= -1
    assert knowledge.degraded is None


def test_a_vector_spares_the_second_embedding(home: Path, docs: Path) -> None:
    embedder = Counting()
    knowledge = Knowledge(home, embedder)
    knowledge.ingest(docs)
    vector = embedder.embed(["expansion vessel"])[0]
    embedder.texts.clear()
    given_vector = knowledge.search("expansion vessel", vector=vector)
    assert embedder.texts == []
    assert knowledge.search("expansion vessel") == given_vector
    knowledge.close()


def test_an_empty_store_answers_and_makes_nothing(knowledge: Knowledge, home: Path) -> None:
    assert knowledge.search("anything") == []
    assert knowledge.sources() == knowledge.collections() == []
    with pytest.raises(UnknownName, match="none yet"):
        knowledge.search("anything", collection="work")
    assert not home.exists()


def test_k_and_names_are_checked(knowledge: Knowledge, docs: Path) -> None:
    knowledge.ingest(docs)
    assert len(knowledge.search("hut", k=1)) == 1
    assert len(knowledge.search("hut", k=100)) == 3, "passages side by side come as one"
    for k in (0, -1, 101):
        with pytest.raises(InvalidInput):
            knowledge.search("hut", k=k)
    with pytest.raises(UnknownName, match="There are: default"):
        knowledge.search("hut", collection="wrok")
    with pytest.raises(InvalidInput):
        knowledge.ingest(docs, collection="../x")
    with pytest.raises(UnknownName):
        knowledge.source_text("/no/such/file")
    with pytest.raises(UnknownName, match="no pages"):
        knowledge.source_text(docs / "huts.md", page=2)


def test_only_what_changed_is_embedded_again(home: Path, docs: Path) -> None:
    embedder = Counting()
    knowledge = Knowledge(home, embedder)
    knowledge.ingest(docs)
    embedder.texts.clear()

    again = knowledge.ingest(docs)
    assert (again.unchanged, again.added, again.changed) == (3, 0, 0)
    assert embedder.texts == []

    huts = docs / "huts.md"
    huts.write_text("# Huts\n\nNew first lines.\n\n" + huts.read_text().removeprefix("# Huts\n\n"))
    report = knowledge.ingest(docs)
    assert (report.changed, report.unchanged) == (1, 2)
    assert len(embedder.texts) == 1
    assert "New first lines" in embedder.texts[0]
    for passage in knowledge.search("hut places cash", k=10):
        assert knowledge.source_text(passage.source)[passage.start : passage.end] == passage.text
    knowledge.close()


def test_files_gone_from_a_folder_are_removed(knowledge: Knowledge, docs: Path) -> None:
    knowledge.ingest(docs)
    (docs / "boiler.txt").unlink()
    report = knowledge.ingest(docs)
    assert report.removed == 1
    assert all("boiler" not in p.source for p in knowledge.search("expansion vessel", k=10))
    for file in docs.iterdir():
        file.unlink()
    docs.rmdir()
    assert knowledge.ingest(docs).removed == 2
    assert knowledge.sources() == []
    assert knowledge.search("expansion vessel") == []


def test_a_bad_file_never_sinks_the_rest(knowledge: Knowledge, docs: Path) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (docs / "data.xyz").write_bytes(bytes(range(256)))
    (docs / "empty.txt").touch()
    report = knowledge.ingest([docs, docs / "missing.txt", docs / "huts.md"])
    assert (report.added, report.failed) == (3, 4)
    said = {Path(s.path).name: f"{s.error} {s.fix}" for s in report.sources if s.status == "failed"}
    assert set(said) == {"broken.pdf", "data.xyz", "empty.txt", "missing.txt"}
    assert all(len(w) > 20 and "Traceback" not in w for w in said.values())


def test_a_file_that_becomes_unreadable_keeps_its_earlier_version(knowledge: Knowledge, docs: Path) -> None:
    knowledge.ingest(docs)
    (docs / "boiler.txt").write_bytes(bytes(range(256)))
    (failed,) = [s for s in knowledge.ingest(docs).sources if s.status == "failed"]
    assert failed.error is not None and "earlier version is kept" in failed.error
    assert "2022" in knowledge.search("expansion vessel")[0].text


def test_a_typing_error_in_the_path_is_an_error(knowledge: Knowledge, home: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="does not exist"):
        knowledge.ingest(tmp_path / "dcos")
    with pytest.raises(InvalidInput):
        knowledge.ingest([])
    assert not home.exists()


def test_folders_are_walked_with_sense(knowledge: Knowledge, docs: Path, tmp_path: Path) -> None:
    for name in (".hidden/a.txt", ".git/b.txt", "node_modules/c.txt", "__pycache__/d.txt", ".e.txt", "photo.jpg"):
        path = docs / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("Not to be read.")
    (docs / "inner").mkdir()
    (docs / "inner" / "note.txt").write_text("A note inside.")
    (docs / "inner" / "circle").symlink_to(docs)
    (docs / "link.txt").symlink_to(docs / "boiler.txt")
    report = knowledge.ingest([docs, docs / "inner", docs / "boiler.txt"])
    assert sorted(Path(s.path).name for s in report.sources) == ["boiler.txt", "coffee.html", "huts.md", "note.txt"]
    # What is named itself is read, hidden or not.
    assert knowledge.ingest(docs / ".e.txt").added == 1


def test_collections_keep_apart(knowledge: Knowledge, docs: Path) -> None:
    knowledge.ingest(docs / "boiler.txt", collection="home")
    knowledge.ingest(docs, collection="all")
    assert [(c.name, c.sources) for c in knowledge.collections()] == [("all", 3), ("home", 1)]
    assert {p.collection for p in knowledge.search("vessel", k=10, collection="home")} == {"home"}
    assert sum("vessel" in p.text for p in knowledge.search("vessel", k=10)) == 1, "the same text was shown twice"
    assert knowledge.remove(docs / "boiler.txt", collection="home") == 1
    assert [s.collection for s in knowledge.sources() if s.path.endswith("boiler.txt")] == ["all"]
    assert knowledge.remove(collection="all") == 3
    assert [c.name for c in knowledge.collections()] == ["home"]
    assert knowledge.search("vessel") == []


def test_a_lock_stays_until_it_is_taken_off(knowledge: Knowledge, docs: Path) -> None:
    knowledge.ingest(docs / "boiler.txt", collection="home", locked=True)
    knowledge.ingest(docs / "huts.md", collection="home")
    assert all(p.locked for p in knowledge.search("vessel", k=10))
    knowledge.set_lock("home", False)
    assert not any(p.locked for p in knowledge.search("vessel", k=10))
    with pytest.raises(UnknownName):
        knowledge.set_lock("nope", True)


def test_remove(knowledge: Knowledge, docs: Path) -> None:
    knowledge.ingest(docs)
    with pytest.raises(UnknownName):
        knowledge.remove(docs / "nothing.txt")
    with pytest.raises(InvalidInput):
        knowledge.remove()
    assert knowledge.remove(docs / "huts.md") == 1
    assert knowledge.remove(docs) == 2
    assert knowledge.search("vessel") == []
    assert knowledge.ingest(docs).added == 3
    assert len(knowledge.search("vessel", k=10)) == 3


def test_progress_counts_up_to_the_end(knowledge: Knowledge, docs: Path) -> None:
    steps: list[IngestProgress] = []
    knowledge.ingest(docs, progress=steps.append)
    assert [s.done for s in steps] == sorted(s.done for s in steps)
    assert (steps[-1].done, steps[-1].total, steps[-1].passages) == (3, 3, 5)
    assert steps[-1].rate > 0
    steps.clear()
    assert knowledge.rebuild(steps.append) == 5
    assert steps[-1].done == steps[-1].total == 5


def test_other_vectors_are_refused_until_rebuilt(knowledge: Knowledge, home: Path, docs: Path) -> None:
    knowledge.ingest(docs)
    knowledge.close()
    other = Knowledge(home, Counting("another/embedder:1"))
    for use in (lambda: other.search("vessel"), lambda: other.ingest(docs)):
        with pytest.raises(EmbedderMismatch, match="tierwise sources rebuild"):
            use()
    assert other.rebuild() == 5
    assert len(other.search("vessel", k=10)) == 3
    other.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.text(max_size=80), st.sampled_from(['"', "NEAR(a b)", "a OR", "title:x*", "-", "^a", "'; DROP", "\0"]))
)
def test_any_text_is_a_question(filled: Knowledge, query: str) -> None:
    assert len(filled.search(query, k=3)) == (3 if query.strip() else 0)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    folder = tmp_path_factory.mktemp("filled")
    text = "".join(f"## Part {i}\n\nWhat part {i} says.\n\n" for i in range(9))
    (folder / "a.md").write_text(text)
    knowledge = Knowledge(folder / "home", MiniLM())
    knowledge.ingest(folder / "a.md")
    return knowledge


def test_equal_questions_get_equal_answers(filled: Knowledge) -> None:
    first = filled.search("what does it say", k=9)
    assert all(filled.search("what does it say", k=9) == first for _ in range(3))


def test_only_the_owner_can_read_the_stores(knowledge: Knowledge, home: Path, docs: Path) -> None:
    knowledge.ingest(docs)
    for path in (home, home / "knowledge.sqlite", home / "chroma"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_importing_is_free() -> None:
    code = (
        "import sys, tierwise.knowledge; from tierwise.knowledge import Knowledge, Retriever;"
        "heavy = {'chromadb', 'onnxruntime', 'numpy', 'pypdfium2', 'selectolax', 'tree_sitter', 'tokenizers'};"
        "heavy &= set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env={**os.environ})


def test_another_embedder_without_tokens_of_its_own(home: Path, docs: Path) -> None:
    class Letters:
        identity, dimension = "letters:1", 26

        def embed(self, texts: list[str]) -> np.ndarray:
            counts = np.array([[t.lower().count(chr(97 + i)) + 0.01 for i in range(26)] for t in texts], np.float32)
            return counts / np.linalg.norm(counts, axis=1, keepdims=True)

    knowledge = Knowledge(home, Letters())
    assert knowledge.ingest(docs).added == 3
    assert knowledge.search("expansion vessel")[0].score > 0
    knowledge.close()


def test_passages_are_relevant_by_meaning_or_by_a_telling_word(knowledge: Knowledge, tmp_path: Path) -> None:
    document = tmp_path / "boiler.txt"
    document.write_text("Code E3 was shown again after the pump had been exchanged. The engineer comes on Friday.\n")
    knowledge.ingest(document)
    for query, expected in (
        ("Which error did the heating report?", True),
        ("E3?", True),
        ("Say hello in one short sentence.", False),
    ):
        found = knowledge.search(query)
        assert knowledge.relevant(query, found) is expected, query
        (worth,) = knowledge.worths(query, found)
        assert (worth >= relevance_floor(1)) is expected, query
        assert worth >= found[0].score
    assert knowledge.relevant("E3?", []) is False


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8 exist on Linux only")
def test_names_that_cannot_be_stored_and_links_in_circles_fail_by_themselves(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "good.txt").write_text("The heron stands in the reeds.")
    (folder / "loop").symlink_to("loop")
    bad = folder / "caf\udce9.txt"  # the byte E9, which is not UTF-8
    bad.write_text("Never read.")
    report = knowledge.ingest(folder)
    assert (report.added, report.failed) == (1, 1)
    failed = next(s for s in report.sources if s.status == "failed")
    assert failed.error is not None and "UTF-8" in failed.error
    failed.path.encode()  # can be printed
    assert knowledge.ingest([folder / "good.txt", bad]).failed == 1
    assert knowledge.search("heron \udce9")


@pytest.mark.parametrize("path", ["", "a\0b", "~no-such-user-here/x"])
def test_what_cannot_be_a_path_is_refused(knowledge: Knowledge, path: str) -> None:
    with pytest.raises(InvalidInput, match="path"):
        knowledge.ingest(path)
    with pytest.raises(InvalidInput, match="path"):
        knowledge.source_text(path)


def test_what_may_not_be_looked_at_is_not_gone(
    knowledge: Knowledge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "a.txt").write_text("The heron stands in the reeds.")
    knowledge.ingest(folder)
    scandir, lstat = os.scandir, os.lstat

    def closed(inner: Any) -> Any:
        def call(path: Any, **options: Any) -> Any:
            if f"{folder.name}{os.sep}inner" in str(path) and (inner is scandir or str(path).endswith(".txt")):
                raise PermissionError(13, "Permission denied")
            return inner(path, **options)

        return call

    monkeypatch.setattr(os, "scandir", closed(scandir))
    monkeypatch.setattr(os, "lstat", closed(lstat))
    report = knowledge.ingest(folder)
    assert (report.removed, report.failed) == (0, 1)
    assert knowledge.search("heron")


def test_a_document_in_a_locked_collection_is_locked_in_every_other_too(knowledge: Knowledge, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("The vault opens with 4711.")
    knowledge.ingest(tmp_path / "note.txt", collection="everything")
    assert not knowledge.search("vault")[0].locked
    knowledge.ingest(note, collection="private", locked=True)
    assert all(p.locked for p in knowledge.search("vault"))
    assert knowledge.is_locked("private")
    assert not knowledge.is_locked("everything")
    with pytest.raises(UnknownName):
        knowledge.is_locked("nowhere")


def test_a_file_in_the_place_of_the_index_makes_way(knowledge: Knowledge, home: Path, docs: Path) -> None:
    home.mkdir(exist_ok=True)
    (home / "chroma").write_text("not a folder")
    assert knowledge.ingest(docs).failed == 0
    assert knowledge.degraded is None
    assert knowledge.search("vessel")
    assert knowledge.degraded is None

"""Ingesting again: what is unchanged is left alone, and nothing is embedded twice."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event

import pytest
from bag_of_words import BagOfWords

from tierwise.errors import InvalidInput
from tierwise.knowledge import Filter, IngestProgress, Knowledge
from tierwise.knowledge.reading.process import ReaderProcess
from tierwise.knowledge.sources.item import Change, Cursor, Gone, Item


class Listed:
    """An origin that gives what it is told to."""

    def __init__(self, *given: Change, id: str = "listed:") -> None:
        self.id = id
        self.given = list(given)
        self.cursor: str | None = None
        self.known: dict[str, str | None] = {}

    def changes(self, known: Mapping[str, str | None], cursor: str | None) -> Iterator[Change]:
        self.known, self.cursor = dict(known), cursor
        yield from self.given

    def count(self) -> None:
        return None


def item(id_: str, text: str, stamp: str | None = None, **more: object) -> Item:
    return Item(f"listed:{id_}", f"{id_}.txt", stamp, text.encode, **more)  # type: ignore[arg-type]


def aged(folder: Path) -> Path:
    """Old enough that a change of any file shows in its times."""
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
    return folder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what is read from now on."""
    names: list[str] = []
    read = ReaderProcess.read

    def counted(self: ReaderProcess, name: str, data: bytes) -> object:
        names.append(name)
        return read(self, name, data)

    monkeypatch.setattr(ReaderProcess, "read", counted)
    return names


def test_a_moved_and_a_copied_file_embed_nothing(quick: Knowledge, words: BagOfWords, many: Path) -> None:
    first = quick.ingest(many)
    assert (first.added, first.embedded) == (40, 200)
    many = many.rename(many.with_name("moved"))
    shutil.copy(many / "file00.md", many / "copy.md")
    words.texts.clear()
    moved = quick.ingest([many, many.with_name("many")])
    assert (moved.added, moved.removed, moved.embedded) == (41, 40, 0)
    assert words.texts == []
    assert len(quick.whole(many / "copy.md")) == len(quick.whole(many / "file00.md")) == 5
    found = quick.search("what item2 is about", k=10)
    assert any("item2 " in p.text for p in found)
    assert all(p.score > 0 for p in found)


def test_a_changed_line_embeds_one_passage(quick: Knowledge, words: BagOfWords, many: Path) -> None:
    quick.ingest(many)
    file = many / "file07.md"
    file.write_text(file.read_text().replace("item37 is", "item37 was"))
    words.texts.clear()
    report = quick.ingest(many)
    assert (report.changed, report.unchanged, report.embedded) == (1, 39, 1)
    assert len(words.texts) == 1
    assert next(s.embedded for s in report.sources if s.status == "changed") == 1


def test_what_is_unchanged_is_not_even_read(quick: Knowledge, docs: Path, reads: list[str]) -> None:
    aged(docs)
    quick.ingest(docs)
    reads.clear()
    assert quick.ingest(docs).unchanged == 3
    (docs / "boiler.txt").touch()  # other times, same content
    assert quick.ingest(docs).unchanged == 3
    assert reads == []


def test_a_bad_file_is_tried_again_only_when_it_changes(quick: Knowledge, docs: Path, reads: list[str]) -> None:
    (docs / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    aged(docs)
    first = quick.ingest(docs)
    reads.clear()
    again = quick.ingest(docs)
    assert reads == []
    failed = [[s for s in report.sources if s.status == "failed"] for report in (first, again)]
    assert failed[0] == failed[1]
    ((one,), _) = failed
    assert one.error and one.fix
    assert [(f.path, f.error) for f in quick.failures()] == [(one.path, one.error)]
    (docs / "bad.pdf").unlink()
    assert quick.ingest(docs).failed == 0
    assert quick.failures() == []


def test_stopped_in_the_middle_and_resumed(quick: Knowledge, words: BagOfWords, many: Path) -> None:
    stop = Event()

    def told(step: IngestProgress) -> None:
        if step.done == 20:
            stop.set()

    half = quick.ingest(many, progress=told, stop=stop)
    assert half.stopped
    assert 20 <= half.added < 40
    rest = quick.ingest(many)
    assert not rest.stopped
    assert (rest.added, rest.unchanged) == (40 - half.added, half.added)
    assert len(words.texts) == len(set(words.texts)) == 200


def test_interrupted_by_the_user_keeps_what_was_done(quick: Knowledge, words: BagOfWords, many: Path) -> None:
    def told(step: IngestProgress) -> None:
        if step.done == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quick.ingest(many, progress=told)
    assert len(quick.sources()) == 30
    assert quick.ingest(many).added == 10
    assert len(words.texts) == len(set(words.texts)) == 200


def test_an_origin_is_told_what_is_known_and_where_it_stood(quick: Knowledge, home: Path) -> None:
    origin = Listed(item("a", "The first one.", "1"), Cursor("one"), item("b", "The second one.", "1"))
    assert quick.ingest_from([origin]).added == 2
    assert (origin.known, origin.cursor) == ({}, None)
    origin.given = [Gone("listed:b"), item("a", "Not loaded, since its stamp is the same.", "1"), Cursor("two")]
    report = quick.ingest_from([origin])
    assert (origin.known, origin.cursor) == ({"listed:a": "1", "listed:b": "1"}, "one")
    assert (report.removed, report.unchanged) == (1, 1)
    quick.ingest_from([origin])
    assert origin.cursor == "two"
    assert quick.source_text("listed:a") == "The first one."


def test_a_cursor_is_not_kept_before_what_comes_before_it(quick: Knowledge) -> None:
    def fails() -> bytes:
        raise KeyboardInterrupt

    origin = Listed(item("a", "The first one."), Cursor("one"), Item("listed:b", "b", None, fails), Cursor("two"))
    with pytest.raises(KeyboardInterrupt):
        quick.ingest_from([origin])
    origin.given = []
    quick.ingest_from([origin])
    assert origin.cursor == "one"


def test_labels_dates_and_readers_are_kept_and_follow_their_source(quick: Knowledge, docs: Path) -> None:
    aged(docs)
    quick.ingest(docs, labels=["handbook"])
    quick.ingest(docs)  # without saying it again
    assert all(s.labels == {"handbook"} and s.modified == 1e9 for s in quick.sources())
    origin = Listed(
        item("a", "The boiler of the office.", "1", labels=frozenset({"office"}), access=frozenset({"ann"}))
    )
    quick.ingest_from([origin], labels=["tickets"])
    assert [(s.labels, s.access) for s in quick.sources() if s.path == "listed:a"] == [({"office", "tickets"}, {"ann"})]
    found = [p.source for p in quick.search("boiler", only=Filter(labels=frozenset({"office"})))]
    assert found == ["listed:a"]
    assert "listed:a" not in {p.source for p in quick.search("boiler", only=Filter(access=frozenset({"bob"})))}
    # A change of labels alone, with content and stamp as they were.
    origin.given = [item("a", "The boiler of the office.", "1", labels=frozenset({"cellar"}))]
    assert quick.ingest_from([origin]).unchanged == 1
    assert [(s.labels, s.access) for s in quick.sources() if s.path == "listed:a"] == [({"cellar", "tickets"}, set())]


def test_what_a_source_cannot_give_keeps_its_earlier_version(quick: Knowledge) -> None:
    def fails() -> bytes:
        raise InvalidInput("The system is not there.", fix="Start it.")

    origin = Listed(item("a", "The first one.", "1"))
    quick.ingest_from([origin])
    origin.given = [Item("listed:a", "a.txt", "2", fails)]
    report = quick.ingest_from([origin])
    assert report.sources[0].error == "The system is not there. Its earlier version is kept."
    assert report.sources[0].fix == "Start it."
    origin.given = [item("a", "The second one.", "2")]  # it was not its content's fault, so it is tried again
    assert quick.ingest_from([origin]).changed == 1
    assert quick.failures() == []


def test_time_left_is_told_once_there_is_something_to_go_by(home: Path, many: Path) -> None:
    steps: list[IngestProgress] = []
    knowledge = Knowledge(home, BagOfWords(seconds=0.007))
    knowledge.ingest(many, progress=steps.append)
    knowledge.close()
    assert steps[0].seconds_left is None
    left = [step.seconds_left for step in steps if step.seconds_left is not None]
    assert left and min(left) >= 0
    assert (steps[-1].done, steps[-1].total, steps[-1].seconds_left) == (40, 40, 0)

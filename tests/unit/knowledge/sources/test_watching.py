"""Following: after every change there is a word, whatever an editor or a person does to files and folders."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest
import watchfiles

from tierwise.knowledge.sources import changes_below, follows_files, open_origins, watching


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("One.")
    return folder


@pytest.fixture
def follow() -> Iterator[Callable[..., Iterator[None]]]:
    stop = Event()
    limit = Timer(60, stop.set)  # a word that never comes fails the test instead of keeping it
    limit.start()

    def start(*words: Path, **settings: Any) -> Iterator[None]:
        words_there = changes_below(open_origins(words), stop=stop, **settings)
        next(words_there)
        return words_there

    yield start
    limit.cancel()
    stop.set()


def test_there_is_a_word_after_every_change_in_a_folder(docs: Path, follow: Callable[..., Iterator[None]]) -> None:
    words = follow(docs)
    (docs / "inner").mkdir()
    (docs / "inner" / "b.md").write_text("Two.")
    next(words)
    (docs / "inner" / "b.md").rename(docs / "c.md")
    next(words)
    (docs / "c.md").unlink()
    next(words)


def test_a_single_file_is_followed_through_the_ways_of_editors(
    docs: Path, follow: Callable[..., Iterator[None]]
) -> None:
    file = docs / "a.md"
    words = follow(file)
    (docs / "draft").write_text("Two.")
    (docs / "draft").replace(file)
    next(words)
    file.write_text("Three.")
    next(words)
    file.unlink()
    next(words)
    file.write_text("Four.")
    next(words)


def test_a_folder_may_go_and_come_again(docs: Path, follow: Callable[..., Iterator[None]]) -> None:
    words = follow(docs)
    shutil.rmtree(docs)
    next(words)
    docs.mkdir()
    next(words)
    (docs / "new.md").write_text("In another folder of the same name.")
    next(words)


def test_a_folder_that_came_again_at_once_is_followed_though_it_looks_the_same(
    docs: Path, follow: Callable[..., Iterator[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where the system gives the number of the old folder to the new one.
    monkeypatch.setattr(watching, "_mark", lambda place: "folder 1 1" if Path(place).is_dir() else "")
    words = follow(docs)
    shutil.rmtree(docs)
    docs.mkdir()
    next(words)
    next(words)  # it begins to follow the new one
    (docs / "new.md").write_text("In another folder of the same name.")
    next(words)


def test_where_no_more_folders_can_be_followed_it_looks_around(
    docs: Path, follow: Callable[..., Iterator[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watchfiles.watch

    def full(*paths: str, force_polling: bool | None, **settings: Any) -> Any:
        if not force_polling:
            raise OSError(28, "No space left on device")
        return watch(*paths, force_polling=True, **settings)

    monkeypatch.setattr(watchfiles, "watch", full)
    words = follow(docs)
    (docs / "b.md").write_text("Two.")
    next(words)


def test_it_ends_when_it_is_told_to(docs: Path) -> None:
    stop = Event()
    words = changes_below(open_origins([docs]), stop=stop)
    next(words)
    Timer(0.1, stop.set).start()
    assert list(words) == []


def test_pages_are_not_followed(docs: Path) -> None:
    page, folder = open_origins(["https://example.org/", docs])
    assert [follows_files(page), follows_files(folder)] == [False, True]

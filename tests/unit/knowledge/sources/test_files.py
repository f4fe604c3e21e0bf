"""Files, folders and patterns: what is found, what is gone, and what is only out of reach."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tierwise.errors import InvalidInput, UsageError
from tierwise.knowledge.sources import Change, Gone, Item, Trouble, open_origins
from tierwise.knowledge.sources.files import MAX_BYTES, load_file


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    for name in ("a.md", "inner/b.md", "inner/c.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"What {name} says.")
    return folder


def looked(*words: object, known: dict[str, str | None] | None = None, **settings: Any) -> list[Change]:
    origins = open_origins([str(word) for word in words], stored=lambda place: bool(known), **settings)
    return [change for origin in origins for change in origin.changes(known or {}, None)]


def names(changes: list[Change]) -> list[str]:
    return [change.name for change in changes if isinstance(change, Item)]


def stored(changes: list[Change]) -> dict[str, str | None]:
    return {change.source: change.stamp for change in changes if isinstance(change, Item)}


def aged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a minute pass since the files were written."""
    now = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: now)


def test_each_file_comes_once_in_the_order_of_the_words(docs: Path) -> None:
    changes = looked(docs / "inner", docs, docs / "a.md")
    assert names(changes) == ["b.md", "c.txt", "a.md"]
    assert isinstance(changes[0], Item)
    assert changes[0].load() == b"What inner/b.md says."
    origins = open_origins([docs / "inner", docs])
    assert [origin.count() for origin in origins] == [2, 1]
    assert [origin.id for origin in origins] == [str(docs / "inner"), str(docs)]


def test_what_an_editor_leaves_beside_a_document_is_passed_over(docs: Path) -> None:
    for name in ("a.md~", ".a.md.swp", "~$minutes.docx"):
        (docs / name).write_text("Not a document.")
    assert names(looked(docs)) == ["a.md", "b.md", "c.txt"]


def test_patterns_find_files_by_name(docs: Path) -> None:
    for name in (".hidden/x.md", "node_modules/x.md"):
        (docs / name).parent.mkdir()
        (docs / name).write_text("Not to be read.")
    assert names(looked(docs / "**/*.md")) == ["a.md", "b.md"]
    assert names(looked(docs / "*.md")) == ["a.md"]
    assert names(looked(docs / "**")) == ["a.md", "b.md", "c.txt"]
    assert names(looked(docs / "*")) == ["a.md", "b.md", "c.txt"], "a folder that matches stands for what is in it"
    assert names(looked(docs / "inner" / "[bx].??")) == ["b.md"]


def test_a_pattern_may_be_the_name_of_a_file(docs: Path) -> None:
    (docs / "what[1].md").write_text("Kept by a browser.")
    assert names(looked(docs / "what[1].md")) == ["what[1].md"]


def test_a_pattern_that_nothing_matches_is_an_error_that_names_it(docs: Path) -> None:
    with pytest.raises(InvalidInput, match=r"\*\.pdf does not exist"):
        open_origins([str(docs / "*.pdf")])
    found = looked(docs / "a.md", docs / "*.pdf")
    assert [change.source for change in found if isinstance(change, Trouble)] == [str(docs / "*.pdf")]
    with pytest.raises(InvalidInput, match="no pattern"):
        open_origins([str(docs / "**x")])


def test_a_link_out_of_the_folder_is_followed_and_a_circle_ends(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "far.txt").write_text("Elsewhere.")
    (docs / "link.txt").symlink_to(tmp_path / "far.txt")
    (docs / "inner" / "up").symlink_to(docs)
    found = looked(docs)
    assert names(found) == ["a.md", "far.txt", "b.md", "c.txt"]
    assert names(looked(docs / "**" / "*.txt")) == ["c.txt", "far.txt"]


# -- stamps ------------------------------------------------------------------------------------------------------------


def test_a_stamp_tells_every_way_in_which_a_file_can_change(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = docs / "a.md"
    os.utime(file, (1000, 1000))
    aged(docs, monkeypatch)
    first = stored(looked(docs))[str(file)]
    assert first is not None
    assert stored(looked(docs))[str(file)] == first
    before = file.stat().st_ctime_ns
    while file.stat().st_ctime_ns == before:  # the clock of a file system ticks slowly
        file.write_text("X" + file.read_text()[1:])  # of the same length, and the time is set back
        os.utime(file, (1000, 1000))
    assert stored(looked(docs))[str(file)] != first


def test_a_file_that_was_written_just_now_has_no_stamp(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = min(path.stat().st_ctime for path in docs.rglob("*.*")) + 1
    monkeypatch.setattr(time, "time", lambda: now)
    assert set(stored(looked(docs)).values()) == {None}


# -- gone --------------------------------------------------------------------------------------------------------------


def test_what_is_deleted_moved_or_no_file_any_more_is_gone(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aged(docs, monkeypatch)
    known = stored(looked(docs))
    (docs / "a.md").rename(docs / "z.md")
    (docs / "inner" / "b.md").unlink()
    (docs / "inner" / "b.md").mkdir()
    (docs / "inner" / "c.txt").unlink()
    (docs / "inner" / "c.txt").symlink_to(docs / "z.md")
    found = looked(docs, known=known)
    assert {change.source for change in found if isinstance(change, Gone)} == set(known)
    assert names(found) == ["z.md"]
    assert isinstance(found[0], Item), "what is new comes first: what is moved keeps its vectors"


def test_a_deleted_folder_is_gone(docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aged(docs, monkeypatch)
    known = stored(looked(docs))
    docs.rename(tmp_path / "moved")
    assert {change.source for change in looked(docs, known=known) if isinstance(change, Gone)} == set(known)


@pytest.mark.parametrize("missing", ["the folder", "what is in it", "its parent"])
def test_a_disk_that_is_not_there_takes_nothing_with_it(
    docs: Path, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = docs / "inner"
    aged(docs, monkeypatch)
    # The folder was a disk of its own: its files were on another device than what stands there now.
    known = {source: str(stamp).rpartition(" ")[0] + " 77" for source, stamp in stored(looked(inner)).items()}
    for file in inner.iterdir():
        file.unlink()
    if missing != "what is in it":
        inner.rmdir()
    if missing == "its parent":
        docs.rename(tmp_path / "moved")
    (found,) = looked(inner, known=known)  # type: ignore[arg-type]
    assert isinstance(found, Trouble)
    assert found.source == str(inner)
    assert "2 of its documents are missing" in found.reason
    assert "tierwise sources remove" in found.fix


def test_a_disk_within_a_folder_may_be_missing_too(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aged(docs, monkeypatch)
    known = {
        source: str(stamp).rpartition(" ")[0] + " 77" if "inner" in source else stamp
        for source, stamp in stored(looked(docs)).items()
    }
    (docs / "inner" / "b.md").unlink()
    (docs / "inner" / "c.txt").unlink()
    (docs / "a.md").unlink()
    (docs / "new.md").write_text("New.")
    found = looked(docs, known=known)
    assert [type(change) for change in found] == [Item, Gone, Trouble]


def test_the_devices_number_may_change_while_the_files_stay(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aged(docs, monkeypatch)
    known = {source: str(stamp).rpartition(" ")[0] + " 77" for source, stamp in stored(looked(docs)).items()}
    (docs / "inner" / "b.md").unlink()
    found = looked(docs, known=known)  # type: ignore[arg-type]
    assert [change.source for change in found if isinstance(change, Gone)] == [str(docs / "inner" / "b.md")]


def test_a_folder_that_may_not_be_listed_keeps_what_is_stored(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = stored(looked(docs))
    scandir = os.scandir

    def closed(path: Any) -> Any:
        if str(path).endswith("inner"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    found = looked(docs, known=known)
    assert [type(change) for change in found] == [Trouble, Item] or [type(change) for change in found] == [
        Item,
        Trouble,
    ]
    assert not any(isinstance(change, Gone) for change in found)


# -- loading -----------------------------------------------------------------------------------------------------------


def test_a_pipe_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    for path in (tmp_path / "pipe.txt", Path("/dev/zero")):
        (item,) = looked(path)
        assert isinstance(item, Item)
        with pytest.raises(InvalidInput, match="not a plain file"):
            item.load()


def test_a_pipe_that_takes_the_place_of_a_file_does_not_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.txt"
    file.write_text("Text.")
    plain = os.lstat(file)
    file.unlink()
    os.mkfifo(file)
    monkeypatch.setattr(os, "lstat", lambda path: plain)
    with pytest.raises(InvalidInput, match="not a plain file"):
        load_file(str(file))
    file.unlink()
    file.symlink_to("/etc/passwd")
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_file(str(file))


def test_what_is_too_large_or_empty_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(" \n")
    with pytest.raises(InvalidInput, match="empty"):
        load_file(str(file))
    with file.open("wb") as opened:
        opened.truncate(MAX_BYTES + 1)
    with pytest.raises(InvalidInput, match="too large: 50 MB"):
        load_file(str(file))
    file.unlink()
    with pytest.raises(InvalidInput, match="no such file"):
        load_file(str(file))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_says_so(docs: Path) -> None:
    (docs / "a.md").chmod(0)
    with pytest.raises(InvalidInput, match="may not read"):
        load_file(str(docs / "a.md"))
    assert stat.S_IMODE((docs / "a.md").stat().st_mode) == 0


# -- any tree ----------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a.md", "b.txt", ".h.md", "x.png", "é.md", "c d.rst", "node_modules"])
TREES = st.recursive(
    st.just("text"), lambda inner: st.dictionaries(NAMES | st.sampled_from(["one", "two", ".git2"]), inner, max_size=4)
)


def planted(folder: Path, tree: Any) -> list[str]:
    """Make the tree; gives the files that are documents."""
    folder.mkdir(parents=True)
    found = []
    for name, inner in tree.items():
        path = folder / name
        if isinstance(inner, dict):
            below = planted(path, inner)
            found += [] if name.startswith(".") or name == "node_modules" else below
        else:
            path.write_text(f"{inner} {path}")
            found += [] if name.startswith(".") or name in ("x.png", "node_modules") else [str(path)]
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.dictionaries(NAMES | st.sampled_from(["one", "two"]), TREES, max_size=5), data=st.data())
def test_any_tree_is_found_and_what_is_deleted_of_it_is_gone(
    tmp_path_factory: pytest.TempPathFactory, tree: Any, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("tree") / "docs"
    expected = planted(root, tree)
    (origin,) = open_origins([root])
    found = list(origin.changes({}, None))
    assert sorted(stored(found)) == sorted(expected)
    assert origin.count() == len(expected)
    lost = data.draw(st.lists(st.sampled_from(expected), unique=True)) if expected else []
    for path in lost:
        Path(path).unlink()
    (origin,) = open_origins([root])
    again = list(origin.changes(stored(found), None))
    assert {change.source for change in again if isinstance(change, Gone)} == set(lost)
    assert set(stored(again)) == set(expected) - set(lost)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8 exist on Linux only")
def test_a_name_that_is_not_utf8_is_named_and_set_aside(docs: Path) -> None:
    bad = docs / "caf\udce9.txt"
    bad.write_text("Never read.")
    for found in (looked(docs), looked(docs / "a.md", bad), looked(docs / "*")):
        (trouble,) = (change for change in found if isinstance(change, Trouble))
        trouble.source.encode()
        assert "UTF-8" in trouble.reason


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.text(st.sampled_from("*?[]:#%\0\nab-é\udce9 !"), max_size=8))
def test_any_word_is_a_place_or_an_error_that_says_why(word: str, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(docs)
    try:
        for origin in open_origins([word]):
            list(origin.changes({}, None))
    except UsageError as error:
        assert str(error)

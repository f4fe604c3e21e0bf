"""Copies of uploads: names that cannot leave their folder, and no file in place of another."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tierwise.errors import InvalidInput
from tierwise_app.copies import keep, safe_name
from tierwise_app.web.desk import Desk
from tierwise_app.web.jobs import Job
from tierwise_app.web.knowledge import uploads
from tierwise_app.web.knowledge.uploads import start_upload


class File:
    """An upload as Streamlit has it."""

    def __init__(self, name: str, data: bytes, *, size: int | None = None) -> None:
        self.name, self.size, self._data = name, len(data) if size is None else size, data

    def getbuffer(self) -> memoryview:
        return memoryview(self._data)


@given(st.text(max_size=400) | st.from_regex(r"[./\\]{0,5}[\w .-]{0,300}(\.[a-z]{1,30})?"))
@example("../../etc/passwd")
@example("..\\..\\boot.ini")
@example("\0\u202efdp.exe")
@example("CON.txt")
@example("~/.ssh/id")
@example("é" * 300 + ".pdf")
@example("\ud800.txt")
@example(". . .")
def test_any_name_becomes_that_of_a_plain_file_in_its_folder(name: str) -> None:
    safe = safe_name(name)

    assert safe
    assert safe.isprintable()
    assert not set(safe) & set('/\\<>:"|?*')
    assert not safe.startswith((".", " "))
    assert not safe.endswith((".", " "))
    assert len(safe.encode()) <= 200
    assert (Path("/home/uploads/c") / safe).parent == Path("/home/uploads/c")
    assert safe_name(safe) == safe


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("C:\\Users\\me\\Übersicht 2024.docx", "Übersicht 2024.docx"),
        ("../notes.tar.gz", "notes.tar.gz"),
        (".env", "env"),
        ("", "file"),
        ("x" * 300 + ".md", "x" * 197 + ".md"),
    ],
)
def test_what_is_harmless_in_a_name_stays(name: str, kept: str) -> None:
    assert safe_name(name) == kept


def test_a_name_that_is_taken_by_other_bytes_gets_a_number(tmp_path: Path) -> None:
    folder = tmp_path / "uploads" / "c"
    first = keep(folder, "a.txt", b"one")

    assert keep(folder, "a.txt", b"one") == first == folder / "a.txt"
    assert keep(folder, "a.txt", b"two") == folder / "a (2).txt"
    assert keep(folder, "a.txt", b"three") == folder / "a (3).txt"
    assert keep(folder, "a.txt", b"two") == folder / "a (2).txt"
    assert first.read_bytes() == b"one"
    assert sorted(p.name for p in folder.iterdir()) == ["a (2).txt", "a (3).txt", "a.txt"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert first.stat().st_mode & 0o777 == 0o600


def test_a_link_in_the_folder_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "precious.txt").write_text("mine")
    (tmp_path / "c" / "a.txt").symlink_to(tmp_path / "precious.txt")

    assert keep(tmp_path / "c", "a.txt", b"theirs") == tmp_path / "c" / "a (2).txt"
    assert (tmp_path / "precious.txt").read_text() == "mine"


@pytest.fixture
def desk(own_home: Path) -> Desk:
    return Desk()


def upload(desk: Desk, *files: File, lock: bool = False) -> Job:
    job = start_upload(desk, files, collection="c", lock=lock)
    assert job.ended.wait(60)
    return job


def test_two_uploads_of_one_name_are_two_documents(desk: Desk, own_home: Path) -> None:
    one, two = b"The keys are under the mat.", b"The bins are emptied on Monday."
    upload(desk, File("notes.txt", one))
    again = upload(desk, File("notes.txt", one)).result
    other = upload(desk, File("x/notes.txt", two), File("notes.txt", one), lock=True).result

    assert (again.added, again.unchanged) == (0, 1)
    assert (other.added, other.unchanged) == (1, 1)
    knowledge = desk.copilot.knowledge
    assert {Path(s.path).name: knowledge.source_text(s.path).encode() for s in knowledge.sources("c")} == {
        "notes.txt": one,
        "notes (2).txt": two,
    }
    assert knowledge.is_locked("c")
    assert all(Path(s.path).is_relative_to(own_home.resolve() / "uploads" / "c") for s in knowledge.sources("c"))
    desk.copilot.close()


def test_what_is_too_large_is_told_beside_what_was_read(desk: Desk, own_home: Path) -> None:
    report = upload(desk, File("a.txt", b"The keys are under the mat."), File("b.txt", b"", size=60_000_000)).result

    assert (report.added, report.failed) == (1, 1)
    (failed,) = [s for s in report.sources if s.status == "failed"]
    assert (failed.path, failed.error) == ("b.txt", "It is too large: 60.0 MB, and 50.0 MB is the limit.")
    assert [p.name for p in (own_home / "uploads" / "c").iterdir()] == ["a.txt"]
    desk.copilot.close()


def test_what_cannot_begin_is_refused_at_once(desk: Desk) -> None:
    file = File("a.txt", b"x")
    for files, collection in (((), "c"), ((file,) * (uploads.MOST_FILES + 1), "c"), ((file,), "../c")):
        with pytest.raises(InvalidInput):
            start_upload(desk, files, collection=collection, lock=False)
    assert desk.jobs.of("ingest") == []
    desk.copilot.close()

"""The Knowledge page: documents in, seen, tried, locked and out again, on the real stores and the embedded embedder."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tierwise_app.web.desk import Desk
from tierwise_app.web.jobs import Job
from tierwise_app.web.knowledge import work

BOILER = b"The expansion vessel was replaced on 19 December 2022.\nThe pressure should be 1.5 bar."
KETTLE = b"# Kettle\n\nDescale it with ![x](http://evil.example/x.png) citric acid every month."


def draw_page() -> None:
    """The page by itself, without the frame."""
    from tierwise_app.web.knowledge.page import draw

    draw()


@pytest.fixture
def page(fresh_server: Path, the_desk: Callable[[], Desk]) -> Iterator[Callable[[], AppTest]]:
    yield lambda: AppTest.from_function(draw_page, default_timeout=60).run()
    the_desk().copilot.close()


def wait(desk: Desk) -> Job:
    """The job that began last, once it is over."""
    job = max((job for kind in work.KINDS for job in desk.jobs.of(kind)), key=lambda job: job.begun)
    assert job.ended.wait(60)
    return job


def press(app: AppTest, label: str) -> AppTest:
    """Press the one button of this label, in a form or not."""
    (button,) = [b for b in app.button if b.label == label and not b.disabled]
    button.click().run()
    assert not app.exception
    return app


def shown(app: AppTest) -> str:
    """What stands on the page."""
    kinds = ("markdown", "caption", "info", "warning", "error", "success", "code", "toast")
    return "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind)).replace("\\", "")


def add(app: AppTest, files: dict[str, bytes], *, collection: str = "default", lock: bool = False) -> AppTest:
    """Fill in the form, and send it."""
    for name, data in files.items():
        app.file_uploader[0].upload(name, data)
    if collection != "default":
        app.text_input(key="knowledge-new-0").set_value(collection)
    app.checkbox[0].set_value(lock)
    return press(app, "Add")


def test_documents_are_uploaded_reported_listed_found_locked_and_removed(
    page: Callable[[], AppTest], the_desk: Callable[[], Desk], own_home: Path
) -> None:
    app = page()
    assert "No documents yet" in shown(app)

    add(app, {"boiler.txt": BOILER, "kettle.md": KETTLE, "scan.png": b"\x89PNG\r\n\x1a\n00"}, collection="house")
    report = wait(the_desk()).result
    assert (report.added, report.failed) == (2, 1)
    app.run()

    said = shown(app)
    assert "2 added, 1 could not be read" in said
    assert [b.label for b in app.download_button] == ["Download as JSON"]
    assert "It is a picture, which cannot be read as text." in said  # why, and what helps
    assert "What helps: Run text recognition (OCR) on it" in said
    assert {"boiler.txt", "kettle.md", "scan.png"} <= {b.label.replace("\\", "") for b in app.button}
    copies = own_home / "uploads" / "house"
    assert {(p.name, p.stat().st_mode & 0o777) for p in copies.iterdir()} == {
        (name, 0o600) for name in ("boiler.txt", "kettle.md", "scan.png")
    }

    app.text_input(key="try-query").set_value("When was the expansion vessel replaced?")
    press(app, "Search")
    said = shown(app)
    assert "A turn would read 2 passages" in said
    assert "It asks for a fact" in said
    assert ":orange-background[**expansion**] :orange-background[**vessel**]" in said
    assert "![x]" not in "\n".join(e.value for e in app.markdown)  # what a document holds is never Markdown

    app.selectbox(key="knowledge-collection").set_value("house").run()
    press(app, "Lock")
    assert the_desk().copilot.knowledge.is_locked("house")
    assert "Locked: stays on this device" in shown(app)
    assert "so the turn would stay on this device" in shown(app)
    press(app, "Unlock")  # asks
    assert the_desk().copilot.knowledge.is_locked("house")
    app.button(key="knowledge-unlock-yes").click().run()
    assert not the_desk().copilot.knowledge.is_locked("house")

    press(app, "kettle\\.md")
    assert "citric acid" in shown(app)
    press(app, "Remove")
    assert "The copy that was uploaded here is deleted" in shown(app)
    (yes,) = [b for b in app.button if b.key and b.key.startswith("document-remove-yes")]
    yes.click().run()
    assert wait(the_desk()).result == 1
    assert sorted(p.name for p in copies.iterdir()) == ["boiler.txt", "scan.png"]

    app.run()
    press(app, "Remove collection")
    app.button(key="knowledge-remove-yes").click().run()
    wait(the_desk())
    app.run()
    assert "No documents yet" in shown(app)
    assert not copies.exists()


def test_nothing_typed_is_lost_where_nothing_can_begin(
    page: Callable[[], AppTest], the_desk: Callable[[], Desk], tmp_path: Path
) -> None:
    app = page()
    press(app, "Add")
    assert "Nothing to add" in app.error[0].value

    missing = str(tmp_path / "missing")
    app.text_input(key="knowledge-place-0").set_value(missing)
    press(app, "Add")
    assert "does not exist" in app.error[0].value
    assert app.text_input(key="knowledge-place-0").value == missing

    (tmp_path / "notes.txt").write_text("The keys are under the mat.")
    app.text_input(key="knowledge-place-0").set_value(str(tmp_path / "notes.txt"))
    app.text_input(key="knowledge-new-0").set_value("no/such name")
    press(app, "Add")
    assert "A collection cannot be named" in app.error[0].value.replace("\\", "")
    assert not the_desk().jobs.of("ingest")

    app.text_input(key="knowledge-new-0").set_value("home")
    app.checkbox[0].check()
    press(app, "Add")
    assert wait(the_desk()).result.added == 1
    assert the_desk().copilot.knowledge.is_locked("home")
    assert app.text_input(key="knowledge-place-1").value == ""


def test_a_folder_is_read_again_with_what_changed(
    page: Callable[[], AppTest], the_desk: Callable[[], Desk], tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.txt").write_text("The keys are under the mat.")
    (folder / "b.txt").write_text("The bins are emptied on Monday.")
    the_desk().copilot.knowledge.ingest(folder, collection="home")
    (folder / "a.txt").unlink()
    (folder / "c.txt").write_text("The meter is in the cellar.")

    app = page()
    app.selectbox(key="knowledge-collection").set_value("home").run()
    press(app, "Read changes")

    report = wait(the_desk()).result
    assert (report.added, report.removed, report.unchanged) == (1, 1, 1)


def test_a_long_list_is_paged_and_filtered(
    page: Callable[[], AppTest], the_desk: Callable[[], Desk], tmp_path: Path
) -> None:
    for n in range(61):
        (tmp_path / f"note-{n:02}.txt").write_text(f"Note number {n} is about item{n}.")
    (tmp_path / "broken.pdf").write_text("%PDF-1.4 broken")
    the_desk().copilot.knowledge.ingest([str(tmp_path / "*.txt"), str(tmp_path / "broken.pdf")])
    app = page()
    app.selectbox(key="knowledge-order").set_value("name").run()

    def names() -> list[str]:
        return [b.label.replace("\\", "") for b in app.button if (b.key or "").startswith("entry-")]

    assert len(names()) == 50
    assert names()[:2] == ["broken.pdf", "note-00.txt"]
    app.pagination[0].set_value(2).run()
    assert len(names()) == 12
    assert "51 to 62 of 62" in shown(app)

    app.selectbox(key="knowledge-status").set_value("failed").run()
    assert names() == ["broken.pdf"]
    press(app, "broken\\.pdf")
    assert "It could not be read" in shown(app)
    assert "What helps:" in shown(app)

    app.selectbox(key="knowledge-status").set_value("all")
    app.text_input(key="knowledge-filter").set_value("NOTE 07").run()
    assert names() == ["note-07.txt"]
    app.text_input(key="knowledge-filter").set_value("nothing like it").run()
    assert "No document matches" in shown(app)


def test_a_question_about_something_else_reads_nothing(
    page: Callable[[], AppTest], the_desk: Callable[[], Desk]
) -> None:
    app = page()
    add(app, {"boiler.txt": BOILER})
    wait(the_desk())
    app.run()

    app.text_input(key="try-query").set_value("Who won the chess world cup?")
    press(app, "Search")
    said = shown(app)
    assert "A turn would read none of these" in said
    assert "A model would answer from what it knows" in said
    assert "Not read: below the floor" in said
    app.selectbox(key="try-collection").set_value("default")
    press(app, "Search")
    assert "Limited to default, no model would be asked" in shown(app)


def test_another_process_that_writes_is_named_and_the_job_can_begin_again(
    page: Callable[[], AppTest], the_desk: Callable[[], Desk], own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page()
    knowledge = the_desk().copilot.knowledge
    monkeypatch.setattr(knowledge._writing, "_wait", 0.1)
    own_home.mkdir(exist_ok=True)
    script = (
        "import sys, time; from pathlib import Path; from tierwise.locks import hold\n"
        "with hold(Path(sys.argv[1]), wait=5): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(own_home / "knowledge.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.readline()
        add(app, {"boiler.txt": BOILER})
        assert "has been writing" in (wait(the_desk()).error or "")
        app.run()
        assert f"Another process (process {other.pid})" in app.error[0].value.replace("\\", "")
        assert not list((own_home / "uploads").rglob("*.txt"))  # what is not listed is not kept either
        other.stdin.close()

    press(app, "Try again")
    assert wait(the_desk()).result.added == 1


def test_a_job_waits_for_another_and_can_be_stopped_meanwhile(
    page: Callable[[], AppTest], the_desk: Callable[[], Desk]
) -> None:
    app = page()
    with work._writing:
        add(app, {"boiler.txt": BOILER})
        (job,) = the_desk().jobs.of("ingest")
        while not job.text:
            time.sleep(0.01)
        app.run()
        assert "Waits for other work on the documents" in shown(app)
        press(app, "Stop")
        assert job.ended.wait(60)
    app.run()
    assert job.result.stopped
    assert "It was stopped" in shown(app)
    assert the_desk().copilot.knowledge.collections() == []


def test_the_index_is_made_again(page: Callable[[], AppTest], the_desk: Callable[[], Desk]) -> None:
    app = page()
    add(app, {"boiler.txt": BOILER})
    wait(the_desk())
    app.run()

    press(app, "Rebuild the index")
    assert wait(the_desk()).result == 1
    app.run()
    assert "The index was made again: 1 vectors." in shown(app)
    assert not the_desk().jobs.of("rebuild")

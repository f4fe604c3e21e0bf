"""``tierwise ingest``: what it reads, what it says of it, and how it is stopped and followed."""

from __future__ import annotations

import json
import queue
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest


def test_folders_patterns_and_labels(cli, manual):
    (manual / "notes.txt").write_text("The notes of Monday.")
    cli.write_config("")

    assert cli("ingest", manual / "*.md", "--label", "kitchen", "--json").json["added"] == 1
    assert cli("ingest", manual, "--json").json["added"] == 1

    listed = cli("sources", "list", "--json").json["sources"]
    assert [(Path(s["path"]).name, s["labels"]) for s in listed] == [("kettle.md", ["kitchen"]), ("notes.txt", [])]
    assert "kitchen" in cli("sources", "list").out
    assert cli("ingest", manual, "--label", " ").code == 2


def test_a_report_names_every_file_with_the_librarys_error_and_a_fix(cli, manual):
    (manual / "broken.pdf").write_bytes(b"%PDF-1.7 nothing of the kind")

    ran = cli("ingest", manual)

    (line,) = [line for line in ran.err.splitlines() if "broken.pdf" in line]
    assert line.startswith("failed: documents/broken.pdf: ")
    assert ran.code == 0
    assert "added: documents/kettle.md (" in ran.out
    assert "1 added, 1 failed" in ran.out

    (failed,) = cli("sources", "list", "--failed", "--json").json["failures"]
    assert failed["path"] == str(manual / "broken.pdf")
    assert failed["error"]
    assert failed["fix"]
    assert "broken.pdf" in cli("sources", "list", "--failed").out
    assert "could not be read" in cli("sources", "list").out
    shown = cli("sources", "show", "broken.pdf")
    assert shown.code == 0
    assert "failed" in shown.err
    (manual / "broken.pdf").unlink()
    cli("ingest", manual)
    assert "everything could be read" in cli("sources", "list", "--failed").out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["no/such/file"], 2, "does not exist"),
        (["no/such/*.md"], 2, "does not exist"),
        (["tickets:"], 2, "no connector 'tickets'"),
        (["ftp://example.org/"], 2, "address"),
        (["http://127.0.0.1/"], 1, "this machine or a private network"),
        ([".", "--watch", "--json"], 2, "--watch has no end"),
    ],
)
def test_what_cannot_be_read_is_explained(cli, words, code, told):
    ran = cli("ingest", *words)

    assert ran.code == code
    assert told in ran.err


def test_offline_no_page_is_asked_for(cli, manual):
    cli.write_config("offline = true\n")

    ran = cli("ingest", "https://example.org/")

    assert ran.code == 4
    assert "offline" in ran.err


def test_a_damaged_configuration_of_connectors_is_explained(cli):
    for text, told in [
        ("[connectors.tickets]\nteam = 1\n", "not enabled"),
        ('[connectors]\nenabled = "x"\n', "list of texts"),
        ('connectors = ["x"]\n', "must be a section"),
        ('[connectors]\nenabled = ["x"]\n[connectors.x]\ntoken = "abc"\n', "token_env"),
        ('[connectors]\nenabled = ["x"]\n[connectors.x]\non_device = "no"\n', "true or false"),
        ('[connectors]\nenabled = ["x"]\n[connectors.x]\nseconds = 0\n', "from 1"),
    ]:
        cli.write_config(text)
        ran = cli("ingest", ".")
        assert (ran.code, told in ran.err) == (2, True), ran.err
        assert "abc" not in ran.err


def test_ctrl_c_keeps_what_was_read_and_says_so(cli, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3000):  # it is stopped long before their end, whoever is slow
        (folder / f"{number:04}.md").write_text(f"# Part {number}\n\n" + f"What part {number} says. " * 60)

    with cli.start("ingest", folder, "--json") as process:
        while not _stored(cli, 5):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    report = json.loads(out)
    assert process.returncode == 130
    assert report["stopped"] is True
    assert 0 < report["added"] < 3000
    assert "kept" in err
    assert len(cli("sources", "list", "--json").json["sources"]) == report["added"]


def _stored(cli, least: int) -> bool:
    path = cli.home / "knowledge.sqlite"
    if not path.exists():
        return False
    with closing(sqlite3.connect(path)) as database:
        try:
            return database.execute("SELECT count(*) FROM sources").fetchone()[0] >= least
        except sqlite3.OperationalError:
            return False


# -- following ---------------------------------------------------------------------------------------------------------


class Followed:
    """A run of ``ingest --watch`` and the lines it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.Queue[str] = queue.Queue()
        for stream in (process.stdout, process.stderr):
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream) -> None:
        for line in stream:
            self._lines.put(line.strip())

    def until(self, *words: str) -> None:
        """Wait for lines with these words, in any order; the lines between them are dropped."""
        missing = set(words)
        while missing:
            line = self._lines.get(timeout=60)
            missing -= {one for one in missing if one in line}


@pytest.fixture
def follow(cli) -> Iterator[Callable[..., Followed]]:
    started = []

    def start(*words: object) -> Followed:
        process = cli.start("ingest", *words, "--watch")
        started.append(process)
        return Followed(process)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_followed_folder_takes_every_way_of_changing(cli, manual, follow):
    followed = follow(manual)
    followed.until("following")

    def put(path: Path, text: str) -> None:
        """All at once: else it may be read while it is still empty."""
        whole = manual.with_name("being written.md")
        whole.write_text(text)
        path.parent.mkdir(exist_ok=True)
        whole.replace(path)

    new = manual / "inner" / "bins.md"
    put(new, "The bins are emptied on Monday.")
    followed.until("added: documents/inner/bins.md (1 passage)")
    # as editors save: another file takes the place of the old one
    (manual / ".bins.md.swp").write_text("The bins are emptied on Tuesday.")
    (manual / ".bins.md.swp").replace(new)
    followed.until("changed: documents/inner/bins.md")
    assert "Tuesday" in cli("search", "bins", "--json").json[0]["text"]  # another process searches meanwhile
    new.rename(new.with_name("waste.md"))
    followed.until("added: documents/inner/waste.md", "removed: documents/inner/bins.md")
    shutil.rmtree(manual)
    followed.until("removed: documents/inner/waste.md")
    put(manual / "again.md", "The folder was made again.")
    followed.until("added: documents/again.md")

    followed.process.send_signal(signal.SIGINT)
    assert followed.process.wait(timeout=60) == 130


def test_only_files_are_followed(cli):
    ran = cli("ingest", "http://127.0.0.1/", "--watch")

    assert "read once" in ran.err
    assert "failed: http://127.0.0.1/" in ran.err

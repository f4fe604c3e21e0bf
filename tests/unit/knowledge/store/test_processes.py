"""Several processes on one home, crashes, damage: reading goes on, nothing is lost, and the words are clear."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tierwise.errors import StoreBusy, StoreError
from tierwise.knowledge import Knowledge
from tierwise.locks import hold
from tierwise.models.minilm import MiniLM


@contextmanager
def other_process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    prelude = "import sys\nfrom tierwise.knowledge import Knowledge\nfrom tierwise.models.minilm import MiniLM\n"
    command = [sys.executable, "-c", prelude + textwrap.dedent(code), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


INGEST = """
    def told(p):
        print(p.passages, flush=True)
    knowledge = Knowledge(sys.argv[1], MiniLM())
    print("done", knowledge.ingest(sys.argv[2], progress=told).added, flush=True)
"""


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Forty files of five passages each."""
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(40):
        parts = (f"## Part {j}\n\nNumber {i} of the series is about item {i * 5 + j}.\n\n" for j in range(5))
        (folder / f"file{i:02}.md").write_text("".join(parts))
    return folder


def test_one_ingests_while_the_other_searches(home: Path, docs: Path, many: Path, embedder: MiniLM) -> None:
    knowledge = Knowledge(home, embedder)
    knowledge.ingest(docs)
    with other_process(INGEST, home, many) as writer:
        while writer.poll() is None:
            assert knowledge.search("expansion vessel")[0].source.endswith("boiler.txt")
            assert knowledge.degraded is None
        out, err = writer.communicate(timeout=60)
        assert out.endswith("done 40\n"), err
    # The searcher sees what the other one brought in, by meaning and not only by words.
    found = knowledge.search("series", k=100, collection="default")
    assert len(found) == 100
    assert all(p.score > 0 for p in found)
    assert "item 117." in knowledge.search("about item 117")[0].text
    # And it can go on writing where the other one stopped.
    (docs / "new.txt").write_text("The bakery opens at six.")
    assert knowledge.ingest(docs).added == 1
    assert knowledge.search("When does the bakery open?")[0].source.endswith("new.txt")
    knowledge.close()


def test_killed_in_the_middle(home: Path, many: Path, embedder: MiniLM) -> None:
    with other_process(INGEST, home, many) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if line.strip().isdigit() and int(line) >= 64:
                writer.send_signal(signal.SIGKILL)
                break
        writer.wait(timeout=30)
    knowledge = Knowledge(home, embedder)
    half = knowledge.search("series item", k=100)
    assert half
    report = knowledge.ingest(many)
    assert report.failed == 0
    assert report.added + report.unchanged == 40
    assert knowledge.collections()[0].passages == 200
    assert knowledge._vectors.count() == 200
    for i in range(0, 200, 37):
        assert f"item {i}." in knowledge.search(f"about item {i}")[0].text
    knowledge.close()


def test_writers_take_turns_and_say_who_writes(home: Path, docs: Path, embedder: MiniLM) -> None:
    knowledge = Knowledge(home, embedder, wait=0.2)
    knowledge.ingest(docs)
    (docs / "new.txt").write_text("The bakery opens at six.")
    code = """
        import time
        from pathlib import Path
        from tierwise.locks import hold
        with hold(Path(sys.argv[1]) / "knowledge.lock", wait=1):
            print("held", flush=True)
            time.sleep(60)
    """
    with other_process(code, home) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreBusy, match=f"process {holder.pid}"):
            knowledge.ingest(docs)
        assert knowledge.search("expansion vessel")
        holder.kill()
        holder.wait(timeout=30)
    assert knowledge.ingest(docs).added == 1  # a dead holder holds nothing
    knowledge.close()


def test_two_in_one_process_see_what_a_third_writes(home: Path, docs: Path, many: Path, embedder: MiniLM) -> None:
    both = Knowledge(home, embedder), Knowledge(home, embedder)
    both[0].ingest(docs)
    for knowledge in both:
        assert knowledge.search("expansion vessel")
    with other_process(INGEST, home, many) as writer:
        assert writer.communicate(timeout=60)[0].endswith("done 40\n")
    for knowledge in both:
        assert all(p.score > 0 for p in knowledge.search("series item", k=100))
        assert knowledge.degraded is None
        knowledge.close()


def test_threads_share_one_knowledge(home: Path, docs: Path, many: Path, embedder: MiniLM) -> None:
    knowledge = Knowledge(home, embedder)
    knowledge.ingest(docs)
    failures: list[BaseException] = []

    def search() -> None:
        try:
            for _ in range(15):
                assert knowledge.search("expansion vessel")[0].source.endswith("boiler.txt")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert knowledge.ingest(many).added == 40
    for thread in threads:
        thread.join(60)
    assert failures == []
    knowledge.close()


@pytest.mark.parametrize("damage", ["gone", "noise", "empty", "index"])
def test_damaged_vectors_leave_words_and_can_be_rebuilt(
    home: Path, docs: Path, embedder: MiniLM, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    first = Knowledge(home, embedder)
    first.ingest(docs)
    first.close()
    folder = home / "chroma"
    if damage == "gone":
        shutil.rmtree(folder)
    elif damage == "noise":
        (folder / "chroma.sqlite3").write_bytes(b"noise" * 4000)
    elif damage == "empty":
        (folder / "chroma.sqlite3").write_bytes(b"")
    else:
        with sqlite3.connect(folder / "chroma.sqlite3") as sql:
            sql.execute("DROP TABLE embeddings_queue")
        sql.close()

    knowledge = Knowledge(home, embedder)
    assert "2022" in knowledge.search("expansion vessel replaced")[0].text
    assert knowledge.degraded is not None
    assert "tierwise sources rebuild" in knowledge.degraded
    # Bringing more in works too; what it cannot do is said.
    (docs / "new.txt").write_text("The bakery opens at six.")
    assert knowledge.ingest(docs).added == 1
    assert knowledge.search("bakery")[0].source.endswith("new.txt")
    assert knowledge.rebuild() == 6
    assert knowledge.degraded is None
    assert knowledge.search("Where are rolls sold early?")[0].score > 0
    assert knowledge.degraded is None
    knowledge.close()
    capfd.readouterr()  # Chroma's native code may print its own remarks


def test_vectors_that_vanish_come_back_with_the_next_ingest(home: Path, docs: Path, embedder: MiniLM) -> None:
    knowledge = Knowledge(home, embedder)
    knowledge.ingest(docs)
    gone = [p.id for p in knowledge.search("hut", k=2)]
    knowledge._vectors.delete(gone)
    knowledge.ingest(docs)
    assert {p.id for p in knowledge.search("hut", k=10) if p.score > 0} >= set(gone)
    knowledge.close()


def test_a_damaged_database_is_one_sentence(home: Path, docs: Path, embedder: MiniLM) -> None:
    home.mkdir()
    (home / "knowledge.sqlite").write_bytes(b"This is not a database at all. " * 200)
    knowledge = Knowledge(home, embedder)
    with pytest.raises(StoreError, match="damaged"):
        knowledge.search("x")
    with pytest.raises(StoreError, match="damaged"):
        knowledge.ingest(docs)


def test_a_store_of_a_newer_version_is_left_alone(home: Path, docs: Path, embedder: MiniLM) -> None:
    home.mkdir()
    with sqlite3.connect(home / "knowledge.sqlite") as sql:
        sql.execute("PRAGMA user_version = 99")
        sql.execute("CREATE TABLE t (x)")
    sql.close()
    with pytest.raises(StoreError, match="newer tierwise"):
        Knowledge(home, embedder).ingest(docs)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions work differently")
def test_a_read_only_home_is_searched_and_not_written(home: Path, docs: Path, embedder: MiniLM) -> None:
    first = Knowledge(home, embedder)
    first.ingest(docs)
    first.close()
    for path in (home, *home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    code = """
        import os
        import chromadb
        embedder = MiniLM()
        embedder.embed(["all that is needed from disk is loaded before the rights go"])
        if os.geteuid() == 0:  # the superuser may write everywhere: be somebody else
            os.setuid(65534)
        knowledge = Knowledge(sys.argv[1], embedder)
        print(knowledge.search("expansion vessel replaced")[0].text)
        try:
            knowledge.ingest(sys.argv[2])
        except Exception as error:
            print(type(error).__name__, error)
    """
    parents = [p for p in home.parents if p.stat().st_mode & 0o005 != 0o005]
    modes = [(p, p.stat().st_mode) for p in parents]
    for path in parents:
        path.chmod(0o755)
    try:
        with other_process(code, home, docs) as reader:
            out, err = reader.communicate(timeout=60)
    finally:
        for path, mode in modes:
            path.chmod(mode)
        for path in (home, *home.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert "19 December 2022" in out, err
    assert "StoreError" in out
    assert "read-only" in out


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    order: list[str] = []

    def writer() -> None:
        with hold(tmp_path / "lock", wait=10):
            order.append("writer")

    with hold(tmp_path / "lock", wait=1, shared=True), hold(tmp_path / "lock", wait=1, shared=True):
        thread = threading.Thread(target=writer)
        thread.start()
        time.sleep(0.1)
        order.append("readers")
    thread.join(10)
    assert order == ["readers", "writer"]

"""Several processes on one home, crashes, damage: reading goes on, nothing is lost, and the words are clear."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bag_of_words import BagOfWords

from tierwise.errors import StoreBusy, StoreError
from tierwise.knowledge import Knowledge
from tierwise.locks import hold


@contextmanager
def other_process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    prelude = "import sys\nfrom bag_of_words import BagOfWords\nfrom tierwise.knowledge import Knowledge\n"
    command = [sys.executable, "-c", prelude + textwrap.dedent(code), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


INGEST = """
    def told(p):
        print(p.passages, flush=True)
    knowledge = Knowledge(sys.argv[1], BagOfWords(seconds=0.002))
    print("done", knowledge.ingest(sys.argv[2], progress=told).added, flush=True)
"""


def test_one_ingests_while_the_other_searches(quick: Knowledge, home: Path, docs: Path, many: Path) -> None:
    quick.ingest(docs)
    with other_process(INGEST, home, many) as writer:
        while writer.poll() is None:
            assert quick.search("expansion vessel of the boiler")[0].source.endswith("boiler.txt")
            assert quick.degraded is None
        out, err = writer.communicate(timeout=60)
        assert out.endswith("done 40\n"), err
    # The searcher sees what the other one brought in, by meaning and not only by words.
    found = quick.search("This is what it is about", k=100, collection="default")
    assert len(found) > 50
    assert all(p.score > 0 for p in found)
    assert any("item117 " in p.text for p in quick.search("what item117 is about"))
    # And it can go on writing where the other one stopped.
    (docs / "new.txt").write_text("The bakery opens at six.")
    assert quick.ingest(docs).added == 1
    assert quick.search("When does the bakery open?")[0].source.endswith("new.txt")


def test_writers_take_turns_and_say_who_writes(home: Path, docs: Path, words: BagOfWords) -> None:
    knowledge = Knowledge(home, words, wait=0.2)
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


def test_two_in_one_process_see_what_a_third_writes(home: Path, docs: Path, many: Path, words: BagOfWords) -> None:
    both = Knowledge(home, words), Knowledge(home, words)
    both[0].ingest(docs)
    for knowledge in both:
        assert knowledge.search("expansion vessel")
    with other_process(INGEST, home, many) as writer:
        assert writer.communicate(timeout=60)[0].endswith("done 40\n")
    for knowledge in both:
        assert all(p.score > 0 for p in knowledge.search("what it is about", k=100))
        assert knowledge.degraded is None
        knowledge.close()


def test_threads_share_one_knowledge(home: Path, docs: Path, many: Path, words: BagOfWords) -> None:
    knowledge = Knowledge(home, words)
    knowledge.ingest(docs)
    failures: list[BaseException] = []

    def search() -> None:
        try:
            for _ in range(8):
                assert knowledge.search("expansion vessel")[0].source.endswith("boiler.txt")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert knowledge.ingest(many).added == 40
    for thread in threads:
        thread.join(60)
    assert failures == []
    knowledge.close()


def test_a_damaged_database_is_one_sentence(home: Path, docs: Path, words: BagOfWords) -> None:
    home.mkdir()
    (home / "knowledge.sqlite").write_bytes(b"This is not a database at all. " * 200)
    knowledge = Knowledge(home, words)
    with pytest.raises(StoreError, match="damaged"):
        knowledge.search("x")
    with pytest.raises(StoreError, match="damaged"):
        knowledge.ingest(docs)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions work differently")
def test_a_read_only_home_is_searched_and_not_written(home: Path, docs: Path, words: BagOfWords) -> None:
    first = Knowledge(home, words)
    first.ingest(docs)
    first.close()
    for path in (home, *home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    code = """
        import os
        import numpy
        from tierwise.knowledge.search import engine  # loaded before the rights go
        embedder = BagOfWords()
        if os.geteuid() == 0:  # the superuser may write everywhere: be somebody else
            os.setuid(65534)
        knowledge = Knowledge(sys.argv[1], embedder)
        best = knowledge.search("expansion vessel replaced")[0]
        print(best.text, best.score > 0, knowledge.degraded)
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
    assert "True None" in out  # by meaning too, without the index
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

"""The process that reads documents: what it may cost, what it cannot reach, and that the next document is read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tierwise.errors import InvalidInput
from tierwise.knowledge.reading.documents import parse_document
from tierwise.knowledge.reading.problem import Unreadable
from tierwise.knowledge.reading.process import ReaderProcess

SLOW = b"<p " + b" ".join(b"a%d=1" % n for n in range(120_000)) + b">words"  # a browser's rules make this quadratic
WIDE = ("\U0001f600" * 4_000_000).encode()
SAMPLES = {path.suffix: path for path in sorted((Path(__file__).parents[3] / "data" / "documents").glob("*.*"))}


@pytest.fixture(scope="module")
def reader() -> Iterator[ReaderProcess]:
    with ReaderProcess() as opened:
        yield opened


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def wait_until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not met():
        assert time.monotonic() < end
        time.sleep(0.02)


def worked(pid: int) -> int:
    """What a process has worked so far, in ticks of the system's clock."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def wait_until_busy(pid: int, before: int) -> None:
    """Until a process that waited for a document has worked for a while: it is reading one."""
    wait_until(lambda: worked(pid) > before + 10)


def assert_reads(reader: ReaderProcess) -> None:
    assert reader.read("a.txt", b"next").pages[0].text == "next"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", "Größe 👩‍💻 \ufffd\n".encode()),
        ("b.txt", "“Größe”".encode("cp1252")),
        ("c.md", b"# Title\n\n- one\n- two\n\n```\ncode\n```\n"),
        ("d.html", b"<title>T</title><h1>H</h1><table><tr><th>a<th>b<tr><td>1<td>2</table><dl><dt>x<dd>y</dl>"),
        ("e.eml", b"From: a@b.c\nSubject: s\nDate: Tue, 1 Oct 2024 10:00:00 +0200\n\nwords\n"),
    ],
)
def test_it_reads_what_is_read_without_it(reader: ReaderProcess, name: str, data: bytes) -> None:
    assert reader.read(name, data) == parse_document(name, data)


def test_one_process_reads_many_documents_from_any_thread(reader: ReaderProcess) -> None:
    assert_reads(reader)
    pid = reader.pid

    def texts(n: int) -> bool:
        words = f"document {n} " * n
        return all(reader.read(f"{n}.txt", words.encode()).pages[0].text == words for _ in range(20))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(texts, range(1, 9)))
    assert reader.pid == pid


def test_a_problem_comes_with_its_fix_and_the_words_of_the_library(reader: ReaderProcess) -> None:
    with pytest.raises(Unreadable, match="damaged") as caught:
        reader.read("a.zip", b"PK\3\4" + bytes(60))
    assert caught.value.fix
    assert "BadZipFile" in (caught.value.original or "")


def test_what_takes_too_long_is_ended_and_the_next_is_read() -> None:
    with ReaderProcess(seconds=3) as reader:
        assert_reads(reader)
        before = reader.pid
        with pytest.raises(Unreadable, match="more than 3 s") as caught:
            reader.read("a.html", SLOW)
        assert caught.value.fix
        assert before is not None
        assert not is_alive(before)
        assert_reads(reader)


def test_what_takes_too_much_memory_is_ended_and_the_next_is_read() -> None:
    with ReaderProcess(memory=80 * 2**20) as reader:
        with pytest.raises(Unreadable, match="more than 80 MB of memory"):
            reader.read("a.txt", WIDE)
        assert_reads(reader)


def test_a_process_that_dies_is_replaced() -> None:
    with ReaderProcess() as reader:
        assert_reads(reader)
        assert reader.pid is not None
        before = worked(reader.pid)
        with ThreadPoolExecutor(1) as thread:
            reading = thread.submit(reader.read, "a.html", SLOW)
            wait_until_busy(reader.pid, before)
            os.kill(reader.pid, signal.SIGKILL)
            with pytest.raises(Unreadable, match="was killed"):
                reading.result()
        assert_reads(reader)
        idle = reader.pid
        os.kill(idle, signal.SIGKILL)  # between two documents: neither is to blame
        wait_until(lambda: not is_alive(idle))
        assert_reads(reader)


def test_closing_ends_the_process_and_reading_starts_another() -> None:
    reader = ReaderProcess()
    assert reader.pid is None
    reader.close()
    assert_reads(reader)
    first = reader.pid
    reader.close()
    assert reader.pid is None
    assert first is not None
    assert not is_alive(first)
    assert_reads(reader)
    reader.close()


@pytest.mark.parametrize("busy", [False, True])
def test_it_does_not_outlive_its_parent(busy: bool) -> None:
    program = (
        "import threading, time\nfrom tierwise.knowledge.reading.process import ReaderProcess\n"
        "reader = ReaderProcess()\n"
        # A thread that ends: the process must not depend on the one that happened to read first.
        "first = threading.Thread(target=reader.read, args=('a.txt', b'x'))\nfirst.start()\nfirst.join()\n"
        "reader.read('a.txt', b'y')\nprint(reader.pid, flush=True)\n"
        f"if {busy}:\n    reader.read('a.html', {SLOW[:30]!r} + b' '.join(b'a%d=1' % n for n in range(60_000)))\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        if busy:
            time.sleep(0.3)
        parent.kill()
        wait_until(lambda: not is_alive(pid))


def test_keys_of_the_parent_are_not_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with ReaderProcess() as fresh:
        assert_reads(fresh)
        assert b"sk-secret" not in Path(f"/proc/{fresh.pid}/environ").read_bytes()


def test_what_it_gave_up_it_cannot_take_back(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    program = f"""
import os, socket
from tierwise.knowledge.reading.isolation import shut_in
held = shut_in(300 * 2**20)
def tried(what, action):
    try:
        action()
    except (OSError, MemoryError):
        return
    print(what)
if held.memory:
    tried("memory", lambda: bytearray(400 * 2**20))
if held.files:
    tried("reads", lambda: open({str(tmp_path / "secret")!r}).read())
    tried("lists", lambda: os.listdir({str(tmp_path)!r}))
    tried("writes", lambda: open({str(tmp_path / "new")!r}, "w"))
    tried("removes", lambda: os.remove({str(tmp_path / "secret")!r}))
if held.calls:
    tried("connects", lambda: socket.create_connection(("127.0.0.1", 9), 1))
    tried("starts", lambda: os.posix_spawn("/bin/true", ["true"], {{}}))
    tried("forks", lambda: os.fork() or os._exit(0))
import xml.etree.ElementTree  # libraries are still found
print(held)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (line,) = result.stdout.splitlines()
    assert line.startswith("Readers of documents are bounded in ")
    assert (tmp_path / "secret").exists()


def test_what_is_in_force_can_be_asked(reader: ReaderProcess) -> None:
    isolation = reader.isolation()
    assert all((isolation.memory, isolation.files, isolation.calls)) == (not isolation.missing)


def test_a_process_that_cannot_be_started_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with ReaderProcess() as reader, pytest.raises(Unreadable, match="cannot be started") as caught:
        reader.read("a.txt", b"words")
    assert "No such file" in (caught.value.original or "")


def test_an_interrupted_read_does_not_answer_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with ReaderProcess() as reader:
        assert_reads(reader)
        main, pid = threading.main_thread().ident, reader.pid
        assert main is not None and pid is not None
        before = worked(pid)

        def interrupt() -> None:
            wait_until_busy(pid, before)  # earlier, nobody would catch the interrupt
            signal.pthread_kill(main, signal.SIGINT)

        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            reader.read("a.html", SLOW)
        assert_reads(reader)


@pytest.mark.parametrize("path", SAMPLES.values(), ids=lambda path: path.name)
def test_samples_of_every_format_are_read_in_it_as_without_it(reader: ReaderProcess, path: Path) -> None:
    """Whatever a reader's library needs to open is there, and nothing of a document is lost on the way."""
    data = path.read_bytes()
    try:
        alone = parse_document(path.name, data)
    except InvalidInput as error:
        with pytest.raises(Unreadable) as caught:
            reader.read(path.name, data)
        assert caught.value.what == error.what
    else:
        assert reader.read(path.name, data) == alone


def test_a_large_parent_is_not_taken_for_a_large_reader() -> None:
    program = (
        "from tierwise.knowledge.reading.process import ReaderProcess\n"
        "held = b'x' * 400_000_000\n"
        "with ReaderProcess() as reader:\n"
        "    reader.read('a.txt', b'one')\n"
        "    first = reader.pid\n"
        "    reader.read('b.txt', b'two')\n"
        "    assert first is not None and reader.pid == first\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

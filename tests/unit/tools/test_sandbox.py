"""A program in the sandbox does its work and nothing else, by every way of shutting it in that this machine has."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tierwise_tools import SourceError, ToolContext, ToolError
from tierwise_tools.sandbox import Limits, level, python_tool
from tierwise_tools.sandbox import probe as probing
from tierwise_tools.sandbox.launch import WAYS, Way
from tierwise_tools.sandbox.probe import why_not

LIMITS = Limits(seconds=120)  # nothing here is about time, and a busy machine takes long to load a library


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    if reason := why_not(chosen):
        pytest.skip(f"{chosen} does not work on this machine: {reason}")
    return chosen


async def run(way: Way, code: str, folder: Path | None = None, limits: Limits = LIMITS) -> Any:
    return await python_tool(limits, way=way).run({"code": code}, ToolContext(folder=folder))


async def refused(way: Way, code: str, limits: Limits = LIMITS) -> str:
    with pytest.raises(ToolError) as caught:
        await run(way, code, limits=limits)
    return str(caught.value)


async def test_it_tells_what_is_printed_and_the_last_value(way: Way) -> None:
    assert (await run(way, "print('ü🙂')\nx = 20\nx + 2.5")).text == "ü🙂\n22.5"
    assert "printed nothing" in (await run(way, "x = 1")).text
    assert "(warnings)\ncareful" in (await run(way, "import sys; print('careful', file=sys.stderr)")).text


async def test_an_error_names_the_line_and_not_our_files(way: Way) -> None:
    said = await refused(way, "print('before')\n\ndef f(x):\n    return 1 / x\n\nf(0)")
    assert "line 6" in said and "line 4" in said and "return 1 / x" in said
    assert "ZeroDivisionError" in said and "before" in said
    assert "/" not in said.replace("1 / x", "")
    assert "line 2" in await refused(way, "a = 1\nb = = 2")
    assert "/" not in await refused(way, "import json; json.loads('{')")
    assert "exit code 3" in await refused(way, "import sys; sys.exit(3)")
    assert "SIGSEGV" in await refused(way, "import ctypes; ctypes.string_at(0)")


async def test_ordinary_work_goes_on_as_anywhere(way: Way) -> None:
    code = """
import asyncio, datetime, decimal, pathlib, random, shutil, sqlite3, statistics, tempfile, threading, zoneinfo

async def later():
    return await asyncio.to_thread(lambda: 7)

assert asyncio.run(later()) == 7
numbers = []
threads = [threading.Thread(target=numbers.append, args=(n,)) for n in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert sorted(numbers) == list(range(8))
pathlib.Path("a.txt").write_text("hello")
shutil.copy2("a.txt", "b.txt")
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "x").write_text("x")
with tempfile.TemporaryFile() as file:
    file.write(b"x")
pathlib.Path("sub").mkdir()
pathlib.Path("b.txt").rename("sub/c.txt")
base = sqlite3.connect("base.sqlite")
base.execute("create table t (a)")
base.commit()
base.close()
assert pathlib.Path.home() == pathlib.Path.cwd()
print("done", statistics.mean([1, 2, 3]))
"""
    assert (await run(way, code)).text.startswith("done 2")


async def test_files_are_kept_if_they_are_what_they_say(way: Way, tmp_path: Path) -> None:
    code = """
import os
open("ok table.CSV", "w").write("a,b\\n1,2\\n")
open("fake.png", "w").write("no picture")
open("code.py", "w").write("1")
os.symlink("/etc/passwd", "link.txt")
os.mkdir("folder.txt")
print("made")
"""
    folder = tmp_path / "kept"
    for _ in range(2):
        result = await run(way, code, folder)
    assert [(file.title, file.mime) for file in result.files] == [("ok_table-2.csv", "text/csv")]
    assert sorted(path.name for path in folder.iterdir()) == ["ok_table-2.csv", "ok_table.csv"]
    assert result.files[0].path.read_text() == "a,b\n1,2\n"
    assert result.files[0].path.stat().st_mode & 0o777 == 0o600
    for name in ("fake.png", "link.txt", "folder.txt"):
        assert f"({name} is not kept" in result.text
    assert "no place to keep it" in (await run(way, "open('a.txt', 'w').write('x')")).text


async def test_open_figures_are_kept(way: Way, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n"
    drawn = await run(way, draw + "plt.show()", tmp_path)
    assert [file.mime for file in drawn.files] == ["image/png"]
    assert drawn.files[0].path.read_bytes().startswith(b"\x89PNG")
    saved = await run(way, draw + "plt.savefig('chart.svg')", tmp_path)
    assert [(file.title, file.mime) for file in saved.files] == [("chart.svg", "image/svg+xml")]


async def test_nothing_outside_is_read_or_written(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET_KEY", "very-secret")
    secret = tmp_path / "secret"
    secret.write_text("very-secret")
    secret.chmod(0o644)
    before = sorted(tmp_path.rglob("*"))
    code = f"""
import os
from pathlib import Path

outside = Path({str(tmp_path)!r})

def tried(action):
    try:
        return action()
    except OSError:
        return "refused"

print(tried((outside / "secret").read_text))
print(tried(lambda: os.listdir(outside)))
print(tried(lambda: (outside / "new").write_text("x")))
print(tried(lambda: (outside / "secret").unlink()))
print(tried(lambda: (outside / "secret").rename(outside / "other")))
print(tried(lambda: os.truncate(outside / "secret", 0)))
print(tried(lambda: os.link(outside / "secret", "mine.txt")))
print(tried(lambda: Path(os.__file__).write_text("x")))
for pid in ("self", os.getppid(), 1):
    for part in ("environ", "cmdline", "mem", "maps"):
        print(tried(Path(f"/proc/{{pid}}/{{part}}").read_bytes))
os.chmod(outside / "secret", 0) if (outside / "secret").exists() else None
print(sorted(os.environ))
"""
    said = (await run(way, code)).text
    assert "very-secret" not in said and "A_SECRET_KEY" not in said
    assert said.splitlines()[:-1] == ["refused"] * 20
    assert sorted(tmp_path.rglob("*")) == before
    assert secret.read_text() == "very-secret" and secret.stat().st_mode & 0o777 == 0o644


async def test_no_way_of_the_kernel_leads_out(way: Way) -> None:
    """Native code can make any system call: each is tried as such, without Python's help."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"""
import ctypes, fcntl, os, resource, signal, socket

libc = ctypes.CDLL(None, use_errno=True)

def call(name, *arguments):
    result = getattr(libc, name)(*arguments)
    return "done" if result >= 0 else "refused"

def tried(action):
    try:
        action()
    except (OSError, ValueError):
        return "refused"
    return "done"

parent = os.getppid()
pair = socket.socketpair()
print([
    call("fork"), call("vfork"), call("execl", b"/bin/true", b"true", None), call("posix_openpt", 2),
    call("unshare", 0x10000000), call("ptrace", 16, parent, 0, 0), call("kill", parent, 0), call("kill", -1, 0),
    call("kill", 0, 0), call("setsid"), call("setpgid", 0, 0), call("memfd_create", b"x", 0),
    call("shmget", 0, 4096, 0o1600), call("mount", b"x", b"/", b"tmpfs", 0, None), call("chroot", b"."),
    call("prctl", 1, 0, 0, 0, 0), call("prctl", 4, 0, 0, 0, 0), call("syscall", 425, 1, None),
    call("syscall", 434, parent, 0), call("mknod", b"pipe", 0o10600, 0), call("setpriority", 0, parent, 0),
    call("inotify_init"), call("syscall", 435, None, 0), call("personality", 0),
    tried(lambda: fcntl.fcntl(pair[0], 8, parent)), tried(lambda: fcntl.fcntl(pair[0], 10, 9)),
    tried(lambda: resource.prlimit(parent, resource.RLIMIT_CPU)),
    tried(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)), tried(lambda: socket.socket()),
    tried(lambda: socket.socket(socket.AF_UNIX)), tried(lambda: pair[0].connect("/run/x")),
    tried(lambda: pair[0].sendmsg([b"x"])), tried(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))),
    tried(lambda: socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), 1)),
    tried(lambda: os.setuid(0) if os.getuid() else os.fork()),
])
print([os.fstat(n).st_mode for n in range(3, 64) if n not in (pair[0].fileno(), pair[1].fileno())
       and tried(lambda: os.fstat(n)) == "done"])
"""
        said = (await run(way, code)).text.splitlines()
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    if "done" in said[0]:
        pytest.fail(said[0])
    assert said[0].count("refused") == 35
    assert said[1] == "[]"


async def test_calls_side_by_side_do_not_meet(way: Way) -> None:
    code = "import os\nopen('x.txt', 'w').write('{n}')\nprint(open('x.txt').read(), sorted(os.listdir()))"
    said = await asyncio.gather(*(run(way, code.format(n=n)) for n in range(3)))
    assert [text.text.splitlines()[0] for text in said] == [f"{n} ['.tmp', 'x.txt']" for n in range(3)]


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root becomes somebody else")
async def test_root_is_nobody_inside(way: Way) -> None:
    assert (await run(way, "import os\nprint(0 in os.getresuid() + os.getresgid(), os.getgroups())")).text == "False []"


def test_where_nothing_holds_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "why_not", lambda way: "it is broken")
    level.cache_clear()
    try:
        with pytest.raises(SourceError, match=r"bubblewrap: it is broken; landlock: it is broken.*Install bubblewrap"):
            level()
        with pytest.raises(ToolError, match="cannot be run safely"):
            asyncio.run(python_tool().run({"code": "print(1)"}))
    finally:
        level.cache_clear()


def test_a_way_that_leaks_is_not_used(monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
    """The trial sees a hole: here a file outside that may be read."""
    from tierwise_tools.sandbox import launch

    monkeypatch.setattr(launch, "_SHARED", ("/tmp", str(Path(os.environ.get("TMPDIR") or "/tmp"))))
    reason = why_not(way)
    assert reason is not None and "read a file outside" in reason


def test_the_tool_asks_and_may_run_again() -> None:
    python = python_tool()
    assert (python.name, python.effects, python.may_repeat, python.trusted) == ("python", ("execute",), True, False)


async def test_it_works_from_a_thread_that_is_not_the_first(way: Way) -> None:
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(asyncio.run(run(way, "1 + 1")).text))
    thread.start()
    await asyncio.to_thread(thread.join)
    assert said == ["2"]

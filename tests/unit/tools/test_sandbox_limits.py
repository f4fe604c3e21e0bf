"""Whatever a program in the sandbox uses up is bounded, and nothing of it lives on."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tierwise_tools import ToolError
from tierwise_tools.sandbox import Limits, python_tool
from tierwise_tools.sandbox.launch import WAYS, Way
from tierwise_tools.sandbox.probe import why_not
from tierwise_tools.sandbox.removing import private_folder


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    if reason := why_not(chosen):
        pytest.skip(f"{chosen} does not work on this machine: {reason}")
    return chosen


def alive() -> int:
    """Processes of the sandbox that were started by this one and are still there."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            started_here = f"\nPPid:\t{os.getpid()}\n" in (folder / "status").read_text()
            found += started_here and b"tierwise_tools.sandbox.inside" in (folder / "cmdline").read_bytes()
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x = 'a' * (20 * 2**30)", "512 MB"),
        ("x = []\nwhile True: x.append(bytearray(10**6))", "512 MB"),
        ("while True: print('x' * 9999)", "printed more than 16 kB"),
        ("import sys\nwhile True: sys.stderr.write('x' * 9999)", "printed more than 16 kB"),
        ("import os, time\nfor n in range(500): open(f'{n}.bin', 'wb').write(bytes(10**6))\ntime.sleep(600)",
         "wrote more|No space"),
        ("open('a', 'wb').write(bytes(10**7))", "too large|No space|wrote more"),
        ("for n in range(10**6): open(f'{n}', 'w').close()", "too many files"),
        ("import os\npath = ''\nwhile True:\n os.mkdir('d'); os.chdir('d')", "too many files|wrote more"),
        ("import os, time\nos.mkdir('d', 0o300)\nfor n in range(500): open(f'd/{n}', 'wb').write(bytes(10**5))\n"
         "time.sleep(600)", "wrote more|No space"),
        ("import os, time\nheld = []\nfor n in range(50):\n held.append(open('x', 'wb'))\n"
         " held[-1].write(bytes(10**6)); held[-1].flush(); os.unlink('x')\ntime.sleep(600)", "wrote more|No space"),
        ("import threading, time\nfor _ in range(5000): threading.Thread(target=time.sleep, args=(60,), daemon=True)"
         ".start()", "can't start new thread"),
        ("def f(n): return f(n + 1)\nf(0)", "RecursionError"),
    ],
)  # fmt: skip
async def test_what_a_program_uses_up_is_bounded(way: Way, code: str, says: str) -> None:
    limits = Limits(seconds=60, memory_mb=512, space_mb=4, output_kb=16)
    with pytest.raises(ToolError, match=says):
        await python_tool(limits, way=way).run({"code": code})
    assert alive() == 0


@pytest.mark.parametrize(
    "code",
    [
        "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('begun')\ntime.sleep(600)",
        "print('begun')\nwhile True: pass",
        "import os, sys, time\nprint('begun')\nos.close(1); os.close(2)\ntime.sleep(600)",
        "import os, signal\nprint('begun')\nos.kill(os.getpid(), signal.SIGSTOP)",
    ],
)
async def test_a_program_that_does_not_end_is_ended(way: Way, code: str) -> None:
    with pytest.raises(ToolError) as caught:
        await python_tool(Limits(seconds=3), way=way).run({"code": code})
    said = str(caught.value)
    assert "did not finish within 3 seconds" in said and "begun" in said
    assert alive() == 0


async def test_a_call_that_is_cancelled_leaves_no_process(way: Way) -> None:
    task = asyncio.create_task(python_tool(way=way).run({"code": "import time; time.sleep(600)"}))
    while not alive():
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(500):
        if not alive():
            return
        await asyncio.sleep(0.02)
    pytest.fail("the process is still there")


def test_a_folder_is_removed_however_it_is_filled(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("stays")
    with private_folder("tierwise-python-") as folder:
        home = Path.cwd()
        try:
            os.chdir(folder)
            for _ in range(1_500):  # deeper than a path may be long, and than Python calls itself
                Path("d").mkdir()
                Path("link").symlink_to(outside)
                os.chdir("d")
        finally:
            os.chdir(home)
        closed = Path(folder) / "closed"
        (closed / "full").mkdir(parents=True)
        closed.chmod(0)
    assert not Path(folder).exists()
    assert (outside / "mine").read_text() == "stays"

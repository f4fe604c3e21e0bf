"""A tool package loads, or is set aside with a word about what it did; it never takes the program with it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from textwrap import dedent

import pytest

from tierwise_tools import Origin, SourceError, Toolset, ToolSource
from tierwise_tools.packages import InstalledPackage, PackageSource, installed

Install = Callable[..., Path]
WAIT = 60.0  # nothing but the hanging ones may come near a limit, however busy the machine

GOOD = '''
from tierwise_tools import tool

@tool(effects="read")
def rain(city: str) -> str:
    """Say whether it rains.

    Args:
        city: where.
    """
    return f"rain in {city}"
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a distribution where pip would: a module, and metadata with its entry points."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)

    def put(name: str, source: str, *, distribution: str = "", target: str = "", version: str = "1.0") -> Path:
        distribution = distribution or f"acme-{name}"
        module = distribution.replace("-", "_")
        path = site / f"{module}.py"
        path.write_text(dedent(source), encoding="utf-8")
        about = site / f"{module}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (about / "entry_points.txt").write_text(f"[tierwise.tools]\n{name} = {module}:{target or 'tools'}\n")
        (about / "RECORD").write_text(f"{path.name},,\n")
        return path

    yield put
    for module in set(sys.modules) - before:
        if module.startswith("acme_"):
            del sys.modules[module]


def opened(name: str, cache: Path | None = None) -> Toolset:
    return asyncio.run(PackageSource(name, cache=cache, seconds=WAIT).open())


async def time_runs_out(name: str, cache: Path | None, hanging: Path) -> str:
    """What is said of a package whose time is over just when it has written this file."""
    opening = asyncio.create_task(PackageSource(name, cache=cache, seconds=WAIT).open())
    async with asyncio.timeout(WAIT / 2):
        while not hanging.exists() or not hanging.read_text():
            await asyncio.sleep(0.02)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "time", lambda: time.monotonic() + WAIT)
        with pytest.raises(SourceError) as caught:
            await opening
    return caught.value.what


def test_listing_imports_nothing(install: Install, tmp_path: Path) -> None:
    install("bomb", f"open({str(tmp_path / 'imported')!r}, 'w')", version="2.1")
    assert InstalledPackage("bomb", "acme-bomb", "2.1", "acme_bomb:tools") in installed()
    assert not (tmp_path / "imported").exists()


def test_broken_metadata_of_one_hides_no_other(install: Install) -> None:
    install("good", GOOD, target="rain")
    broken = install("broken", GOOD).parent / "acme_broken-1.0.dist-info"
    for bad in (b"[tierwise.tools]\nno equals sign\n", b"\xff\xfe[tierwise.tools]\n"):
        (broken / "entry_points.txt").write_bytes(bad)
        assert [package.name for package in installed()] == ["good"]


def test_a_package_gives_its_tools_with_their_origin(install: Install) -> None:
    install("weather", GOOD, target="rain", version="3.2")
    source = PackageSource("weather", seconds=WAIT)
    assert isinstance(source, ToolSource)

    async def use() -> str:
        (tool,) = await source.open()
        assert tool.origin == Origin("package", "acme-weather", "3.2")
        await source.aclose()
        (again,) = await source.open()
        return (await again.run({"city": "Oslo"})).text

    assert asyncio.run(use()) == "rain in Oslo"


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("[rain]", ["rain"]),
        ("(rain, rain.function)", ["rain"]),
        ("Toolset((rain,)).prefixed('my_')", ["my_rain"]),
        ("rain.function", ["rain"]),
    ],
)
def test_what_an_entry_point_may_be(install: Install, value: str, names: list[str]) -> None:
    install("weather", f"{GOOD}\nfrom tierwise_tools import Toolset\ntools = {value}")
    assert [tool.name for tool in opened("weather")] == names


def test_one_bad_tool_leaves_the_others(install: Install) -> None:
    bad = "def undocumented(x: int) -> int: return x\ntools = [undocumented, rain, 7, rain.but(name='no name')]"
    install("mixed", f"{GOOD}\n{bad}")
    toolset = opened("mixed")
    assert [tool.name for tool in toolset] == ["rain"]
    assert [problem.name for problem in toolset.problems] == ["undocumented", "tool 3", "no name"]
    assert "docstring" in toolset.problems[0].text


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("raise ValueError('no key')", "fails at import: ValueError: no key"),
        ("import sys; sys.exit(3)", "sys.exit, code 3"),
        ("import os; os._exit(5)", "ends the process at import .exit code 5"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashes the process at import .SIGSEGV"),
        ("input()", "fails at import: EOFError"),
        ("class Odd(BaseException): pass\nraise Odd('odd')", "fails at import: Odd: odd"),
        ("x = 1", "has no attribute 'tools'"),
        ("tools = {'a': 1}", "gives no tool: .* is no function"),
        ("tools = []", "gives no tool"),
    ],
)
def test_a_package_that_cannot_be_used_is_named(install: Install, source: str, says: str) -> None:
    install("bad", source, version="0.3")
    with pytest.raises(SourceError, match=says) as caught:
        opened("bad")
    assert "'bad' (acme-bad 0.3)" in caught.value.what
    assert caught.value.fix == "Update acme-bad, or take 'bad' out of the enabled tools."


async def test_a_package_that_hangs_is_ended_with_its_children(install: Install, tmp_path: Path) -> None:
    child = f"""
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
        while True: pass
    """
    install("slow", child)
    assert "was not imported within 60 seconds" in await time_runs_out("slow", None, tmp_path / "pid")
    pid = (tmp_path / "pid").read_text()
    deadline = time.monotonic() + 20
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _lives(pid)


def _lives(pid: str) -> bool:
    """Nobody may be there to reap it (a container without an init), and then it stays as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_package_that_hangs_only_here_is_given_up(install: Install, tmp_path: Path) -> None:
    hanging = tmp_path / "hanging"
    here = f"""
import os, pathlib, time
if os.getpid() == {os.getpid()}:
    pathlib.Path({str(hanging)!r}).write_text("here")
    time.sleep(20)
"""
    install("sly", here + GOOD, target="rain")
    assert "was not imported within 60 seconds" in await time_runs_out("sly", tmp_path / "cache", hanging)


async def test_bad_packages_do_not_touch_good_ones(install: Install) -> None:
    install("good", GOOD, target="rain")
    install("dead", "import os; os._exit(1)")
    install("loud", "raise SystemExit")
    results = await asyncio.gather(
        *(PackageSource(name, seconds=WAIT).open() for name in ("dead", "good", "loud")), return_exceptions=True
    )
    assert [type(result).__name__ for result in results] == ["SourceError", "Toolset", "SourceError"]


async def test_cancelling_ends_the_trial(install: Install, tmp_path: Path) -> None:
    install("slow", f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    opening = asyncio.create_task(PackageSource("slow", seconds=WAIT).open())
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        await asyncio.sleep(0.02)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_two_distributions_with_one_name(install: Install) -> None:
    install("weather", GOOD, distribution="beta-weather", target="rain")
    install("weather", GOOD.replace("rain", "snow"), distribution="alpha-weather", target="snow")
    assert [package.distribution for package in installed()] == ["alpha-weather", "beta-weather"]
    toolset = opened("weather")
    assert [tool.name for tool in toolset] == ["snow"]
    assert [problem.name for problem in toolset.problems] == ["weather"]
    assert "beta-weather 1.0" in toolset.problems[0].text


def test_a_name_that_is_not_installed(install: Install) -> None:
    install("weather", GOOD)
    with pytest.raises(SourceError, match="Did you mean 'weather'"):
        opened("wether")
    with pytest.raises(SourceError, match="Install it"):
        opened("zzz")


def test_a_good_trial_is_not_repeated_until_something_changes(install: Install, tmp_path: Path) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    counting = f"import os\nwith open({str(log)!r}, 'a') as log: log.write(f'{{os.getpid()}}\\n')\n"
    module = install("weather", counting + GOOD, target="rain")

    def trials() -> int:
        """How many other processes imported it for an opening in a fresh interpreter's state."""
        log.unlink(missing_ok=True)
        sys.modules.pop("acme_weather", None)
        opened("weather", cache)
        return sum(line != str(os.getpid()) for line in log.read_text().splitlines())

    assert [trials(), trials()] == [1, 0]
    (note,) = cache.iterdir()
    assert note.stat().st_mode & 0o777 == 0o600
    module.write_text(counting + GOOD + "\nMORE = 1\n")
    assert [trials(), trials()] == [1, 0]
    for spoilt in ("{", "[]", '{"stamp": 1}', "\x00"):
        note.write_text(spoilt)
        assert [trials(), trials()] == [1, 0]
    install("other", GOOD)  # an update of something else may break this one
    assert [trials(), trials()] == [1, 0]
    assert list(cache.iterdir()) == [note]


def test_a_bad_trial_is_repeated(install: Install, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    install(
        "moody", f"import os\nif not os.path.exists({str(flag)!r}): raise OSError('not now')\n{GOOD}", target="rain"
    )
    with pytest.raises(SourceError, match="not now"):
        opened("moody", tmp_path / "cache")
    flag.touch()
    assert len(opened("moody", tmp_path / "cache")) == 1


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(install: Install, tmp_path: Path) -> None:
    install("weather", GOOD, target="rain")
    (tmp_path / "file").touch()
    assert len(opened("weather", tmp_path / "file")) == 1


def test_what_a_package_prints_stays_out_of_stdout(tmp_path: Path, install: Install) -> None:
    noise = "import sys, logging\nprint('noise'); sys.stdout.write('more noise')\nsys.stdout.flush()\n"
    site = install("loud", f"{noise}logging.basicConfig(stream=sys.stdout)\n{GOOD}", target="rain").parent
    program = """
        import asyncio, json, logging, sys
        from tierwise_tools.packages import PackageSource
        kept = sys.stdout
        toolset = asyncio.run(PackageSource("loud", seconds=60).open())
        assert sys.stdout is kept
        print(json.dumps([tool.name for tool in toolset]))
        logging.getLogger().warning("a word after the import")
    """
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path])}
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, env=env)
    assert json.loads(done.stdout.splitlines()[0]) == ["rain"], done.stderr
    assert "noise" not in done.stdout
    assert "noise" in done.stderr
    assert "a word after the import" in done.stdout


def test_other_threads_print_where_they_always_did() -> None:
    from tierwise_tools.packages.quiet import stdout_to_stderr

    inside, go_on = threading.Event(), threading.Event()

    def quiet() -> None:
        with stdout_to_stderr():
            print("noise")
            inside.set()
            go_on.wait()

    with redirect_stdout(StringIO()) as out:
        thread = threading.Thread(target=quiet)
        thread.start()
        inside.wait()
        print("ours")
        go_on.set()
        thread.join()
        print("ours again")
        assert sys.stdout is out
    assert out.getvalue() == "ours\nours again\n"

"""The terminal under a lock: no command reaches anybody. Commands run here; the last tests start real programs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from benches.ports import free_port
from outside import Outside

from tierwise.record import Record
from tierwise.testing import LoopbackServer, ScriptedModel, block_network
from tierwise_app.cli import main

CANARY = "kestrel"
QUESTION = f"Where does the {CANARY} nest?"


@pytest.fixture
def configured(own_home: Path, world: Outside) -> Any:
    """Writes a configuration: a tier on this machine that is unsure of everything, and the hosted one."""
    with LoopbackServer(ScriptedModel(["UNSURE, perhaps."], name="small", repeat=True)) as small:

        def write(*lines: str, deep: str = world.hosted.url) -> Path:
            own_home.mkdir(exist_ok=True, mode=0o700)
            tiers = (("quick", small.url, "true"), ("deep", deep, "false"))
            entries = [
                f'[[tiers]]\nname = "{name}"\nmodel = "openai:{name}"\nbase_url = "{url}"\non_device = {here}'
                for name, url, here in tiers
            ]
            (own_home / "tierwise.toml").write_text("\n".join((*lines, *entries)), encoding="utf-8")
            return own_home

        write()
        yield write


def run(*words: object) -> tuple[int, str]:
    """A command in this process, where nobody can be asked; its exit code and all that it said."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
    return int(ended.value.code or 0), said.getvalue()


REFUSED, DONE = 4, 0
COMMANDS: dict[str, tuple[tuple[str, ...], int]] = {
    "ask": (("ask", QUESTION), DONE),
    "ask a tier": (("ask", QUESTION, "-t", "deep"), REFUSED),
    "ask again": (("ask", "--again", "last", "-t", "deep"), REFUSED),
    "route": (("route", QUESTION), DONE),
    "route to a tier": (("route", QUESTION, "-t", "deep"), REFUSED),
    "search": (("search", CANARY), DONE),
    "improve": (("improve", "--yes"), REFUSED),
    "read a web page": (("ingest", "http://kestrel.invalid/page"), REFUSED),
    "load a model": (("models", "pull", "phi-3-mini-4k"), REFUSED),
    "try the models": (("models", "test"), REFUSED),
    "doctor": (("doctor", "--online", "--json"), DONE),
    "statistics": (("stats",), DONE),
    "the tools": (("tools", "list"), DONE),
    "call a tool": (("tools", "call", "fetch_url", "url=http://kestrel.invalid/"), REFUSED),
    "review a server": (("tools", "review", "far"), REFUSED),
}
MCP = '[tools]\nenabled = ["clock", "fetch_url"]\n[[tools.mcp]]\nname = "far"\nurl = "http://kestrel.invalid/mcp"'


@pytest.mark.parametrize("rule", ["offline", "locked"])
def test_no_command_reaches_anybody(configured: Any, world: Outside, rule: str) -> None:
    home = configured()
    run("ask", QUESTION, "--offline")
    configured(f"{rule} = true")
    with (home / "tierwise.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{MCP}\n")
    codes = {}
    # What a locked app does with questions is tested with the ways out.
    commands = {name: one for name, one in COMMANDS.items() if rule == "offline" or one[0][0] not in ("ask", "route")}
    for name, (words, _) in commands.items():
        codes[name] = run(*words)
        assert world.nothing_left, name
    wrong = {name: codes[name] for name, (_, expected) in commands.items() if codes[name][0] != expected}
    assert not wrong


def test_the_same_commands_reach_somebody_otherwise(configured: Any, world: Outside) -> None:
    home = configured()
    run("ask", QUESTION, "-t", "deep")
    assert CANARY in world.said
    with (home / "tierwise.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{MCP}\n")
    for name in ("doctor", "read a web page", "load a model", "review a server"):
        before = world.contacts, len(world.tried)
        run(*COMMANDS[name][0])
        assert (world.contacts, len(world.tried)) != before, name


# -- real programs, held by the kernel ---------------------------------------------------------------------------------


def start(*words: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tierwise_app", *words]
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **(pipes | options))


held = pytest.mark.skipif(sys.platform != "linux", reason="programs are held on Linux only")


@held
def test_a_turn_that_was_locked_while_it_waited_does_not_leave(own_home: Path, configured: Any, world: Outside) -> None:
    assert run("ask", QUESTION, "-t", "deep", "--thread", "t", "--show-before-sending")[0] == 3
    with closing(Record(own_home)) as record:
        record.lock_thread("t", True)
    program = start("threads", "approve", "t")
    program.communicate(timeout=120)
    assert program.returncode == REFUSED
    assert world.nothing_left
    with closing(Record(own_home)) as record:
        record.lock_thread("t", False)
    done = run("threads", "resume", "t")
    assert done[0] == DONE, done
    assert CANARY in world.said


@held
def test_the_embedded_models_need_nobody(own_home: Path, world: Outside) -> None:
    """Model process, document reader, embedder and Chroma are programs and compiled code: the kernel holds them all."""
    own_home.mkdir(mode=0o700)
    document = Path("birds.md")
    document.write_text(f"# Birds\n\nThe {CANARY} nests in old towers, high above the river.\n")
    for words in (("ingest", str(document), "--lock"), ("ask", QUESTION, "--json")):
        program = start(*words)
        said, wrong = program.communicate(timeout=240)
        assert program.returncode == DONE, wrong
    assert json.loads(said)["status"] == "done"
    assert (list(world.tried), world.tried.loopback) == ([], [])


@held
def test_the_app_reaches_nobody(own_home: Path, configured: Any, proxy: Any) -> None:
    configured("offline = true")
    port = free_port()
    with block_network(loopback=True) as tried:
        # The browser of this test comes from outside of the block's programs: only they are looked at.
        program = start("app", "--port", str(port), env={**os.environ, "BROWSER": "true"})
        try:
            page = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            end = time.monotonic() + 180
            while True:
                try:
                    with page.open(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as reply:
                        assert reply.read() == b"ok"
                        break
                except OSError:
                    assert program.poll() is None and time.monotonic() < end, "the app did not start"
                    time.sleep(0.1)
            time.sleep(1)  # it might think of something a moment later
        finally:
            program.terminate()
            program.communicate(timeout=120)
    assert tried == []
    assert {one.rpartition(":")[2] for one in tried.loopback} <= {str(port)}

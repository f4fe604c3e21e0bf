"""The command line against real parts: a fresh home, real HTTP servers in front of scripted models."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tierwise.testing import LoopbackServer, ScriptedModel, Step
from tierwise_app.cli import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout, which must be exactly one JSON value."""
        return json.loads(self.out)


class _Pipe(io.StringIO):
    """Stdin of a script: never a terminal, with the byte view that reading a question needs."""

    @property
    def buffer(self) -> io.BytesIO:
        return io.BytesIO(self.getvalue().encode())


@dataclass
class Cli:
    home: Path
    stack: ExitStack
    env: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: object, stdin: str = "") -> Ran:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "stdin", _Pipe(stdin))
            patch.setenv("TIERWISE_HOME", str(self.home))
            for name, value in self.env.items():
                patch.setenv(name, value)
            patch.chdir(self.home.parent)
            with pytest.raises(SystemExit) as ended:
                main([str(word) for word in words])
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, out.getvalue(), err.getvalue())

    def start(self, *words: object, **options: Any) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "tierwise_app", *map(str, words)],
            env={**os.environ, "TIERWISE_HOME": str(self.home), **self.env},
            cwd=self.home.parent,
            text=True,
            encoding="utf-8",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def process(self, *words: object, stdin: str = "") -> Ran:
        """Run a command as a process of its own."""
        with self.start(*words, stdin=subprocess.PIPE) as process:
            out, err = process.communicate(stdin, timeout=600)
        return Ran(process.returncode, out, err)

    def terminal(self, *words: object, typed: str = "") -> Ran:
        """Run a command on a terminal of its own, in which ``typed`` waits to be read; stderr comes with stdout."""
        master, slave = pty.openpty()
        os.write(master, typed.encode())
        env = {**os.environ, "TERM": "xterm", "LINES": "40", "TIERWISE_HOME": str(self.home), **self.env}
        process = subprocess.Popen(
            [sys.executable, "-m", "tierwise_app", *map(str, words)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            cwd=self.home.parent,
        )
        os.close(slave)
        parts = []
        with suppress(OSError):  # Linux reports the end of a terminal as an input/output error
            while part := os.read(master, 65536):
                parts.append(part)
        os.close(master)
        return Ran(process.wait(timeout=60), b"".join(parts).decode().replace("\r\n", "\n"), "")

    def write_config(self, text: str) -> Path:
        path = self.home / "tierwise.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def serve(self, quick: Sequence[str | Step], deep: Sequence[str | Step] | None = None) -> list[LoopbackServer]:
        """Serve scripted tiers over HTTP and configure them: quick counts as on the device, deep does not."""
        servers, entries = [], []
        for name, steps in (("quick", quick), ("deep", deep)):
            if steps is None:
                continue
            server = self.stack.enter_context(LoopbackServer(ScriptedModel(list(steps), name=name, repeat=True)))
            servers.append(server)
            on_device = "true" if name == "quick" else "false"
            entries.append(
                f'[[tiers]]\nname = "{name}"\nmodel = "openai:scripted-{name}"\nbase_url = "{server.url}"\n'
                f"on_device = {on_device}\nprice = {{ input = 1.0, output = 2.0 }}\n"
            )
        self.write_config("\n".join(entries))
        return servers


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    monkeypatch.setenv("TIERWISE_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("TIERWISE_CONFIG", "TIERWISE_DIAL", "TIERWISE_OFFLINE", "TIERWISE_LOCKED"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with ExitStack() as stack:
        yield Cli(home, stack)


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    """A document with facts worth asking for."""
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "kettle.md").write_text(
        "# Kettle\n\nThe warranty of the kettle lasts 30 months from the day of purchase. "
        "Descale it every 60 days with citric acid.\n\n## Power\n\nThe kettle draws 2200 watts.\n",
        encoding="utf-8",
    )
    return folder

"""Code blocks of the documentation, and programs run as a reader would run them, with nothing of ours about them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tierwise.testing import block_network

ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:8411"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.S | re.M)


def blocks(page: str, language: str, url: str) -> list[str]:
    """The blocks of a page in ``docs``, with the server's address in them."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [match[2].replace(ADDRESS, url) for match in BLOCK.finditer(text) if match[1] == language]


def run(words: Sequence[str], home: Path, **env: str) -> str:
    """Run a program that reaches this machine alone; what it printed."""
    home.mkdir(exist_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {"PATH": path, "HOME": str(home), "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1", **env}
    with block_network(loopback=True) as tried:
        done = subprocess.run(
            words, cwd=home, env=env, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert tried == []
    return done.stdout


def run_blocks(codes: Sequence[str], home: Path) -> list[str]:
    """Run Python blocks one after the other, each on its own, in one process; what each printed."""
    home.mkdir(exist_ok=True)
    program = home / "blocks.py"
    lines = [f"exec(compile({code!r}, 'block {n}', 'exec'), {{}})\nprint('\\x00')" for n, code in enumerate(codes)]
    program.write_text("\n".join(lines), encoding="utf-8")
    return run([sys.executable, str(program)], home).split("\x00\n")[:-1]

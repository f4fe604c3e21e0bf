"""Every example runs, every code block in the docs works, every command named in them exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tierwise import load_settings

ROOT = Path(__file__).parents[2]
# Python in docs/clients needs a server: tests/http/test_programs.py runs it.
CLIENTS = sorted((ROOT / "docs" / "clients").glob("*.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.S | re.M)


def blocks(*languages: str) -> list[object]:
    found: list[object] = []
    for page in PAGES if "python" in languages else [*PAGES, *CLIENTS]:
        text = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            if match[1] in languages:
                line = text[: match.start()].count("\n") + 1
                found.append(pytest.param(match[2], id=f"{page.name}:{line}"))
    return found


def run(program: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", str(program)], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code: str) -> None:
    folder = Path("docs")
    folder.mkdir()
    (folder / "manual.md").write_text("# Toaster\n\nThe warranty lasts 24 months from the date of purchase.\n")
    program = Path("block.py")
    program.write_text(code)
    run(program)


@pytest.mark.parametrize("code", blocks("toml"))
def test_toml_blocks_are_valid_configurations(code: str) -> None:
    path = Path("tierwise.toml")
    path.write_text(code)
    settings = load_settings(path)
    assert settings.tiers or settings.embedder or settings.serve.models


@pytest.mark.parametrize("code", blocks("sh", "console"))
def test_commands_in_the_docs_exist(code: str) -> None:
    import typer

    from tierwise_app.cli.commands import app

    for line in code.splitlines():
        if not re.match(r"(\$ )?\S*tierwise\b", line):
            continue  # another program's: its quotes may go over several lines
        words = shlex.split(line.removeprefix("$ ").partition(" <")[0], comments=True)
        if not words or Path(words[0]).name != "tierwise":
            continue
        command: Any = typer.main.get_command(app)
        context, rest = None, words[1:]
        while hasattr(command, "resolve_command"):
            context = command.make_context("tierwise", rest, parent=context)
            left = [*context._protected_args, *context.args]
            if not left:
                break  # "tierwise --help" and the like
            _, command, rest = command.resolve_command(context, left)
        else:
            command.make_context(words[1], rest, parent=context)  # raises for what the command does not take


EXAMPLES = {
    "ask.py": "documents added",
    "stream.py": "answered by",
    "typed.py": "urgent:",
    "own_tier.py": "[table] Monday to Friday",
    "own_verifier.py": "[brief] Yes.",
    "own_graph_node.py": "From 10 to 18 h.",
    "own_tool.py": "Noted",
    "own_connector.py": "keeps its contract",
}


def test_every_example_is_listed() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name: str) -> None:
    assert EXAMPLES[name] in run(ROOT / "examples" / name)


def test_the_terminal_page_has_every_command_and_option() -> None:
    import typer

    from tierwise_app.cli.commands import app

    def options(command: Any, name: str) -> Iterator[tuple[str, set[str]]]:
        groups = getattr(command, "commands", {})
        for word, inner in groups.items():
            yield from options(inner, f"{name} {word}".strip())
        if not groups or (name and command.invoke_without_command):
            shown = [param for param in command.params if param.param_type_name == "option" and not param.hidden]
            yield name, {param.opts[0] for param in shown} - {"--help"}

    page = (ROOT / "docs" / "terminal.md").read_text(encoding="utf-8").partition("## All commands")[2]
    rows = re.findall(r"(?m)^\| `([a-z ]+)` \| (.*?) \|", page)
    told = {name: set(re.findall(r"`(-[-a-z0-9]+)`", words)) for name, words in rows}
    assert told == dict(options(typer.main.get_command(app), ""))

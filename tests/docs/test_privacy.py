"""Every promise of docs/privacy.md names the tests that hold it, and they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[tuple[str, str]]:
    lines = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8").splitlines()
    table = [line.strip("|").rsplit("|", 1) for line in lines if line.startswith("|")]
    return [(promise.strip(), tests) for promise, tests in table[2:]]


def functions(tree: ast.Module) -> set[str]:
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_promise_has_a_test_that_exists() -> None:
    assert len(rows()) > 15
    for promise, tests in rows():
        named = NAMED.findall(tests)
        assert named, promise
        for file, function in named:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            assert function in functions(tree)


def test_every_test_of_privacy_is_a_promise_or_a_twin() -> None:
    named = {function for _, tests in rows() for _, function in NAMED.findall(tests)}
    twins = {"test_the_same_without_locks_lets_it_out", "test_the_same_commands_reach_somebody_otherwise"}
    for path in (ROOT / "tests" / "privacy").glob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert {name for name in functions(tree) if name.startswith("test_")} <= named | twins

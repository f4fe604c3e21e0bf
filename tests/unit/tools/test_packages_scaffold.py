"""A new tool package works as it is written."""

from __future__ import annotations

import keyword
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise_tools import SourceError
from tierwise_tools.packages import scaffold
from tierwise_tools.packages.scaffolding import _names


def run(folder: Path, *arguments: str) -> str:
    path = os.pathsep.join([str(folder / "src"), *sys.path])
    env = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "weather"
    written = scaffold(folder, "Acme.weather")
    assert sorted(path.relative_to(folder).as_posix() for path in written) == [
        "README.md",
        "pyproject.toml",
        "src/acme_weather/__init__.py",
        "src/acme_weather/py.typed",
        "tests/test_acme_weather.py",
    ]
    assert "5 passed" in run(folder, "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:asyncio")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "acme-weather"
    assert project["entry-points"]["tierwise.tools"] == {"acme-weather": "acme_weather:tools"}
    assert not any("$" in path.read_text() for path in written)


def test_it_is_clean(tmp_path: Path) -> None:
    scaffold(tmp_path / "w", "weather")
    run(tmp_path / "w", "ruff", "check", "--no-cache", ".")
    run(tmp_path / "w", "ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.slow
def test_its_types_hold(tmp_path: Path) -> None:
    scaffold(tmp_path / "w", "weather")
    run(tmp_path / "w", "mypy", "--strict", "src", "tests")


@pytest.mark.parametrize(
    "name", ["", "1st", "a b", "-a", "a-", "../up", "ä", "a" * 65, "json", "class", "tierwise", "x\n"]
)
def test_names_that_cannot_be_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError):
        scaffold(tmp_path / "new", name)
    assert not (tmp_path / "new").exists()


@given(st.one_of(st.text(max_size=70), st.from_regex(r"[a-z][a-z0-9._-]{0,70}", fullmatch=True)))
def test_an_accepted_name_makes_a_module_of_its_own(name: str) -> None:
    try:
        plain, module = _names(name)
    except SourceError as error:
        assert error.fix
        return
    assert _names(plain) == (plain, module)
    assert module.isidentifier() and not keyword.iskeyword(module)
    assert module not in sys.stdlib_module_names


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    scaffold(tmp_path / "mine", "weather")
    with pytest.raises(SourceError, match="not empty"):
        scaffold(tmp_path / "mine", "weather")
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="not empty"):
        scaffold(tmp_path / "file", "weather")
    with pytest.raises(SourceError, match="cannot be written"):
        scaffold(tmp_path / "file" / "below", "weather")

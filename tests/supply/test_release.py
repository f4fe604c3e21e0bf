"""What a release installs: complete, within bounds, hashed, from no index in particular, known faults mended."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
RELEASE = ROOT / "requirements" / "release.txt"
BUILD = ROOT / "requirements" / "build.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# The first versions in which a known vulnerability, or a fault that loses or leaks, is mended.
MENDED = {
    "jinja2": "3.1.6",
    "langgraph": "1.0.10",
    "langgraph-checkpoint": "4.0.0",
    "langgraph-checkpoint-sqlite": "3.0.1",
    "llama-cpp-python": "0.2.72",
    "mcp": "1.23.0",
    "streamlit": "1.61",
}
SYSTEMS = ("linux", "darwin", "win32")
PYTHONS = ("3.11", "3.12", "3.13")


def wanted(extra: str | None = None) -> list[Requirement]:
    """What is asked for, directly; extras of our own are followed."""
    words = PROJECT["dependencies"] if extra is None else PROJECT["optional-dependencies"][extra]
    found: list[Requirement] = []
    for requirement in map(Requirement, words):
        if requirement.name == PROJECT["name"]:
            found += [one for name in sorted(requirement.extras) for one in wanted(name)]
        else:
            found.append(requirement)
    return found


def entries(path: Path) -> list[tuple[Requirement, list[str]]]:
    """Requirements of a lock with their hashes."""
    text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
    found = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement, *hashes = line.split("--hash=")
            found.append((Requirement(requirement.strip()), [one.strip() for one in hashes]))
    return found


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_requirement_is_pinned_once_within_its_bounds(system: str, python: str) -> None:
    environment = {
        **default_environment(),
        "sys_platform": system,
        "os_name": "nt" if system == "win32" else "posix",
        "python_version": python,
        "python_full_version": f"{python}.0",
    }
    pinned: dict[str, Version] = {}
    for requirement, _ in entries(RELEASE):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            assert name not in pinned, f"{name} is there twice"
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            pinned[name] = Version(pin.version)
    for requirement in wanted() + wanted("all"):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is missing: make lock"
        assert version in requirement.specifier, f"{requirement}, but {version} is pinned: make lock"


@pytest.mark.parametrize("path", [RELEASE, BUILD], ids=lambda path: path.name)
def test_everything_is_hashed_and_no_index_is_named(path: Path) -> None:
    for requirement, hashes in entries(path):
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes)
        assert requirement.url is None
    assert "://" not in path.read_text(encoding="utf-8")
    assert not re.search(r"^\s*-", re.sub(r"\\\n", " ", path.read_text(encoding="utf-8")), re.MULTILINE)


def test_every_requirement_has_a_lowest_version_and_an_end() -> None:
    for requirement in (one for extra in (None, *PROJECT["optional-dependencies"]) for one in wanted(extra)):
        operators = {one.operator for one in requirement.specifier}
        assert ">=" in operators and "<" in operators, f"{requirement} is not bounded on both sides"


@pytest.mark.parametrize(("name", "version"), MENDED.items())
def test_no_version_with_a_known_fault_is_allowed(name: str, version: str) -> None:
    asked = [one for one in wanted() + wanted("all") if canonicalize_name(one.name) == name]
    assert asked, f"{name} is not asked for"
    for requirement in asked:
        lowest = next(Version(one.version) for one in requirement.specifier if one.operator == ">=")
        assert lowest >= Version(version), f"{requirement} allows versions before {version}"


@pytest.fixture(scope="module")
def lock() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / "scripts" / "lock.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_installed_here_runs_nothing_of_its_own_when_python_starts(lock: ModuleType) -> None:
    assert lock.starters() == 0


def test_a_package_that_would_run_at_every_start_is_named(
    lock: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package(tmp_path, "rich", "14.0", "rich.py")
    package(tmp_path, "setuptools", "84.0", "distutils-precedence.pth")
    assert lock.starters(str(tmp_path)) == 0
    package(tmp_path, "jinja2", "3.1.6", "litellm_init.pth")
    assert lock.starters(str(tmp_path)) == 1
    assert "jinja2 3.1.6: litellm_init.pth" in capsys.readouterr().out


def package(folder: Path, name: str, version: str, file: str) -> None:
    """A distribution as pip would have left it."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text(f"{file},,\n{info.name}/METADATA,,\n")
    (folder / file).write_text("import sys\n")

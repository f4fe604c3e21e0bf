"""Git work trees: what Git ignores stays out, and a repository's configuration runs nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tierwise.knowledge.sources import Change, Gone, Item, Trouble, open_origins

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs Git")


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always", *words],
        cwd=folder,
        check=True,
        capture_output=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("secret*\nbuild/\n")
    for name in ("a.md", "secret.md", "build/out.md", "inner/b.md", "inner/secret.txt", "venv/c.md", ".github/d.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"What {name} says.")
    git(folder, "add", "a.md")
    git(folder, "commit", "-q", "-m", "First")
    return folder


def looked(folder: Path, known: dict[str, str | None] | None = None) -> list[Change]:
    return list(open_origins([folder])[0].changes(known or {}, None))


def below(folder: Path, changes: list[Change]) -> list[str]:
    return [os.path.relpath(change.source, folder) for change in changes if isinstance(change, Item)]


def test_what_git_ignores_is_passed_over(tree: Path) -> None:
    assert below(tree, looked(tree)) == ["a.md", "inner/b.md"]


def test_a_file_that_is_deleted_but_still_in_the_index_is_gone(tree: Path) -> None:
    known = {change.source: None for change in looked(tree) if isinstance(change, Item)}
    (tree / "a.md").unlink()
    found = looked(tree, known)
    assert below(tree, found) == ["inner/b.md"]
    assert [change.source for change in found if isinstance(change, Gone)] == [str(tree / "a.md")]


def test_work_trees_further_down_have_their_own_rules(tree: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / "o.md").write_text("Other.")
    (other / ".gitignore").write_text("x.md\n")
    git(other, "add", ".")
    git(other, "commit", "-q", "-m", "First")
    git(tree, "submodule", "add", "-q", str(other), "module")
    git(tree, "worktree", "add", "-q", str(tree / "linked"))
    shutil.copytree(other, tree / "nested")
    for folder in ("module", "linked", "nested"):
        (tree / folder / "x.md").write_text("Is it ignored?")
    expected = ["a.md", "inner/b.md", "linked/a.md", "linked/x.md", "module/o.md", "nested/o.md"]
    assert sorted(below(tree, looked(tree))) == expected
    # a plain folder that holds them
    assert {f"tree/{name}" for name in expected} < set(below(tmp_path, looked(tmp_path)))


@pytest.mark.parametrize("key", ["core.fsmonitor", "core.pager", "core.sshCommand", "core.gitProxy", "alias.ls-files"])
def test_a_repositorys_configuration_runs_nothing(tree: Path, tmp_path: Path, key: str) -> None:
    proof = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {proof}\n")
    program.chmod(0o755)
    git(tree, "config", key, str(program) if key != "alias.ls-files" else f"!{program}")
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-auto-gc"):
        shutil.copy(program, tree / ".git" / "hooks" / hook)
    assert below(tree, looked(tree)) == ["a.md", "inner/b.md"]
    assert not proof.exists()


def test_a_repository_cannot_lead_out_of_its_folder(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "private.md").write_text("Not of the repository.")
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "p.md").write_text("Nor this.")
    (tree / "link.md").symlink_to(tmp_path / "private.md")
    (tree / "inner2").symlink_to(tmp_path / "private")
    (tree / "within.md").symlink_to(tree / "inner" / "b.md")
    assert below(tree, looked(tree)) == ["a.md", "inner/b.md"]
    git(tree, "config", "core.worktree", str(tmp_path))
    assert all(name in ("a.md", "inner/b.md") for name in below(tree, looked(tree)))


def test_a_folder_that_only_looks_like_a_repository_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "a.md").write_text("Text.")
    assert below(tmp_path, looked(tmp_path)) == ["a.md"]


def test_a_broken_repository_says_so_and_nothing_is_gone(tree: Path) -> None:
    known = {change.source: None for change in looked(tree) if isinstance(change, Item)}
    (tree / ".git" / "index").write_bytes(b"broken")
    (trouble,) = looked(tree, known)
    assert isinstance(trouble, Trouble)
    assert "index file" in trouble.reason


def test_somebody_elses_repository_is_explained(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What Git says of one, without a second user on this machine.
    monkeypatch.setenv("PATH", f"{tree.parent / 'bin'}:{os.environ['PATH']}")
    fake = tree.parent / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\necho \"fatal: detected dubious ownership in repository at '{tree}'\" >&2\nexit 128\n")
    fake.chmod(0o755)
    (trouble,) = looked(tree)
    assert isinstance(trouble, Trouble)
    assert "safe.directory" in trouble.fix


def test_without_git_it_is_a_folder_and_that_is_said(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tree))
    first, *rest = looked(tree)
    assert isinstance(first, Trouble)
    assert "not installed" in first.reason
    assert below(tree, rest) == ["a.md", "secret.md", "build/out.md", "inner/b.md", "inner/secret.txt"]

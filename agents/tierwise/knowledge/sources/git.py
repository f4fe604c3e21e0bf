"""Which files of a Git work tree Git knows or would add: what ``.gitignore`` names is left out."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tierwise.knowledge.sources.item import Trouble

_SECONDS = 60.0
# A repository may come from anybody, and its configuration can name programs to run. Listing runs none of these.
_HARMLESS = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.quotePath=false"),
    *("-c", "protocol.allow=never"),
)
_LISTING = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
_KEPT = ("PATH", "HOME", "USER", "LANG", "SYSTEMROOT", "XDG_CONFIG_HOME")


def is_work_tree(folder: str) -> bool:
    """Whether Git would look after the folder: it has a repository, or the note of a submodule or a linked tree."""
    mark = Path(folder, ".git")
    try:
        return mark.is_file() or (mark / "HEAD").exists()
    except OSError:
        return False


def git_files(folder: str) -> list[str] | Trouble:
    """Names of files below a work tree, each once, in order; a work tree within it by its folder alone.

    The trouble is about the folder if Git will not list it, and about ``git`` if there is no Git.

    Args:
        folder: of the work tree, links resolved.
    """
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    env |= {
        "GIT_CEILING_DIRECTORIES": str(Path(folder).parent),  # a broken repository must not make it look further up
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    try:
        done = subprocess.run(
            ["git", "--no-pager", *_HARMLESS, *_LISTING],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            start_new_session=True,  # Ctrl-C is not for it: half a list is worse than none
        )
    except FileNotFoundError as error:
        if error.filename == folder:  # it has just been deleted
            return []
        return Trouble("git", f"Git is not installed, so .gitignore does not count in {folder}.", "Install Git.")
    except subprocess.TimeoutExpired:
        return Trouble(folder, f"Git did not list its files within {_SECONDS:g} seconds.", "Name them by a pattern.")
    except OSError as error:
        return Trouble(folder, f"Git cannot be run: {error.strerror or error}.", "See what `git status` says there.")
    if done.returncode:
        return _refused(folder, done.stderr.decode("utf-8", "replace"))
    return sorted(set(map(os.fsdecode, done.stdout.split(b"\0"))) - {""})


def _refused(folder: str, said: str) -> Trouble:
    if "dubious ownership" in said:
        return Trouble(
            folder,
            "Git does not list a repository that belongs to somebody else.",
            f"If you trust it: git config --global --add safe.directory {folder}",
        )
    line = said.strip().splitlines()[0] if said.strip() else "it gave no reason"
    return Trouble(folder, f"Git cannot list its files: {line[:300]}", "See what `git status` says there.")

"""Begins a new tool package: a folder that installs, passes its tests and shows the way."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from tierwise_tools.errors import SourceError

_NAME = re.compile(r"[a-z]([a-z0-9._-]{0,62}[a-z0-9])?", re.IGNORECASE)
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "src/$module/__init__.py": "module.py",
    "src/$module/py.typed": "py.typed",
    "tests/test_$module.py": "test_module.py",
}


def scaffold(folder: Path, name: str, *, template: Traversable | None = None) -> list[Path]:
    """Write a tool package with one tool that reads, one that writes, and their tests.

    Args:
        folder: of the package; it is made, and must be empty if it is there.
        name: of the distribution, for example ``acme-weather``; it is what configuration calls the package, too.
        template: folder of the files to begin with, if it is a package of another kind.

    Returns:
        The files that were written.

    Raises:
        SourceError: for a name that cannot be one, a folder that is not empty or cannot be written.
    """
    name, module = _names(name)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SourceError(f"{folder} is there already and not empty.", fix="Choose another folder.")
        written = []
        template = template or files("tierwise_tools.packages") / "template"
        for target, source in _FILES.items():
            path = folder / Template(target).substitute(module=module)
            path.parent.mkdir(parents=True, exist_ok=True)
            begun = (template / f"{source}.txt").read_text(encoding="utf-8")
            text = Template(begun).substitute(name=name, module=module)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise SourceError(f"{folder} cannot be written: {error.strerror}.", fix="Choose another folder.") from error
    return written


def _names(name: str) -> tuple[str, str]:
    """The name as package indexes write it, and that of the module."""
    if not _NAME.fullmatch(name):
        raise SourceError(
            f"{name!r} cannot be the name of a package.",
            fix="Use letters, digits and '-', a letter first, at most 64, for example acme-weather.",
        )
    plain = re.sub(r"[-_.]+", "-", name).lower()
    module = plain.replace("-", "_")
    if keyword.iskeyword(module) or module in sys.stdlib_module_names or module.split("_")[0] == "tierwise":
        raise SourceError(
            f"{name!r} would make a module {module!r}, which Python or tierwise has already.",
            fix=f"Put a word before it, for example my-{plain}.",
        )
    return plain, module

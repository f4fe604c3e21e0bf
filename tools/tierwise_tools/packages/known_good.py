"""Remembers which packages were tried and found good, so that a start does not pay for the trial again."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple
from hashlib import sha256
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from tierwise_tools.names import safe_name
from tierwise_tools.packages.listing import InstalledPackage

_MOST_FILES = 5_000


def stamp(package: InstalledPackage) -> str | None:
    """Changes with what the outcome of an import hangs on: Python, the package's files, what is installed beside it.

    Nothing of the package is run.

    Returns:
        A hash; ``None`` if its files cannot be found without importing it, or are too many to look at.
    """
    try:
        spec = find_spec(package.target.partition(":")[0].partition(".")[0].strip())
    except Exception:  # finders and loaders may be anybody's
        return None
    if spec is None:
        return None
    roots = spec.submodule_search_locations or [spec.origin or ""]
    files = list(islice(_files(roots), _MOST_FILES + 1))
    if not files or len(files) > _MOST_FILES:
        return None
    told = [sys.version, sys.prefix, astuple(package), sorted(files), sorted(_beside())]
    return sha256(json.dumps(told).encode()).hexdigest()


def is_known(folder: Path, package: InstalledPackage, now: str) -> bool:
    """Whether the package was found good with this stamp; a note that cannot be read counts as none."""
    with suppress(OSError, ValueError):
        note = json.loads(_note(folder, package).read_text(encoding="utf-8"))
        return isinstance(note, dict) and note.get("stamp") == now
    return False


def remember(folder: Path, package: InstalledPackage, now: str) -> None:
    """Note that the package is good, for this user alone; a folder that cannot be written is no reason to fail."""
    # One file a package: several are tried at the same time, by several processes too.
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=folder, suffix=".part")  # readable by the owner only
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"package": package.name, "stamp": now}, file)
            Path(draft).replace(_note(folder, package))
        except OSError:
            Path(draft).unlink(missing_ok=True)


def _note(folder: Path, package: InstalledPackage) -> Path:
    return folder / f"{safe_name(f'{package.distribution}-{package.name}')}.json"


def _files(roots: list[str]) -> Iterator[tuple[str, int, int]]:
    """Path, time of change and size of each file that may run."""
    for root in roots:
        paths = [Path(root)] if Path(root).is_file() else _below(root)
        for path in paths:
            with suppress(OSError):
                about = path.stat()
                yield str(path), about.st_mtime_ns, about.st_size


def _below(root: str) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (Path(folder, name) for name in names)


def _beside() -> Iterator[str]:
    """Every distribution with its version: an update of one that a package imports may break the import."""
    for folder in sys.path:
        with suppress(OSError):
            names = (path.name for path in Path(folder or ".").iterdir())
            yield from (name for name in names if name.endswith((".dist-info", ".egg-info")))

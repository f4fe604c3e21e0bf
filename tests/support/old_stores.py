"""Stores that older versions wrote, unpacked."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "stores"
VERSIONS = sorted((path.name for path in FOLDER.glob("v*")), key=lambda name: int(name[1:]))


def unpack(version: str, home: Path, *names: str) -> dict[str, Any]:
    """Put the stores of a version into a home; what that version read back from them."""
    home.mkdir(exist_ok=True)
    for path in (FOLDER / version).glob("*.gz"):
        if not names or path.stem in names:
            (home / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    told: dict[str, Any] = json.loads((FOLDER / version / "told.json").read_text(encoding="utf-8"))
    return told

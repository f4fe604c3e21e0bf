"""How the app is to look on this machine: kept in the home folder, for all its windows."""

from __future__ import annotations

import contextlib
import json
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tierwise.home import open_home, private


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person chose for the app itself.

    Attributes:
        simple: show only Chat and Knowledge.
        developer: show the developer card below every answer.
        welcomed: the first-run choices were made or put off.
    """

    simple: bool = False
    developer: bool = False
    welcomed: bool = False


def read_preferences(home: Path) -> Preferences:
    """The preferences; the defaults where none were stored, or what was stored cannot be read."""
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
        found = json.loads((home / "app.json").read_text(encoding="utf-8"))
        return Preferences(**{f.name: bool(found[f.name]) for f in fields(Preferences) if f.name in found})
    return Preferences()


def write_preferences(home: Path, preferences: Preferences) -> None:
    """Store the preferences, wholly or not at all."""
    path = private(open_home(home) / "app.json")
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".json", delete=False, encoding="utf-8") as file:
        json.dump(asdict(preferences), file)
    Path(file.name).replace(path)

"""What became of a store that was damaged, told to the person once."""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tierwise.home import private
from tierwise.locks import hold

_FILE = "damage.json"
_KEPT = 20  # how many are remembered
_LOG = logging.getLogger("tierwise")


@dataclass(frozen=True, slots=True)
class Damage:
    """One damage that was mended.

    Attributes:
        file: the store's name.
        text: what was damaged, what was restored and what is missing, in words.
        created: seconds since 1970.
        aside: name of the damaged file in the home folder, if it is kept.
        missing: how many turns are known to be gone.
        told: a face has shown it.
    """

    file: str
    text: str
    created: float
    aside: str | None = None
    missing: int = 0
    told: bool = False


def damages(home: Path) -> list[Damage]:
    """All that are remembered, oldest first; also those that were told."""
    known = {field.name for field in fields(Damage)}
    try:
        stored = json.loads((home / _FILE).read_text(encoding="utf-8"))
        return [Damage(**{name: one[name] for name in known & one.keys()}) for one in stored]
    except (OSError, ValueError, TypeError, AttributeError):
        return []


def note_damage(home: Path, damage: Damage) -> None:
    """Remember a damage, and log it as a warning."""
    _LOG.warning("%s", damage.text)
    with suppress(OSError), hold(home / f"{_FILE}.lock", wait=5.0):  # what was mended is mended, whatever is noted
        _write(home, [*damages(home), damage])


def take_news(home: Path) -> list[str]:
    """What nobody was told yet, in words; it counts as told then."""
    if all(one.told for one in damages(home)):
        return []
    with hold(home / f"{_FILE}.lock", wait=5.0):
        found = damages(home)
        news = [one for one in found if not one.told]
        with suppress(OSError):  # told again then
            _write(home, [Damage(**{**asdict(one), "told": True}) for one in found])
    return [one.text for one in news]


def set_aside(path: Path) -> Path:
    """Move a damaged file, and what SQLite keeps beside it, out of the way, to ``NAME.damaged-DATE``.

    Returns:
        Where it is now.

    Raises:
        OSError: if it cannot be moved.
    """
    date = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{path.name}.damaged-{date}{more}" for more in ("", *(f"-{n}" for n in range(1, 1000))))
    new = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    with suppress(FileNotFoundError):
        path.rename(new)
    for ending in ("-wal", "-journal"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(new.with_name(new.name + ending))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return new


def _write(home: Path, found: list[Damage]) -> None:
    part = private(home / f"{_FILE}.part")
    part.write_text(json.dumps([asdict(one) for one in found[-_KEPT:]], ensure_ascii=False), encoding="utf-8")
    part.replace(home / _FILE)

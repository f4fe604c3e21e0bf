"""Model files on this machine: where they lie, under which names, and what vouches for them."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tierwise.errors import InvalidInput, ModelFileError, ModelNotInstalled, UnknownName
from tierwise.home import default_home, private
from tierwise.models.gguf import GgufHeader, read_header
from tierwise.models.store.card import Card, catalogue, find_card

Vouched = Literal["catalogue", "first download", "nobody"]
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_OURS = (".gguf", ".json", ".part", ".lock")
_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class Pin:
    """What a file was when it came: the next download, and every later use, is held against it.

    Attributes:
        sha256: of the whole file.
        size: bytes.
        modified_ns: time of last change, in nanoseconds, when the hash was taken.
        date: the day it came.
        url: where from; ``None`` for a copy of a local file.
    """

    sha256: str
    size: int
    modified_ns: int
    date: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model file that is there.

    Attributes:
        name: as in ``llama:NAME``.
        path: the file.
        size: its bytes.
        card: what the catalogue knows of that name, if anything.
        pin: what the file was when it came; ``None`` if it was put there by hand or is linked to.
        packaged: a Python package carries it.
    """

    name: str
    path: Path
    size: int
    card: Card | None = None
    pin: Pin | None = None
    packaged: bool = False

    @property
    def sha256(self) -> str | None:
        """What the file's SHA-256 must be, where that is known."""
        if self.packaged:
            return self.card.sha256 if self.card else None
        return self.pin.sha256 if self.pin else None

    @property
    def vouched(self) -> Vouched:
        """Who says that this is the right file."""
        if self.sha256 is None:
            return "nobody"
        return "catalogue" if self.card and self.card.sha256 == self.sha256 else "first download"

    @property
    def unchanged(self) -> bool:
        """Whether size and time are those of the pin: cheap, so it is asked at every use."""
        if self.pin is None:
            return False
        stat = self.path.stat()
        return (stat.st_size, stat.st_mtime_ns) == (self.pin.size, self.pin.modified_ns)

    def header(self) -> GgufHeader:
        """The file's header, read and checked.

        Raises:
            ModelFileError: if it is no usable GGUF.
        """
        return read_header(self.path)

    def check(self, read: Callable[[int], object] = lambda done: None) -> None:
        """Read the whole file and compare its SHA-256 with what it must be, where that is known.

        Args:
            read: called with the bytes read so far.

        Raises:
            ModelFileError: if it differs.
        """
        if self.sha256 is not None and file_sha256(self.path, read) != self.sha256:
            fix = "Bring it again."
            if self.card and self.card.url:
                fix = f"Run: tierwise models pull {self.name} --again"
            elif self.pin and self.pin.url:
                fix = (
                    f"Run: tierwise models rm {self.name}, then: tierwise models add {self.pin.url} --name {self.name}"
                )
            raise ModelFileError(f"{self.path} was changed after it came: its SHA-256 differs.", fix=fix)


def models_folder(home: Path | None = None) -> Path:
    """Where downloaded models lie: ``models`` in the home folder."""
    return (home or default_home()) / "models"


def checked_name(name: str) -> str:
    """``name`` if a model can be called so.

    Raises:
        InvalidInput: otherwise. Names become file names, so nothing that could leave the folder is let through.
    """
    if not _NAME.fullmatch(name) or name.endswith(_OURS):
        raise InvalidInput(
            f"A model cannot be named {name!r}.",
            fix="Use lower-case letters, digits, '.', '_' and '-', at most 64, beginning with a letter or digit.",
        )
    return name


def locate(name: str, *, home: Path | None = None) -> Path:
    """The file of ``llama:NAME``: from its package if it has one, else ``NAME.gguf`` in the models folder.

    A file of that name in the models folder needs no card. The package is found without being imported.

    Raises:
        UnknownName: if there is neither a card nor a file.
        ModelNotInstalled: if there is a card or a link, but no file.
    """
    known = find_card(name)
    if known and known.package and (found := _in_package(known.package, known.file)):
        return found
    path = models_folder(home) / f"{name}.gguf"
    if Path(name).name == name and path.is_file():
        return path
    if Path(name).name == name and path.is_symlink():
        raise ModelNotInstalled(
            f"The file of {name} is gone from {path.readlink()}.",
            fix=f"Put it back, or run: tierwise models rm {name}",
        )
    if known is None:
        raise UnknownName(
            f"There is no model {name!r}: the catalogue does not have it, and {path} does not exist.",
            fix=f"Use llama:/path/to/file.gguf or one of: {', '.join(sorted(c.name for c in catalogue()))}.",
        )
    if known.package:
        raise ModelNotInstalled(f"{known.title} is not installed.", fix='Run: pip install "tierwise[embedded]"')
    raise ModelNotInstalled(
        f"{known.title} is not installed.",
        fix=f"Run: tierwise models pull {name}   (or get {known.file} from {known.source} and save it as {path})",
    )


def installed(known: Card, *, home: Path | None = None) -> Path | None:
    """The card's file, or ``None`` if it is not on this machine."""
    try:
        return locate(known.name, home=home)
    except ModelNotInstalled:
        return None


def find_installed(name: str, *, home: Path | None = None) -> InstalledModel:
    """The file of ``llama:NAME`` with what is known about it.

    Raises:
        UnknownName: if there is neither a card nor a file.
        ModelNotInstalled: if there is a card, but no file.
    """
    path = locate(name, home=home)
    known = find_card(name)
    packaged = path.parent != models_folder(home)
    return InstalledModel(name, path, path.stat().st_size, known, None if packaged else read_pin(path), packaged)


def installed_models(*, home: Path | None = None) -> list[InstalledModel]:
    """Every model that can be named ``llama:NAME`` on this machine, the smallest file first."""
    names = {known.name for known in catalogue() if installed(known, home=home)}
    names |= {path.stem for path in models_folder(home).glob("*.gguf") if path.is_file()}
    found = [find_installed(name, home=home) for name in names]
    return sorted(found, key=lambda m: (m.size, m.name))


def expected_sha256(name: str, path: Path) -> str | None:
    """What must be checked before ``path`` is used: nothing if the file is as its pin says, or is the user's own."""
    known = find_card(name)
    if known and known.package and path.name == known.file:
        return known.sha256
    model = InstalledModel(name, path, 0, known, read_pin(path))
    return None if model.unchanged else model.sha256


def file_sha256(path: Path, read: Callable[[int], object] = lambda done: None) -> str:
    """SHA-256 of a file, told about in blocks.

    Raises:
        ModelFileError: if it cannot be read.
    """
    digest, done = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                done += len(block)
                read(done)
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}.") from error
    return digest.hexdigest()


def read_pin(path: Path) -> Pin | None:
    """The pin beside a model file, ``None`` if there is none or it cannot be understood."""
    try:
        pin = Pin(**json.loads(_pin_path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    texts, numbers = (pin.sha256, pin.date, pin.url or ""), (pin.size, pin.modified_ns)
    sound = all(isinstance(text, str) for text in texts) and all(type(number) is int for number in numbers)
    return pin if sound else None


def write_pin(path: Path, sha256: str, *, url: str | None, like: Path) -> Pin:
    """Pin the model file ``path``, which is about to be what ``like`` is now."""
    stat = like.stat()
    pin = Pin(sha256, stat.st_size, stat.st_mtime_ns, datetime.now(UTC).date().isoformat(), url)
    draft = private(_pin_path(path).with_suffix(".json.part"))
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps(asdict(pin), indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())  # an empty pin after a power cut would vouch for nothing
    os.replace(draft, _pin_path(path))  # noqa: PTH105 (one step, also over a file)
    return pin


def unfinished(name: str, *, home: Path | None = None) -> int:
    """Bytes that a download of ``NAME`` has left behind, 0 if there is none."""
    part = part_path(models_folder(home) / f"{name}.gguf")
    return part.stat().st_size if part.is_file() else 0


def belongings(path: Path) -> list[Path]:
    """What lies beside a model file on its account: pin, unfinished download and its note."""
    part = part_path(path)
    return [_pin_path(path), part, note_path(part)]


def part_path(path: Path) -> Path:
    """Where a file grows until it is complete and checked."""
    return path.with_name(f"{path.name}.part")


def note_path(part: Path) -> Path:
    """Where it is noted what a part is a part of."""
    return part.with_name(f"{part.name}.json")


def _pin_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _in_package(package: str, file: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / file
        if path.is_file():
            return path
    return None

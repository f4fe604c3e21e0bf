"""Keys of the server: who may ask, and how much. Only hashes are kept."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from tierwise.errors import ConfigError, InvalidInput, StoreError, UnknownName
from tierwise.home import open_home
from tierwise.jsonable import to_json
from tierwise.locks import hold

Sees = Literal["own", "all"]
DocumentRights = Literal["none", "read", "write"]
_PREFIX = "tw-"
_BYTES = 32
_WAIT = 5.0  # seconds for another process that changes the file
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept.

    Attributes:
        id: ``k-`` and eight letters; names it in records and logs.
        name: what its owner calls it.
        sha256: of the key, in hex. The key is 256 random bits: a plain hash cannot be reversed.
        created: seconds since 1970.
        rpm: requests a minute at most; ``None`` is without limit.
        at_once: turns at a time at most; ``None`` is without limit.
        usd_day: what its turns of a day may cost; ``None`` leaves it to the budget.
        sees: threads and turns: its ``own``, or ``all``.
        documents: ``none`` keeps them away from its turns and from it, ``write`` may also add and remove them.
    """

    id: str
    name: str
    sha256: str
    created: float
    rpm: int | None = None
    at_once: int | None = None
    usd_day: float | None = None
    sees: Sees = "own"
    documents: DocumentRights = "read"


class Keys:
    """The keys in ``keys.json`` of the home folder. Safe to use from any thread and process.

    Args:
        home: the folder.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / "keys.json"
        # The keys with the mark of the file that they stood in: two threads that read two files must not mix them up.
        self._known: tuple[tuple[int, ...] | None, tuple[Key, ...]] = (None, ())

    def all(self) -> tuple[Key, ...]:
        """Every key; what another process has added or removed since counts.

        Raises:
            ConfigError: if the file is not what was written: nobody is let in by guesses.
            StoreError: if it cannot be read.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._known = (None, ())
            return ()
        except OSError as error:
            raise StoreError(f"{self.path} cannot be read: {error.strerror}.", fix="Check its permissions.") from error
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        known, keys = self._known
        if seen != known:
            keys = _read(self.path)
            self._known = (seen, keys)
        return keys

    def find(self, secret: str) -> Key | None:
        """The key that ``secret`` is; takes as long whichever it is, and whether it is one or not."""
        digest = hashlib.sha256(secret.encode()).hexdigest()
        found = None
        for key in self.all():
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def get(self, id: str) -> Key | None:
        """A key by its id."""
        return next((key for key in self.all() if key.id == id), None)

    def add(self, name: str, **limits: Any) -> tuple[Key, str]:
        """Make a key.

        Args:
            name: what its owner calls it; no other key may have it.
            limits: fields of :class:`Key`.

        Returns:
            What is kept, and the key itself, which is nowhere else.

        Raises:
            InvalidInput: for a name that is taken or no name, or a right that does not exist.
        """
        for right, words in (("sees", get_args(Sees)), ("documents", get_args(DocumentRights))):
            if right in limits and limits[right] not in words:
                raise InvalidInput(f"{right} is one of {', '.join(words)}, not {limits[right]!r}.")
        if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
            raise InvalidInput(f"A key's name has 1 to {_LONGEST_NAME} letters in one line, not {name!r}.")
        secret = _PREFIX + secrets.token_urlsafe(_BYTES)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        with self._changing() as keys:
            if any(key.name == name for key in keys):
                raise InvalidInput(f"There is a key {name!r} already.", fix="Remove it first, or take another name.")
            key = Key(f"k-{secrets.token_hex(4)}", name, digest, round(time.time(), 3), **limits)
            keys.append(key)
        return key, secret

    def remove(self, word: str) -> Key:
        """Take a key out; servers that run do not know it any more.

        Args:
            word: its name or its id.

        Raises:
            UnknownName: if there is no such key.
        """
        with self._changing() as keys:
            gone = next((key for key in keys if word in (key.name, key.id)), None)
            if gone is None:
                raise UnknownName(f"There is no key {word!r}.", fix="See them: tierwise serve keys list")
            keys.remove(gone)
        return gone

    @contextmanager
    def _changing(self) -> Iterator[list[Key]]:
        """The keys, to be changed; they are written if nothing is raised."""
        open_home(self.path.parent)
        with hold(self.path.with_name("keys.lock"), wait=_WAIT):
            keys = [*self.all()]
            yield keys
            _write(self.path, keys)


def _read(path: Path) -> tuple[Key, ...]:
    try:
        data = json.loads(path.read_bytes())
        if set(data) != {"version", "keys"} or data["version"] != 1:
            raise ValueError("unknown version")
        keys = tuple(Key(**row) for row in data["keys"])
        for key in keys:
            _check(key)
        if len({key.id for key in keys}) < len(keys):
            raise ValueError("an id stands there twice")
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{path} is damaged, so nobody is let in.",
            fix="Move it aside and make new keys: tierwise serve keys add NAME",
        ) from error
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", fix="Check its permissions.") from error
    return keys


def _check(key: Key) -> None:
    """Refuse what would hold nobody back: a limit that is no number, a right that does not exist."""
    for name in ("id", "name", "sha256"):
        if not isinstance(getattr(key, name), str):
            raise ValueError(name)
    if len(key.sha256) != 64 or int(key.sha256, 16) < 0 or not key.sha256.isascii():
        raise ValueError("sha256")
    for name in ("rpm", "at_once", "usd_day", "created"):
        value = getattr(key, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0):
            raise ValueError(name)
    if key.sees not in get_args(Sees) or key.documents not in get_args(DocumentRights):
        raise ValueError("rights")


def _write(path: Path, keys: list[Key]) -> None:
    """In one step: readers see the old keys or the new ones. The file is its owner's alone from its first byte on."""
    rows = [{f.name: to_json(getattr(key, f.name)) for f in fields(Key)} for key in keys]
    try:
        fd, draft = tempfile.mkstemp(prefix=".keys-", dir=path.parent)  # 0600
        try:
            with os.fdopen(fd, "w", encoding="utf-8") as file:
                json.dump({"version": 1, "keys": rows}, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)  # noqa: PTH105 (one step, also over a file)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)  # noqa: PTH108
            raise
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}.", fix="Check its permissions and free space."
        ) from error

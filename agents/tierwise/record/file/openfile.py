"""An open ``record.sqlite`` that stays usable: mended when it proves to be damaged, backed up once a day."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

from tierwise.errors import StoreDamaged
from tierwise.record.at_rest import AtRest
from tierwise.record.file.backups import back_up, backup_due
from tierwise.record.file.noted import Notes
from tierwise.record.file.opening import NAME, connect, note_whole
from tierwise.record.file.sums import seal
from tierwise.storage import explained, identity, is_damage

_LOOK = 3600.0  # seconds between two looks whether a backup is due


class OpenFile:
    """The connection, and what is noted beside the file.

    Args:
        home: folder of the stores.
        rest: takes out of what is stored what must not be there.

    Raises:
        StoreError: if the store cannot be opened.
    """

    _opening: int | None  # counted by who keeps what was read: another number after every opening

    def __init__(self, home: Path, rest: AtRest) -> None:
        self._home, self._rest = home, rest
        self._path = home / NAME
        self._lock = threading.RLock()
        self._notes = Notes(home)
        self._db = connect(home)
        self._identity = identity(self._path)
        self._backup: threading.Thread | None = None
        self._looked = 0.0
        self._back_up()

    def _shut(self) -> None:
        """Close the file; a backup that is being made is finished first."""
        if self._backup is not None:
            self._backup.join()
        self._db.close()
        if backup_due(self._home):
            back_up(self._home, self._rest)
        if identity(self._path) == self._identity:
            note_whole(self._home, self._notes)
        self._notes.close()

    def _follow(self) -> None:
        """Open the file that is there now: another process may have mended it, and nobody reads the old one again."""
        if identity(self._path) != self._identity:
            self._reopen()

    def _reopen(self) -> None:
        with suppress(sqlite3.Error):
            self._db.close()
        self._notes.close()
        self._db = connect(self._home)
        self._identity = identity(self._path)
        self._opening = None

    def _mend(self, error: sqlite3.Error | UnicodeDecodeError) -> None:
        """Mend the file if an error says that it is damaged.

        Raises:
            StoreError: if it says something else, or it cannot be mended.
        """
        if not is_damage(error):
            raise explained(self._path, error) from error
        self._notes.note(size=-1, changed=-1)  # it is read from end to end then
        self._reopen()

    def _spoilt(self, error: sqlite3.Error) -> StoreDamaged:
        """What to raise when a transaction found the file damaged: it is mended, but nothing was written."""
        self._mend(error)
        return StoreDamaged(f"{self._path} was damaged and has been mended.", fix="Ask again.")

    def _sealed(self, lasting: bool) -> int | None:
        """Bring the checksums up to date, at the end of a transaction."""
        return seal(self._db, count=lasting)

    def _written(self, number: int | None) -> None:
        """Note a transaction that is over."""
        if number is not None:
            self._notes.note(written=number)
        self._back_up()

    def _back_up(self) -> None:
        """Make a backup in the background if one is due."""
        now = time.monotonic()
        if now - self._looked < _LOOK and self._looked:
            return
        self._looked = now
        # One that begins while there are no turns would find the first, and be all that there is for a day.
        if backup_due(self._home) and self._has_turns():
            self._backup = threading.Thread(target=back_up, args=(self._home, self._rest), name="backup", daemon=True)
            self._backup.start()

    def _has_turns(self) -> bool:
        with suppress(sqlite3.Error):
            return self._db.execute("SELECT 1 FROM turns LIMIT 1").fetchone() is not None
        return False

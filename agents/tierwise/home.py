"""The home folder: where the stores live, private to the user."""

from __future__ import annotations

import os
from pathlib import Path

from tierwise.errors import StoreError


def default_home() -> Path:
    """``TIERWISE_HOME`` if set, else the platform's folder for application data."""
    if home := os.environ.get("TIERWISE_HOME"):
        return Path(home).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("tierwise", appauthor=False)


def open_home(home: Path) -> Path:
    """Make sure the folder exists and can be written to; only its owner may enter it.

    Raises:
        StoreError: if it cannot be made or written to.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(
            f"The home folder {home} cannot be made: {error.strerror or error}.",
            fix="Set TIERWISE_HOME to a folder you can write to.",
        ) from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise StoreError(
            f"The home folder {home} is read-only.", fix="Give yourself write access or set TIERWISE_HOME elsewhere."
        )
    return home


def private(path: Path) -> Path:
    """Create ``path`` empty with mode 0600 if it is not there, so that no store is ever readable by others.

    A file that is there is not opened: closing it would take SQLite's locks on it from the whole process (see "POSIX
    advisory locks" in https://www.sqlite.org/howtocorrupt.html).
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if not os.access(path, os.R_OK | os.W_OK):
            raise StoreError(
                f"{path} cannot be written: permission denied.",
                fix="Check its permissions, or set TIERWISE_HOME elsewhere.",
            ) from None
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}.",
            fix="Check the folder's permissions and free space, or set TIERWISE_HOME elsewhere.",
        ) from error
    return path


def private_folder(path: Path) -> Path:
    """Create a folder that only its owner may enter, if it is not there."""
    try:
        path.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made: {error.strerror or error}.",
            fix="Check the folder's permissions and free space, or set TIERWISE_HOME elsewhere.",
        ) from error
    return path


def files_of(home: Path, turn_id: str) -> Path:
    """Folder for the files that a turn's tools leave behind; it need not be there."""
    return home / "files" / turn_id

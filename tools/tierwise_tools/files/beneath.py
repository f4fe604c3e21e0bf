"""Files below a folder, reached by descriptors: one name at a time, never through a link.

Each folder on the way is opened relative to the one before it and must be a folder itself. So whatever somebody swaps
in between, what is opened lies where its names say, and there is no moment between a check and a use.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tierwise_tools.errors import SourceError, ToolError
from tierwise_tools.files.paths import shown

_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
# Not blocking: a pipe must not hold up its opening. It is refused once it is open.
_FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_NEEDED = (os.open, os.mkdir, os.stat, os.unlink, os.rename)


def usable_folder(folder: Path) -> Path:
    """The folder itself, as an absolute path.

    Raises:
        SourceError: if it is none, or this system cannot keep to it.
    """
    if not os.supports_dir_fd.issuperset(_NEEDED) or not hasattr(os, "O_NOFOLLOW"):
        raise SourceError(
            "The file tools need a system that opens files by descriptors, and this one does not.",
            fix="Run tierwise on Linux or macOS, or under WSL on Windows.",
        )
    try:
        real = folder.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"The folder {folder} cannot be opened.", fix="Name a folder that exists.") from error
    if not real.is_dir():
        raise SourceError(f"{folder} is not a folder.", fix="Name a folder that exists.")
    return real


@contextmanager
def folder_at(root: Path, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """The descriptor of a folder below ``root``; with ``make``, folders that are missing are made.

    Raises:
        ToolError: if it is not there or is no plain folder.
    """
    try:
        descriptor = os.open(root, os.O_RDONLY | _FOLDER)
    except OSError as error:
        raise ToolError("the folder of the file tools is gone; tell the user") from error
    try:
        for depth, name in enumerate(names, 1):
            below = _subfolder(descriptor, name, "/".join(names[:depth]), make=make)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def file_at(root: Path, names: Sequence[str], flags: int, *, make: bool = False) -> Iterator[int]:
    """The descriptor of a plain file below ``root``, opened with ``flags``.

    Args:
        root: the folder.
        names: at least one.
        flags: of ``os.open``; a file that is made gets the mode 0644, less what the process masks.
        make: make the folders on the way.

    Raises:
        ToolError: if it is not there, or is a link, has another name elsewhere, or is no file at all.
    """
    path = "/".join(names)
    with folder_at(root, names[:-1], make=make) as folder, _told(path):
        descriptor = os.open(names[-1], flags | _FILE, 0o644, dir_fd=folder)
        try:
            check_plain(os.fstat(descriptor), path)
            yield descriptor
        finally:
            os.close(descriptor)


def check_plain(status: os.stat_result, path: str) -> None:
    """Refuse all that is not a file of its own.

    Raises:
        ToolError: with the reason.
    """
    if stat.S_ISDIR(status.st_mode):
        raise ToolError(f"{shown(path)} is a folder, not a file")
    if stat.S_ISLNK(status.st_mode):
        raise ToolError(f"{shown(path)} is a link; links are not followed")
    if not stat.S_ISREG(status.st_mode):
        raise ToolError(f"{shown(path)} is a device, pipe or socket, not a file")
    if status.st_nlink > 1:
        raise ToolError(f"{shown(path)} has a second name somewhere else (a hard link); such files are left alone")


def create(root: Path, names: Sequence[str], data: bytes) -> None:
    """A new file.

    Raises:
        ToolError: if there is something of that name, or it cannot be written.
    """
    path = "/".join(names)
    with folder_at(root, names[:-1], make=True) as folder, _told(path):
        _write_new(folder, names[-1], data)


def replace(root: Path, names: Sequence[str], data: bytes) -> None:
    """A file with a new content: whoever reads it meanwhile sees the old or the new one, whole.

    Raises:
        ToolError: if what is there is no plain file, or it cannot be written.
    """
    path = "/".join(names)
    with folder_at(root, names[:-1], make=True) as folder, _told(path):
        mode = None
        with suppress(FileNotFoundError):
            status = os.stat(names[-1], dir_fd=folder, follow_symlinks=False)
            check_plain(status, path)
            mode = stat.S_IMODE(status.st_mode) & 0o777
        fresh = f".{secrets.token_hex(8)}.tmp"
        _write_new(folder, fresh, data, mode)
        try:
            os.rename(fresh, names[-1], src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(fresh, dir_fd=folder)
            raise


def append(root: Path, names: Sequence[str], data: bytes, *, longest: int) -> None:
    """More at the end of a file, which is made if it is not there.

    Raises:
        ToolError: if what is there is no plain file, it would get longer than ``longest`` bytes, or cannot be written.
    """
    path = "/".join(names)
    with file_at(root, names, os.O_WRONLY | os.O_APPEND | os.O_CREAT, make=True) as file, _told(path):
        if os.fstat(file).st_size + len(data) > longest:
            raise ToolError(f"{shown(path)} would get longer than {longest:,} bytes; write to another file")
        _write_all(file, data)


def _write_new(folder: int, name: str, data: bytes, mode: int | None = None) -> None:
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, 0o644, dir_fd=folder)
    try:
        if mode is not None:
            os.fchmod(file, mode)
        _write_all(file, data)
        os.fsync(file)
    except OSError:
        os.unlink(name, dir_fd=folder)
        raise
    finally:
        os.close(file)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _subfolder(folder: int, name: str, path: str, *, make: bool) -> int:
    with _told(path):
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=folder)
        return os.open(name, os.O_RDONLY | _FOLDER, dir_fd=folder)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Errors of the system in words."""
    try:
        yield
    except FileNotFoundError as error:
        raise ToolError(f"there is no {shown(path)}; list_files shows what is there") from error
    except FileExistsError as error:
        raise ToolError(f"{shown(path)} exists already; use the mode replace or append, or another name") from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise ToolError(f"{shown(path)} is a link or not a folder; links are not followed") from error
        if error.errno == errno.ENXIO:  # a pipe or socket that nobody reads
            raise ToolError(f"{shown(path)} is a device, pipe or socket, not a file") from error
        raise ToolError(f"{shown(path)} cannot be used: {os.strerror(error.errno or 0).lower()}") from error

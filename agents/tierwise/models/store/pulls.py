"""How model files come and go: a download or a local file becomes ``models/NAME.gguf`` in one step, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tierwise.errors import InvalidInput, ModelError, ModelFileError, UnknownName
from tierwise.models.gguf import read_header
from tierwise.models.store import placing
from tierwise.models.store.card import Card, card, find_card
from tierwise.models.store.download_types import DownloadLimits, DownloadProgress
from tierwise.models.store.downloads import fetch
from tierwise.models.store.files import (
    InstalledModel,
    belongings,
    checked_name,
    file_sha256,
    find_installed,
    models_folder,
    note_path,
    part_path,
    read_pin,
    write_pin,
)

Progress = Callable[[DownloadProgress], object]


def _quiet(step: DownloadProgress) -> None:
    """Tell nobody."""


def pull(
    name: str,
    *,
    home: Path | None = None,
    again: bool = False,
    progress: Progress = _quiet,
    limits: DownloadLimits | None = None,
) -> InstalledModel:
    """Download a model of the catalogue, or go on with its download; one that is there already is not fetched.

    The file appears under its name when it is complete, its SHA-256 is the one the catalogue or an earlier download
    knows, and its header is sound. Where nobody knows the SHA-256, that of the first download is pinned.

    Args:
        name: with or without ``llama:``.
        home: the home folder.
        again: fetch it though it is there; the old file stays until the new one has been checked.
        progress: called a few times a second.
        limits: bounds of the download.

    Raises:
        UnknownName: if the catalogue does not have it.
        InvalidInput: if it comes from a package, not from an address.
        ModelFileError: if what came is not the file it should be; it is removed.
        StoreBusy: if another process is bringing it.
        ModelError: if the source cannot be reached or refuses; what arrived is kept for the next try.
    """
    known = card(name)
    if known.url is None:
        raise InvalidInput(
            f"{known.title} comes with the package {known.package}, not by download.",
            fix='Run: pip install "tierwise[embedded]"',
        )
    path = models_folder(home) / f"{known.name}.gguf"
    if path.is_file() and not again:
        return _there_already(known, home, progress)
    return _bring(
        known.url, known.name, home=home, sha256=known.sha256, size=known.size, progress=progress, limits=limits
    )


def pull_url(
    url: str,
    name: str,
    *,
    home: Path | None = None,
    sha256: str | None = None,
    progress: Progress = _quiet,
    limits: DownloadLimits | None = None,
) -> InstalledModel:
    """Download a GGUF that the catalogue does not have.

    Args:
        url: of the file itself; ``https``, or ``http`` on this machine.
        name: what to call it from now on.
        home: the home folder.
        sha256: what it must be, if known; else that of the first download is pinned.
        progress: called a few times a second.
        limits: bounds of the download.

    Raises:
        InvalidInput: if the name or the address cannot be, or the name is taken.
        TierwiseError: as for :func:`pull`.
    """
    _free(name, home)
    known = find_card(name)
    return _bring(
        url, name, home=home, sha256=sha256 or (known.sha256 if known else None), progress=progress, limits=limits
    )


def add_file(path: Path, name: str, *, home: Path | None = None, copy: bool = False) -> InstalledModel:
    """Give a GGUF of one's own a name: by a link to it, or by a copy, which is pinned.

    Args:
        path: the file; its header is checked.
        name: what to call it from now on. Under a name of the catalogue it must be that very file, where that is known.
        home: the home folder.
        copy: copy it; also done where links cannot be made.

    Raises:
        InvalidInput: if the name cannot be, or is taken, or there is no such file.
        ModelFileError: if it is no usable GGUF, or not the one the catalogue knows by that name.
        StoreError: if it cannot be written.
    """
    _free(name, home)
    path = path.expanduser().absolute()
    if not path.is_file():
        raise InvalidInput(f"{path} is not a file.", fix="Give the path of a .gguf file, or an https address.")
    read_header(path)
    known = find_card(name)
    if known and known.sha256 and file_sha256(path) != known.sha256:
        raise ModelFileError(
            f"{path} is not the file that the catalogue knows as {name}: its SHA-256 differs.",
            fix="Give it a name of its own: --name NAME",
        )
    target = models_folder(home) / f"{name}.gguf"
    with placing.alone(target):
        if copy or not placing.link(path, target):
            part = placing.copy(path, target)
            placing.place(part, target, file_sha256(part), url=None)
        elif known and known.sha256:
            write_pin(target, known.sha256, url=None, like=path)
    return find_installed(name, home=home)


def remove_model(name: str, *, home: Path | None = None) -> int:
    """Take a model off this machine: its file (or the link to it), its pin, and an unfinished download.

    Returns:
        The bytes that were freed.

    Raises:
        InvalidInput: if a package carries it.
        UnknownName: if there is nothing of that name.
    """
    if name not in {path.stem for path in models_folder(home).glob("*.gguf")}:  # put there by hand, names are free
        checked_name(name)
    known = find_card(name)
    if known and known.package:
        raise InvalidInput(
            f"{known.title} belongs to the package {known.package}.",
            fix=f"Run: pip uninstall {known.package.replace('_', '-')}",
        )
    target = models_folder(home) / f"{name}.gguf"
    found = [path for path in (target, *belongings(target)) if path.exists() or path.is_symlink()]
    if not found:
        raise UnknownName(f"No model {name!r} is installed.", fix="See: tierwise models list")
    with placing.alone(target):
        return placing.remove(found)


def _there_already(known: Card, home: Path | None, progress: Progress) -> InstalledModel:
    """A file that need not be fetched; one that was put there by hand is vouched for if it is the right one."""
    model = find_installed(known.name, home=home)

    def read(done: int) -> None:
        progress(DownloadProgress(done, model.size, note="checking what is here already"))

    if model.pin is not None:
        if not model.unchanged:
            model.check(read)
    elif known.sha256 is not None:
        if file_sha256(model.path, read) != known.sha256:
            raise ModelFileError(
                f"{model.path} is there, but is not the file that the catalogue knows: its SHA-256 differs.",
                fix=f"To replace it, run: tierwise models pull {known.name} --again",
            )
        write_pin(model.path, known.sha256, url=None, like=model.path)
    return find_installed(known.name, home=home)


def _bring(
    url: str,
    name: str,
    *,
    home: Path | None,
    sha256: str | None,
    progress: Progress,
    limits: DownloadLimits | None,
    size: int | None = None,
) -> InstalledModel:
    target = models_folder(home) / f"{checked_name(name)}.gguf"
    with placing.alone(target):
        part, pin = part_path(target), read_pin(target)
        got = fetch(url, part, size=size, progress=progress, limits=limits)
        with _removing_what_is_refused(part):
            if sha256 is not None and got.sha256 != sha256.lower():
                raise ModelFileError(
                    f"The download of {name} is not the expected file: its SHA-256 is {got.sha256}, not {sha256}.",
                    fix="Nothing was kept. The file at the source is damaged or another one; do not use it unchecked.",
                )
            if sha256 is None and pin is not None and pin.sha256 != got.sha256:
                raise ModelFileError(
                    f"The file of {name} at the source has changed since {pin.date}: its SHA-256 is {got.sha256}, not "
                    f"{pin.sha256}.",
                    fix=f"Nothing was changed here. To take the new one, first run: tierwise models rm {name}",
                )
            _check_header(part, name)
        placing.place(part, target, got.sha256, url=url)
    return find_installed(name, home=home)


def _check_header(part: Path, name: str) -> None:
    try:
        read_header(part)
    except ModelFileError as error:
        what = error.what.replace(str(part), f"The download of {name}")
        raise ModelFileError(what, fix="Nothing was kept. Check the address.") from error


def _free(name: str, home: Path | None) -> None:
    known = find_card(checked_name(name))
    target = models_folder(home) / f"{name}.gguf"
    if known and known.package:
        raise InvalidInput(f"{name!r} is the name of the embedded model.", fix="Choose another with --name.")
    if target.exists() or target.is_symlink():
        raise InvalidInput(
            f"There is already a model {name!r}.", fix=f"Choose another --name, or run: tierwise models rm {name}"
        )


@contextmanager
def _removing_what_is_refused(part: Path) -> Iterator[None]:
    try:
        yield
    except ModelError:
        part.unlink(missing_ok=True)
        note_path(part).unlink(missing_ok=True)
        raise

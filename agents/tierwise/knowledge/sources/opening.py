"""From what a user names to where documents come from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING

from tierwise.connector_settings import ConnectorSettings
from tierwise.errors import Blocked, InvalidInput
from tierwise.knowledge.sources.files import FilesOrigin
from tierwise.knowledge.sources.folders import is_kind, walk
from tierwise.knowledge.sources.globs import is_pattern, matching, split_pattern
from tierwise.knowledge.sources.item import Origin, Trouble
from tierwise.knowledge.sources.paths import canonical, written

if TYPE_CHECKING:
    from tierwise_tools.web import Network

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CONNECTOR = re.compile(r"([A-Za-z][A-Za-z0-9._-]+):(.*)", re.DOTALL)  # one letter would be a drive


def open_origins(
    words: Sequence[str | os.PathLike[str]],
    *,
    stored: Callable[[str], bool] = lambda place: False,
    offline: bool = False,
    connectors: ConnectorSettings | None = None,
    full: bool = False,
    allow_loopback: bool = False,
    network: Network | None = None,
) -> list[Origin]:
    """What files, folders, patterns, addresses and connectors stand for, in the order given.

    A word is an address if it begins with ``http://`` or ``https://``; else a place, if something is there; else
    ``NAME:`` or ``NAME:ARGUMENT`` of a connector; else a pattern, if it has wildcards.

    Args:
        words: what a user names.
        stored: whether anything of a place or pattern is stored, or it was ingested before; then it may be missing.
        offline: refuse addresses, and connectors unless their options say ``on_device = true``.
        connectors: which may be used, and how.
        full: ask connectors for everything, whatever was asked before.
        allow_loopback: addresses may be on this machine.
        network: the way to the web, if it is not the usual one.

    Raises:
        InvalidInput: if nothing is named or nothing is at any of the places, or a word cannot be one.
        UnknownName: if there is no such connector.
        ConfigError: if it is not enabled.
        Blocked: if a word needs the network, and it may not be used.
    """
    seen: set[str] = set()
    origins: list[Origin] = []
    missing: list[str] = []
    for word in [os.fspath(word) for word in words]:
        if _ADDRESS.match(word):
            origins.append(_page(word, offline, allow_loopback, network))
        elif (name := written(word)) != word:
            origins.append(FilesOrigin(name, name, list, Trouble(name, "Its name is not UTF-8.", "Rename it.")))
        elif (match := _CONNECTOR.fullmatch(word)) and not _is_there(word) and not stored(canonical(word)):
            origins.append(_connector(match[1], match[2], offline, full, connectors or ConnectorSettings()))
        else:
            origin = _files(word, seen, stored)
            origins.append(origin)
            if origin.nothing is not None and not origin.count():
                missing.append(origin.id)
    if len(missing) == len(origins):
        why = f"{', '.join(missing)} does not exist" if missing else "no path was named"
        raise InvalidInput(f"There is nothing to ingest: {why}.", fix="Check the path.")
    return origins


def _page(address: str, offline: bool, allow_loopback: bool, network: Network | None) -> Origin:
    from tierwise.knowledge.sources.web import WebOrigin, page_address

    address = page_address(address)
    if offline:
        raise Blocked(
            f"{address} is on the web, and tierwise is offline or locked.", fix="Go online, or save it as a file."
        )
    return WebOrigin(address, allow_loopback=allow_loopback, network=network)


def _connector(name: str, argument: str, offline: bool, full: bool, settings: ConnectorSettings) -> Origin:
    from tierwise.knowledge.sources.packages import connector_origin

    origin = connector_origin(name, argument, settings, full=full)
    if offline and not settings.options.get(name, {}).get("on_device", False):
        raise Blocked(
            f"The connector {name!r} may use the network, and tierwise is offline or locked.",
            fix=f"If it does not, write on_device = true under [connectors.{name}].",
        )
    return origin


def _files(word: str, seen: set[str], stored: Callable[[str], bool]) -> FilesOrigin:
    if is_pattern(word) and not _is_there(word):
        folder, pattern = split_pattern(word)
        id_ = f"{folder.rstrip('/')}/{pattern}"
        nothing = None if stored(id_) else Trouble(id_, "No file matches it.", "Check it, and quote it in the shell.")
        return FilesOrigin(id_, folder, partial(matching, folder, pattern), nothing, seen)
    place = canonical(word)
    if is_kind(place, S_ISDIR):
        return FilesOrigin(place, place, partial(walk, place), seen=seen)
    if os.path.lexists(place):
        return FilesOrigin(place, place, lambda: [place], seen=seen)
    nothing = None if stored(place) else Trouble(place, "There is no such file or folder.", "Check the path.")
    return FilesOrigin(place, place, list, nothing, seen)


def _is_there(word: str) -> bool:
    try:
        return os.path.lexists(Path(word).expanduser())
    except (RuntimeError, ValueError):  # of a user that does not exist; it will be told
        return False

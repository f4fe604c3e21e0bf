"""Zip files before a library opens them: what they say they hold, and whether that is true.

Office documents are zip files, and their libraries unpack whatever is in them. Here every entry is counted, its place
compared with that of the others, and unpacked once in small pieces that are thrown away; so neither a number that lies
nor data that several entries share gets any further.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable

from tierwise.knowledge.reading.problem import Unreadable, original_of

MAX_ENTRIES = 10_000
MAX_UNPACKED = 200_000_000  # bytes of all entries together
MAX_RATIO = 150  # unpacked to packed, of all entries together ...
RATIO_FROM = 20_000_000  # ... once they unpack to this much: a small sheet of one repeated value is no attack

_CENTRAL = b"PK\x01\x02"
_LOCAL = struct.Struct("<4s22xHH")
_PIECE = 1 << 16
_ENCRYPTED = 1
_SPLIT_IT = "Save it again with the program that made it, or split it."
_DAMAGED = "Open it with the program that made it and save it again."


def check_zip(data: bytes) -> frozenset[str]:
    """Look through a zip file without keeping anything of it.

    Returns:
        The names of its entries.

    Raises:
        Unreadable: if it is damaged, encrypted, too large unpacked, made to look smaller than it is, or its entries
            share their data.
    """
    if data.count(_CENTRAL) > MAX_ENTRIES:  # at least that many: each would become an object first
        raise Unreadable(f"It holds more than {MAX_ENTRIES:,} parts.", fix=_SPLIT_IT)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            entries = opened.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, struct.error, NotImplementedError) as error:
        raise Unreadable("Its zip structure is damaged.", fix=_DAMAGED, original=original_of(error)) from error
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise Unreadable("It is encrypted.", fix="Save a copy without a password.")
    _check_sizes(sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries))
    unpacked = 0
    for entry, start in _places(data, entries):
        packed = memoryview(data)[start : start + entry.compress_size]
        size = _unpacked(packed, entry.compress_type, entry.file_size)
        if size != entry.file_size:
            raise Unreadable("A part of it is not as large as it says.", fix=_DAMAGED)
        unpacked += size
    return frozenset(entry.filename for entry in entries)


def _check_sizes(unpacked: int, packed: int) -> None:
    if unpacked > MAX_UNPACKED:
        raise Unreadable(
            f"It unpacks to {unpacked / 1e6:,.0f} MB, and {MAX_UNPACKED / 1e6:,.0f} MB is the limit.", fix=_SPLIT_IT
        )
    if unpacked > RATIO_FROM and unpacked > packed * MAX_RATIO:
        raise Unreadable(
            f"It unpacks to {unpacked / max(1, packed):,.0f} times its size, as no ordinary document does.",
            fix=_SPLIT_IT,
        )


def _places(data: bytes, entries: Iterable[zipfile.ZipInfo]) -> list[tuple[zipfile.ZipInfo, int]]:
    """Each entry with where its data starts, in order of place; none reaches into the next."""
    places = []
    before = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        at = entry.header_offset
        head = data[at : at + _LOCAL.size] if at >= 0 else b""
        if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
            raise Unreadable("Its zip structure is damaged.", fix=_DAMAGED)
        if at < before:
            raise Unreadable("Parts of it share their data, as in a zip bomb.", fix=_DAMAGED)
        _, name, extra = _LOCAL.unpack(head)
        start = at + _LOCAL.size + name + extra
        before = start + entry.compress_size
        if before > len(data):
            raise Unreadable("It is cut off.", fix="Get the whole file again.")
        places.append((entry, start))
    return places


def _unpacked(packed: memoryview, method: int, declared: int) -> int:
    """How many bytes it really unpacks to; stops counting just after ``declared``."""
    if method == zipfile.ZIP_STORED:
        return len(packed)
    if method != zipfile.ZIP_DEFLATED:
        raise Unreadable("It is compressed in a way that documents are not.", fix=_DAMAGED)
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    size = 0
    try:
        for at in range(0, len(packed), _PIECE):
            rest = bytes(packed[at : at + _PIECE])
            while rest and not inflating.eof:
                size += len(inflating.decompress(rest, _PIECE))
                rest = inflating.unconsumed_tail
                if size > declared:
                    return size
        while not inflating.eof and (piece := inflating.decompress(b"", _PIECE)):
            size += len(piece)
            if size > declared:
                return size
    except zlib.error as error:
        raise Unreadable("Its zip structure is damaged.", fix=_DAMAGED, original=original_of(error)) from error
    return size

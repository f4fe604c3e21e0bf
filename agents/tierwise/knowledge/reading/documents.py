"""Bytes to a document: finds the reader, and answers for what every reader owes."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document
from tierwise.knowledge.reading.clean import clean_document
from tierwise.knowledge.reading.formats import is_gzip, reader_for
from tierwise.knowledge.reading.problem import Unreadable, original_of

MAX_BYTES = 50_000_000
MAX_GROWTH = 100  # characters of text for each byte of the file ...
GROWTH_FROM = 5_000_000  # ... once there are this many
READER_VERSION = "2"  # part of every content hash: a better reader reads unchanged files again

Reader = Callable[[bytes, str], Document]


def check_size(data: bytes) -> None:
    """Refuse what is empty or too large.

    Raises:
        Unreadable: if it is.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(
            f"It is too large: {len(data) / 1e6:.0f} MB, and {MAX_BYTES / 1e6:.0f} MB is the limit.",
            fix="Split it into smaller files.",
        )
    if not data or data.isspace():
        raise Unreadable("It is empty.", fix="Leave it out, or fill it.")


def parse_document(name: str, data: bytes) -> Document:
    """Turn the bytes of a file into a document, cleaned of what nobody sees in it.

    What comes from others is read through :class:`~tierwise.knowledge.reading.process.ReaderProcess`, which bounds
    what that costs.

    Args:
        name: a path or another name whose ending tells what it is; becomes the document's ``path``.
        data: all of it. One gzipped document, as man pages are kept, is unpacked first.

    Raises:
        InvalidInput: if it cannot be read or holds no text; says why and what to do.
        MemoryError: if it needs more memory than this process may have.
    """
    check_size(data)
    if is_gzip(data):
        document = parse_one(name.removesuffix(".gz"), _gunzip(data))
    else:
        reader = reader_for(name, data)
        document = _read(reader, name, data)
    return _checked(replace(document, path=name), len(data))


def parse_one(name: str, data: bytes) -> Document:
    """What stands within a file that packs others: a document, and not again such a file.

    Raises:
        InvalidInput: as :func:`parse_document` does.
    """
    check_size(data)
    if is_gzip(data) or (reader := reader_for(name, data)) == "archive":
        raise Unreadable("It is an archive within an archive.", fix="Unpack it and bring in the documents.")
    return _read(reader, name, data)


def _read(reader: str, name: str, data: bytes) -> Document:
    read: Reader = getattr(import_module(f"tierwise.knowledge.reading.{reader}"), f"read_{reader}")
    try:
        return clean_document(read(data, name))
    except (InvalidInput, MemoryError):
        raise
    except RecursionError as error:
        raise Unreadable("It is nested too deeply.", fix="Save it in a simpler format, such as text.") from error
    except Exception as error:  # many kinds escape from the libraries when a file is damaged
        raise Unreadable(
            "It cannot be read: it is damaged, it seems.",
            fix="Open it with the program that made it and save it again.",
            original=original_of(error),
        ) from error


def _checked(document: Document, size: int) -> Document:
    chars = sum(len(page.text) for page in document.pages)
    if chars > max(GROWTH_FROM, min(MAX_BYTES, size * MAX_GROWTH)):
        raise Unreadable(
            f"It unpacks to {chars:,} characters, too many for its {size:,} bytes.",
            fix="Split it into smaller files.",
        )
    if all(not page.text or page.text.isspace() for page in document.pages):
        raise Unreadable("There is no text in it.", fix="Leave it out.")
    return document


def _gunzip(data: bytes) -> bytes:
    most = max(GROWTH_FROM, min(MAX_BYTES, len(data) * MAX_GROWTH))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            unpacked = packed.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable("It is damaged.", fix="Get the whole file again.", original=original_of(error)) from error
    if len(unpacked) > most:
        raise Unreadable(f"It unpacks to more than {most / 1e6:.0f} MB.", fix="Unpack it and split it.")
    return unpacked

"""A zip file of documents, read as one document: each of them on pages of its own, under its name."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document, Heading, Page
from tierwise.knowledge.reading.documents import MAX_BYTES, parse_one
from tierwise.knowledge.reading.problem import Unreadable, one_line

MAX_DOCUMENTS = 500
_MOST_WARNINGS = 20


def read_archive(data: bytes, name: str) -> Document:
    """The documents in a zip file that passed ``check_zip``; nothing is unpacked to disk, and no archive within it.

    Pages are numbered through. What cannot be read is named in a warning.

    Raises:
        Unreadable: if there is no document in it.
    """
    pages: list[Page] = []
    warnings: list[str] = []
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        entries = list(_documents(opened))
        if len(entries) > MAX_DOCUMENTS:
            warnings.append(f"Only the first {MAX_DOCUMENTS} of its {len(entries):,} files were read.")
        for entry in entries[:MAX_DOCUMENTS]:
            inner = one_line(entry.filename)
            try:
                document = parse_one(entry.filename, _unpacked(opened, entry))
            except InvalidInput as error:
                warnings.append(f"{inner}: {error}")
                continue
            warnings += [f"{inner}: {warning}" for warning in document.warnings]
            for page in document.pages:
                pages.append(_named(page, len(pages) + 1, inner))
    if not pages:
        why = warnings[0] if warnings else "It has no files."
        raise Unreadable("There is no document in this archive.", fix="Unpack it to see what it holds.", original=why)
    if len(warnings) > _MOST_WARNINGS:
        warnings[_MOST_WARNINGS:] = [f"{len(warnings) - _MOST_WARNINGS} more such remarks were left out."]
    return Document(name, None, tuple(pages), tuple(warnings))


def _documents(opened: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """Files, without those that programs hide in archives."""
    for entry in opened.infolist():
        parts = entry.filename.split("/")
        if not entry.is_dir() and parts[0] != "__MACOSX" and not (parts[-1].startswith(".") and parts[-1] != ".."):
            yield entry


def _unpacked(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > MAX_BYTES:
        raise Unreadable(f"It unpacks to {entry.file_size / 1e6:,.0f} MB.", fix="Split it into smaller files.")
    try:
        return opened.read(entry)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise Unreadable("It is damaged.", fix="Pack it again.", original=str(error)) from error


def _named(page: Page, number: int, name: str) -> Page:
    """The page under the name of its file, which becomes its highest heading."""
    above = f"{name}\n\n"
    shift = len(above)
    headings = [
        replace(heading, start=heading.start + shift, end=heading.end + shift, level=heading.level + 1)
        for heading in page.headings
    ]
    blocks = [replace(block, start=block.start + shift, end=block.end + shift) for block in page.blocks]
    return Page(number, above + page.text, (Heading(0, len(name), 1, name), *headings), tuple(blocks))

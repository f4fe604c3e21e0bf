"""Files to documents: reads the bytes, and picks the reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from stat import S_ISREG

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Document, Page
from tierwise.knowledge.reading.html import read_html
from tierwise.knowledge.reading.pdf import read_pdf
from tierwise.knowledge.reading.plain import read_markdown, read_plain

MAX_BYTES = 50 * 1024 * 1024
READER_VERSION = "1"  # part of every content hash: a better reader reads unchanged files again

_HTML = {".html", ".htm", ".xhtml"}
_OFFICE = {".doc", ".docx", ".odt", ".rtf", ".ppt", ".pptx", ".odp", ".xls", ".xlsx", ".ods", ".epub", ".pages"}
_MARKDOWN = {".md", ".markdown", ".mdown", ".rst"}


def read_document(path: Path) -> Document:
    """Read one file; its kind follows from its name and its first bytes.

    Text and Markdown keep the text as Python's ``open(path, encoding="utf-8")`` gives it, without a byte order mark;
    HTML gives its readable text, PDF each page's text.

    Raises:
        InvalidInput: if it cannot be read or holds no text; says why and what to do.
    """
    return parse_document(path, read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        InvalidInput: if it is missing, not a plain file, empty, too large, or may not be read.
    """
    try:
        stat = path.stat()
        if not S_ISREG(stat.st_mode):
            raise InvalidInput("It is not a plain file.", fix="Name a document or a folder of documents.")
        if stat.st_size > MAX_BYTES:
            raise InvalidInput(
                f"It is too large: {stat.st_size / 1e6:.0f} MB, and {MAX_BYTES / 1e6:.0f} MB is the limit.",
                fix="Split it into smaller files.",
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InvalidInput("There is no such file.", fix="Check the path.") from error
    except PermissionError as error:
        raise InvalidInput("You may not read it.", fix="Change the file's permissions.") from error
    except OSError as error:
        raise InvalidInput(f"It cannot be read: {error.strerror or error}.", fix="Check the disk.") from error
    if not data.strip():
        raise InvalidInput("It is empty.", fix="Leave it out, or fill it.")
    return data


def parse_document(path: Path, data: bytes) -> Document:
    """Turn the bytes of a file into a document; see :func:`read_document`."""
    suffix = path.suffix.lower()
    reader: Callable[[bytes], tuple[str | None, tuple[Page, ...], list[str]]]
    if data[:1024].lstrip().startswith(b"%PDF-"):
        reader = read_pdf
    elif suffix in _OFFICE:
        raise InvalidInput(f"{suffix} files are not read.", fix="Export it as PDF, HTML or text.")
    elif suffix == ".pdf":
        raise InvalidInput("It is named .pdf but is not a PDF.", fix="Open it to see what it is, and rename it.")
    elif suffix in _HTML:
        reader = read_html
    elif suffix in _MARKDOWN:
        reader = read_markdown
    else:
        reader = read_plain
    title, pages, warnings = reader(data)
    if not any(page.text.strip() for page in pages):
        raise InvalidInput("There is no text in it.", fix="Leave it out.")
    return Document(str(path), title, pages, tuple(warnings))

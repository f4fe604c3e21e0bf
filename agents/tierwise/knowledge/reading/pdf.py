"""PDF to pages of text."""

from __future__ import annotations

import io
import logging
import warnings as python_warnings
from typing import TYPE_CHECKING

from tierwise.errors import InvalidInput
from tierwise.knowledge.document import Page

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader


def read_pdf(data: bytes) -> tuple[str | None, tuple[Page, ...], list[str]]:
    """Title, pages and warnings of a PDF.

    Raises:
        InvalidInput: if it is encrypted, damaged, or has no text layer.
    """
    log = logging.getLogger("pypdf")
    if log.level == logging.NOTSET:
        log.setLevel(logging.CRITICAL)  # its remarks on sloppy files would run into the progress bar
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            title, pages = _read(data)
    except InvalidInput:
        raise
    except Exception as error:  # many kinds escape from a damaged file
        raise InvalidInput(f"It is a damaged PDF ({error}).", fix="Open it in a viewer and print it to PDF.") from error
    empty = [str(page.number) for page in pages if not page.text.strip()]
    if len(empty) == len(pages):
        raise InvalidInput(
            f"It has no text on its {len(pages)} page(s): a scan, it seems.", fix="Run text recognition (OCR) on it."
        )
    warnings = []
    if empty:
        listed = ", ".join(empty[:10]) + (", ..." if len(empty) > 10 else "")
        warnings.append(f"No text could be read on page {listed} of {len(pages)}: pictures, or damaged.")
    return title, tuple(pages), warnings


def _read(data: bytes) -> tuple[str | None, list[Page]]:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted:
        try:
            # An empty password opens what is only protected against printing or copying.
            opened = bool(reader.decrypt(""))
        except DependencyError:  # AES needs a package that we do not ask people to install
            opened = False
        if not opened:
            raise InvalidInput("It is encrypted.", fix="Save a copy without a password.")
    return _title(reader), [Page(number, _text(page)) for number, page in enumerate(reader.pages, 1)]


def _text(page: PageObject) -> str:
    try:
        text = page.extract_text()
    except Exception:  # one bad page must not cost the others; the caller names it
        return ""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")  # fonts can map to half a character


def _title(reader: PdfReader) -> str | None:
    try:
        title = reader.metadata.title if reader.metadata else None
    except Exception:  # a damaged information dictionary says nothing about the pages
        return None
    title = " ".join(title.split()) if isinstance(title, str) else ""
    return title.encode("utf-8", "replace").decode("utf-8") or None

"""Manual pages, in the macros of man(7) or mdoc(7), as `man` shows them."""

from __future__ import annotations

import re

from tierwise.knowledge.document import Document, Page
from tierwise.knowledge.reading.man.layout import Layout
from tierwise.knowledge.reading.man.man_macros import ManMacros
from tierwise.knowledge.reading.man.mdoc_macros import MdocMacros
from tierwise.knowledge.reading.man.requests import Roff
from tierwise.knowledge.reading.plain import decode
from tierwise.knowledge.reading.problem import Unreadable

_MDOC = re.compile(r"^\.[ \t]*(?:Dd|Dt)\b", re.M)
_ABOUT = re.compile(r"(?P<names>.*?)\s+[-\u2013\u2014\u2212]{1,2}\s+(?P<what>.*)", re.S)
_MAX_TITLE = 200


def read_man(data: bytes, name: str) -> Document:
    """Read a manual page: paragraphs that flow, an option with its text as a record, sections as headings.

    The title is such as ``ls(1): list directory contents``. Other pages that it refers to with ``.so`` are not read.

    Raises:
        InvalidInput: if the bytes are not text, or nothing is left to read.
    """
    source, warnings = decode(data)
    roff, layout = Roff(source), Layout()
    macros = MdocMacros(layout) if _MDOC.search(source) else ManMacros(layout)
    macros.read(roff.lines())
    text = layout.text
    if roff.left_out:
        named = ", ".join(roff.left_out[:5])
        if not text.strip():
            raise Unreadable(f"It only says that its text is in {named}.", fix="Bring in that page.")
        warnings.append(f"It takes in other files, which are not read with it: {named}.")
    page = Page(None, text, tuple(layout.headings), tuple(layout.blocks))
    return Document(name, _title(macros), (page,), tuple(warnings), kind="man")


def _title(macros: ManMacros | MdocMacros) -> str | None:
    match = _ABOUT.fullmatch(macros.about)
    names = [word.strip() for word in match["names"].split(",")] if match else []
    own = next((word for word in names if word.casefold() == macros.name.casefold()), macros.name or "".join(names[:1]))
    if own.isupper() and own not in names:
        own = own.lower()
    title = f"{own}({macros.section})" if own and macros.section else own
    if match:
        title = f"{title}: {match['what']}" if title else match["what"]
    return " ".join(title.split())[:_MAX_TITLE] or None

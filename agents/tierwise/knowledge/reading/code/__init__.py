"""Source code by definition: functions, classes and methods with their comments; nothing is imported or run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tierwise.knowledge.document import Block, Document, Heading, Page
from tierwise.knowledge.reading.code.definitions import Definition, find_definitions
from tierwise.knowledge.reading.code.languages import language_of
from tierwise.knowledge.reading.lines import Lines, basename
from tierwise.knowledge.reading.plain import decode

_MAX_PARSED = (
    2_000_000  # characters; what is longer was made by a program, and its tree would take 100 times the memory
)
_WORD = re.compile(r"\w")


def read_code(data: bytes, name: str) -> Document:
    """Read source code; the text stays as it is, the title is the file's own name.

    Definitions become blocks with their signature as head, and headings with their names, so that what is in a method
    has the title ``client.py > Client > retry``. In a language without a grammar here, blocks end at blank lines that
    are followed by a line without indentation.

    Raises:
        InvalidInput: if the bytes are not text.
    """
    text, warnings = decode(data)
    language = language_of(name, text[: text.find("\n") + 1][:200])
    found = find_definitions(text, language) if language is not None and len(text) <= _MAX_PARSED else None
    if found is not None:
        page = Page(None, text, tuple(_headings(text, found)), tuple(_blocks(found)))
    else:
        page = Page(None, text, blocks=tuple(_chunks(text)))
    return Document(name, basename(name), (page,), tuple(warnings), kind="code")


def _blocks(found: list[Definition]) -> list[Block]:
    return [Block(d.start, d.end, "record", d.signature) for d in found]


def _chunks(text: str) -> Iterator[Block]:
    """Parts that begin with a line without indentation behind a blank line."""
    lines = Lines(text)
    first: int | None = None
    blank = True
    for number in range(len(lines)):
        line = lines[number]
        if blank and line.strip() and not line[0].isspace():
            if first is not None:
                yield Block(*lines.span(first, number), "code")
            first = number
        blank = not line.strip()
    if first is not None:
        yield Block(*lines.span(first, len(lines)), "code")


def _headings(text: str, found: list[Definition]) -> list[Heading]:
    """Headings at the names of definitions, with those around each that are not open already.

    One without a title stands where code outside of definitions goes on, so that it is not taken for a part of them.
    """
    headings: list[Heading] = []
    path: tuple[str, ...] = ()
    for number, definition in enumerate(found, 1):
        following = found[number] if number < len(found) else None
        at = definition.start
        end = _named(text, definition)
        new = min(_shared(path, definition.path), len(definition.path) - 1)
        headings += [Heading(at, end, n + 1, definition.path[n]) for n in range(new, len(definition.path))]
        path = definition.path
        if word := _WORD.search(text, definition.end, following.start if following is not None else len(text)):
            path = path[: _shared(path, following.path[:-1] if following is not None else ())]
            headings.append(Heading(definition.end, word.end(), len(path) + 1, ""))
    return headings


def _named(text: str, definition: Definition) -> int:
    """Where the name of a definition ends; if a class has nothing of its own to say, all of it up to its members."""
    words = " ".join(text[definition.start : definition.end].split())
    if definition.container and len(words) <= len(definition.signature) + 2:
        return definition.end
    name = definition.path[-1]
    at = text.find(name, definition.start, definition.end)
    return at + len(name) if at >= 0 else definition.start + 1


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many names two paths have in common at their beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))

"""What goes over the pipes between tierwise and the process that reads documents: JSON and plain bytes, checked.

Whatever comes from that process is read as data: it may have been taken over by a document.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from typing import IO, Any, get_args

from tierwise.knowledge.document import Block, BlockKind, Document, Heading, Kind, Page
from tierwise.knowledge.reading.problem import Unreadable, one_line

MAX_HEAD = 16 * 1024 * 1024  # bytes of JSON
MAX_BODY = 256 * 1024 * 1024  # bytes of texts: as many characters as are allowed, in their longest form

_LENGTHS = struct.Struct(">II")
_KINDS, _BLOCK_KINDS = frozenset(get_args(Kind)), frozenset(get_args(BlockKind))

Head = dict[str, Any]


def write_message(pipe: IO[bytes], head: Head, bodies: Sequence[bytes] = ()) -> None:
    """Write one message and flush.

    Raises:
        OSError: if the other side is gone.
        Unreadable: if it is longer than the other side takes.
    """
    encoded = json.dumps(head, separators=(",", ":")).encode("ascii")
    length = sum(map(len, bodies))
    if len(encoded) > MAX_HEAD or length > MAX_BODY:
        raise Unreadable("It has too many parts.", fix="Split it into smaller files.")
    pipe.write(_LENGTHS.pack(len(encoded), length) + encoded)
    for body in bodies:
        pipe.write(body)
    pipe.flush()


def read_message(pipe: IO[bytes]) -> tuple[Head, bytes] | None:
    """Read one message; ``None`` when the other side has ended or sent something else."""
    lengths = pipe.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_length, body_length = _LENGTHS.unpack(lengths)
    if head_length > MAX_HEAD or body_length > MAX_BODY:
        return None
    encoded, body = pipe.read(head_length), pipe.read(body_length)
    if len(encoded) < head_length or len(body) < body_length:
        return None
    try:
        head = json.loads(encoded)
    except (ValueError, RecursionError):
        return None
    return (head, body) if isinstance(head, dict) else None


def packed(document: Document) -> tuple[Head, list[bytes]]:
    """A document as a message; its name stays behind."""
    texts = [page.text.encode() for page in document.pages]
    pages = [
        [
            page.number,
            len(text),
            [[h.start, h.end, h.level, h.title] for h in page.headings],
            [[b.start, b.end, b.kind, b.head] for b in page.blocks],
        ]
        for page, text in zip(document.pages, texts, strict=True)
    ]
    head = {"title": document.title, "pages": pages, "warnings": document.warnings, "kind": document.kind}
    return head | {"date": document.date}, texts


def unpacked(name: str, head: Head, body: bytes) -> Document:
    """The document of a message.

    Raises:
        ValueError: if it is none: something is missing, of another kind, or not where it says.
    """
    pages, place = [], 0
    try:
        for number, length, headings, blocks in head["pages"]:
            text = body[place : place + _whole(length, len(body) - place)].decode()
            place += length
            pages.append(
                Page(
                    None if number is None else _whole(number, 1 << 31),
                    text,
                    tuple(Heading(*_span(h, text), _whole(h[2], 1 << 31), _text(h[3])) for h in headings),
                    tuple(Block(*_span(b, text), _one_of(b[2], _BLOCK_KINDS), _maybe(b[3])) for b in blocks),
                )
            )
        warnings = tuple(map(_text, head["warnings"]))
        date = head["date"]
        if date is not None and not (isinstance(date, (int, float)) and math.isfinite(date)):
            raise ValueError("a date is no number")
        return Document(name, _maybe(head["title"]), tuple(pages), warnings, _one_of(head["kind"], _KINDS), date)
    except (KeyError, TypeError, IndexError, OverflowError) as error:
        raise ValueError(f"no document: {error}") from error


def as_problem(head: object) -> Unreadable:
    """The problem of a message.

    Raises:
        ValueError: if it is none.
    """
    if not isinstance(head, dict):
        raise ValueError("no problem")
    what, fix, original = (_maybe(head.get(name)) for name in ("what", "fix", "original"))
    return Unreadable(one_line(what or ""), fix=one_line(fix) if fix else None, original=original)


def _span(part: list[Any], text: str) -> tuple[int, int]:
    end = _whole(part[1], len(text))
    return _whole(part[0], end), end


def _whole(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"no number up to {most}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    value.encode()  # JSON can spell halves of surrogate pairs
    return value


def _maybe(value: object) -> str | None:
    return None if value is None else _text(value)


def _one_of(value: object, kinds: frozenset[Any]) -> Any:
    if value not in kinds:
        raise ValueError("an unknown kind")
    return value

"""JSON by its marks: where each value is, and a layout for people of what is written without line breaks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tierwise.knowledge.reading.values import MAX_DEPTH, MOST_VALUES, TooDeep, TooMany, Value

_TOKEN = re.compile(
    r"""(?:[ \t\n\r\f]++|//[^\n]*+|/\*.*?\*/)*+
    (?:(?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+")(?P<colon>[ \t\n\r\f]*+:)?|(?P<mark>[{}\[\],])|(?P<word>[-+\w.]++)|\Z)""",
    re.X | re.S,
)
SHORT = 160  # characters that a mapping or a list may have to stay on one line
_DECODER = json.JSONDecoder()
_CLOSES = {"{": "}", "[": "]"}


def json_values(text: str, whole: int = 0) -> list[Value]:
    """The values of a text that holds JSON, one or several after one another; comments and trailing commas may be.

    Args:
        text: that JSON.
        whole: up to how many characters a mapping or a list within another is one value, without those in it.

    Raises:
        TooDeep: if it nests without reason.
        TooMany: if there are too many values for the memory.
        ValueError: if it is not JSON; the message says where.
    """
    roots: list[Value] = []
    above: list[Value] = []
    key: tuple[str, int] | None = None  # of the mapping's value that comes next
    ready = True  # whether a value, or a key, may come
    count = at = 0
    while (match := _TOKEN.match(text, at)) is not None and (kind := match.lastgroup) is not None:
        start, at = match.start("string" if kind == "colon" else kind), match.end()
        mark = match[kind] if kind == "mark" else ""
        inside = above[-1] if above else None
        if mark == ",":
            if inside is None or ready or key is not None:
                raise _wrong(text, start)
            ready = True
        elif mark in ("}", "]"):
            if inside is None or key is not None or _CLOSES[text[inside.inner]] != mark:
                raise _wrong(text, start)
            inside.end = at
            above.pop()
            if above and at - inside.start <= whole and _stays(text, inside.start, at):
                count -= inside.forget()
            ready = not above
        elif kind == "colon" or (inside is not None and key is None and text[inside.inner] == "{"):
            if kind != "colon" or inside is None or key is not None or not ready or text[inside.inner] != "{":
                raise _wrong(text, start)
            key = (_said(match["string"])[1:-1], start)
        else:
            if not ready:
                raise _wrong(text, start)
            count += 1
            if count > MOST_VALUES:
                raise TooMany
            value = Value(start, at, start)
            if key is not None:
                value.key, value.start = key
                key = None
            elif inside is not None:
                value.key = f"[{len(inside.children)}]"
            (inside.children if inside is not None else roots).append(value)
            ready = not above
            if not mark:
                value.scalar = text[start:at]
            elif (above or len(roots) > 1) and (end := _whole(text, start, whole)) is not None:
                value.end = at = end
            else:
                if len(above) >= MAX_DEPTH:
                    raise TooDeep
                above.append(value)
                ready = True
    if match is None:
        raise _wrong(text, at)
    if above:
        raise ValueError("it ends before its last bracket is closed")
    if len(roots) > 1:
        for number, root in enumerate(roots):
            root.key = f"[{number}]"
    return roots


def _whole(text: str, start: int, most: int) -> int | None:
    """The end of a mapping or list if it is well formed, has up to so many characters, and can stay as it is."""
    try:
        end = start + _DECODER.raw_decode(text[start : start + most])[1]
    except (ValueError, RecursionError):
        return None
    return end if _stays(text, start, end) else None


def _stays(text: str, start: int, end: int) -> bool:
    """Whether nothing in it is to be written anew."""
    return text.find("\\u", start, end) < 0


def _wrong(text: str, at: int) -> ValueError:
    line = text.count("\n", 0, at) + 1
    return ValueError(
        f"line {line}, column {at - text.rfind(chr(10), 0, at)}: {text[at : at + 20].split(chr(10))[0]!r}"
    )


def laid_out(text: str, roots: Sequence[Value]) -> tuple[str, list[Value]]:
    """The same values on lines of their own, and where they are then; what is short stays on one line.

    Letters that were written as escapes are written as themselves.
    """
    parts: list[str] = []
    length = 0

    def write(piece: str) -> None:
        nonlocal length
        parts.append(piece)
        length += len(piece)

    def put(value: Value, indent: int) -> Value:
        start = length
        write(_said(text[value.start : value.inner]))
        moved = Value(start, start, length, value.key, value.scalar)
        piece = text[value.inner : value.end]
        if value.scalar is not None:
            write(_said(piece))
        elif not value.children:
            write(piece)
        elif len(piece) <= SHORT and "\n" not in piece and "\\u" not in piece:
            shift = length - value.inner
            write(piece)
            moved.children = [_shifted(child, shift) for child in value.children]
        else:
            write(text[value.inner])
            for number, child in enumerate(value.children):
                write(f"{',' if number else ''}\n{'  ' * (indent + 1)}")
                moved.children.append(put(child, indent + 1))
            write(f"\n{'  ' * indent}{_CLOSES[text[value.inner]]}")
        moved.end = length
        return moved

    found = []
    for number, root in enumerate(roots):
        write("\n" if number else "")
        found.append(put(root, 0))
    write("\n")
    return "".join(parts), found


def _said(piece: str) -> str:
    """A string, with what comes after it, with its letters as themselves; anything else as it is."""
    if "\\u" not in piece or not piece.startswith('"'):
        return piece
    try:
        string, end = _DECODER.raw_decode(piece)
        written = json.dumps(string, ensure_ascii=False)
        written.encode()  # half of a pair cannot be stored: it stays as it was written
    except ValueError:
        return piece
    return written + piece[end:]


def _shifted(value: Value, by: int) -> Value:
    children = [_shifted(child, by) for child in value.children]
    return Value(value.start + by, value.end + by, value.inner + by, value.key, value.scalar, children)

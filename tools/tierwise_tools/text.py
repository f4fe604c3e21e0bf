"""Small things about text that comes from elsewhere."""

from __future__ import annotations

import re

_SURROGATES = re.compile(r"[\ud800-\udfff]")


def whole_characters(text: str) -> str:
    """``text`` with U+FFFD for each half of a surrogate pair: no encoding can store or send one."""
    return _SURROGATES.sub("\ufffd", text)


def cut(text: str, longest: int) -> str:
    """``text``, or its beginning with a word about how much is missing."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}\n(cut: {len(text) - longest:,} more characters)"


def first_line(text: object) -> str:
    """The first line of a message, without its full stop."""
    return str(text).strip().partition("\n")[0].strip().rstrip(".")

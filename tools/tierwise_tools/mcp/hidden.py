"""Characters that are in a text and not on the screen."""

from __future__ import annotations

import re
import unicodedata

_ANSI = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor
    "|(?:\x1b\\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?"  # titles, links
    "|\x1b[ -/]*[0-~]?"
)
_LINES = "\n\r\t"
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_HIDING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
_DIRECTIONS = "\u200e\u200f\u061c\u2066\u2067\u2068\u2069"
_EMOJI_FORM = "\ufe0f"


def is_hidden(character: str) -> bool:
    """Whether it shows nothing: controls, directions, zero widths, tags, fillers; line ends do not count."""
    if character in _LINES:
        return False
    if character in _BLANK or unicodedata.category(character) in _HIDING:
        return True
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def without_hidden(text: str) -> str:
    """``text`` as it looks: terminal sequences and hidden characters taken out."""
    return "".join(character for character in _ANSI.sub("", text) if not is_hidden(character))


def with_escapes(text: str) -> str:
    r"""``text`` with every hidden character as ``\u{...}``, so that a person sees it; line ends stay."""
    return "".join(
        f"\\u{{{ord(character):x}}}" if is_hidden(character) or character in "\r\u00a0" else character
        for character in text
    )


def hides_something(text: str) -> bool:
    """Whether hidden characters are there that ordinary writing does not need.

    Emoji and scripts such as Persian need joiners, right-to-left writing needs direction marks.
    """
    both_ways = any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)
    return any(is_hidden(character) and not _is_needed(text, at, both_ways) for at, character in enumerate(text))


def _is_needed(text: str, at: int, both_ways: bool) -> bool:
    character = text[at]
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if character == _EMOJI_FORM:
        return (bool(before) and ord(before) > 0x7F) or before in set("#*0123456789")
    if character in _JOINERS:
        return bool(before and after) and min(ord(before), ord(after)) > 0x2FF
    return both_ways and character in _DIRECTIONS

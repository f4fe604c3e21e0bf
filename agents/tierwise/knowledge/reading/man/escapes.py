"""Roff's escape sequences to the characters that a reader sees."""

from __future__ import annotations

import re

from tierwise.knowledge.reading.man.characters import CHARACTERS

_ACCENTS = {"'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", ":": "\u0308", ",": "\u0327", "v": "\u030c"}
_ACCENTS |= {"a-": "\u0304", "ab": "\u0306", "a.": "\u0307", "ao": "\u030a", "ho": "\u0328"}
_ESCAPE = re.compile(
    r"""\\(?:
      \((?P<pair>..)
    | \[(?P<name>[^\]\n]*)\]
    | [fFmMgYkOVn][-+]?(?:\(..|\[[^\]\n]*\]|.)
    | \*(?:\(..|\[[^\]\n]*\]|.)
    | s(?:[-+]?\[[^\]\n]*\]|[-+]?'[^'\n]*'|[-+]?\([-+]?\d\d|[-+]?\d)
    | (?P<function>[ABCDHLNRSXZbhlovwx])(?P<mark>['"^|!])(?P<body>[^\n]*?)(?P=mark)
    | (?P<one>.)
    )""",
    re.X,
)
_NOTHING = set("&)%:/,|^{}!?acdpruz\n")
_SPACES = set(" ~0t")


def plain(text: str) -> str:
    """The text with each escape as what it looks like; changes of font, size and colour and small moves are nothing."""
    return _ESCAPE.sub(_seen, text) if "\\" in text else text


def _seen(match: re.Match[str]) -> str:
    if (name := match["pair"] or match["name"]) is not None:
        return _named(name)
    if function := match["function"]:
        return _drawn(function, match["body"])
    one = match["one"]
    if one is None or one in _NOTHING:
        return ""
    if one in _SPACES:
        return " "
    return "\\" if one in "eE" else one


def _named(name: str) -> str:
    if name in CHARACTERS:
        return CHARACTERS[name]
    if (code := re.fullmatch(r"u([0-9A-F]{4,6})(?:_[0-9A-F_]+)?|char(\d{1,7})", name)) is not None:
        number = int(code[1], 16) if code[1] else int(code[2])
        return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    base, _, accent = name.partition(" ")
    if accent in _ACCENTS:
        return base + _ACCENTS[accent]
    for length in (1, 2):  # `\(:u`, `\['e]`: an accent, then its letter
        if name[:length] in _ACCENTS and len(name) == length + 1 and name[-1].isalpha():
            return name[-1] + _ACCENTS[name[:length]]
    return ""


def _drawn(function: str, body: str) -> str:
    if function in "Zb":
        return plain(body)
    if function == "o":
        return plain(body)[:1]
    if function == "C":
        return _named(body)
    if function == "N":
        return _named(f"char{body}")
    if function == "w":
        return "0"
    return " " if function == "h" and re.match(r"\+?[\d.]*[1-9]", body) else ""

"""Text that is not ours as Markdown that Streamlit shows as it is.

Two nets, because Streamlit looks at a text twice. Its Markdown is parsed, so every character that could begin
something is written as a character reference. Then it looks for addresses, ``:shortcodes:``, icons and arrows in the
*parsed* text, where no reference is left: such a place is cut in two by an element that looks like nothing.
"""

from __future__ import annotations

import re

# Said of an answer's text by whoever shows it, never by the text itself: which mark stands here.
MARK_OPEN, MARK_CLOSE = "\ue000", "\ue001"
# Control characters, those that turn the direction of writing (they can make an address read as another), and ours.
_DROPPED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ue000\ue001\ufeff]")
_SAFE_PUNCTUATION = " ,;?'\"/%\n"
_REFERENCES = {
    code: f"&#{code};" for code in range(0x20, 0x7F) if not chr(code).isalnum() and chr(code) not in _SAFE_PUNCTUATION
}
# A full stop is only a mark after digits, or after "www", which is taken care of below.
_STOP = ord(".")
_WITHOUT_STOPS = {code: text for code, text in _REFERENCES.items() if code != _STOP}
_NUMBERED = re.compile(r"(?<![^\s])\d+\.")
# What would come alive in the parsed text; the one character that is set apart is the whole match.
_ALIVE = re.compile(
    r"(?<=http):(?=//)|(?<=https):(?=//)"
    r"|w(?=ww\.)"
    r"|@(?=[\w-])"
    r"|:(?=[\w+-]+:)"
    r"|(?<!\S)(?:<(?=->(?!\S))|-(?=[>-](?!\S))|<(?=[-=](?!\S))|>(?==(?!\S))|~(?==(?!\S)))",
    re.ASCII | re.IGNORECASE,
)


def cleaned(text: str) -> str:
    """The text without characters that a person does not see and that change what is seen."""
    return _DROPPED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def escaped(text: str) -> str:
    """A piece of text on one line, as Markdown that shows exactly this text and nothing else.

    Args:
        text: cleaned before, by :func:`cleaned`.
    """
    at, pieces = 0, []
    for found in _ALIVE.finditer(text):
        pieces += [_referenced(text[at : found.start()]), f":color[{_every(found[0])}]"]
        at = found.end()
    return "".join((*pieces, _referenced(text[at:]))) if pieces else _referenced(text)


def _referenced(text: str) -> str:
    return _every(text) if _NUMBERED.search(text) else text.translate(_WITHOUT_STOPS)


def _every(text: str) -> str:
    return text.translate(_REFERENCES)

"""JSON as models write it: read strictly, or else mended where only one reading is left.

A mend never invents, changes or drops a value: it puts right quotes, commas, brackets, and what stands around them.
What could be read in two ways (a name that comes twice, a second value, a text without an end) is refused.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

_DEEPEST = 64
_FENCE = re.compile(r"\A```[\w-]*\s*(.*?)\s*(?:```)?\Z", re.DOTALL)
_BLANKS = re.compile(r"\s*(?://[^\n]*(?:\n|\Z)|/\*.*?\*/)?", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])", re.ASCII)
_WORD = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_LEAD = re.compile(r"\A[^{}\[\]\"'“”]{1,200}:\s*(?=\{)")
_CLOSES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u201d": "\u201d", "\u2018": "\u2019", "\u2019": "\u2019"}
_TEXTS = {end: re.compile(rf"((?:[^\\{end}]|\\.)*){end}", re.DOTALL) for end in set(_CLOSES.values())}
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}


class Unreadable(ValueError):
    """There is no single reading; the text says why, in words that fit behind "the arguments cannot be read:"."""


@dataclass(frozen=True, slots=True)
class Read:
    """A value, what was mended to get it, and where in the text it ends."""

    value: Any
    mends: tuple[str, ...] = ()
    end: int = 0


def read_strictly(text: str) -> Any:
    """The value of a text that is JSON, with each name once and numbers that every program can hold.

    Raises:
        Unreadable: if it is not.
    """
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_once)
    except Unreadable:
        raise
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"they are no JSON ({error})") from error


def read_loosely(text: str, *, cut: bool = False) -> Read:
    """The one value that a whole text means.

    Args:
        text: what a model wrote.
        cut: it may have been cut off, so nothing that is missing at its end is put there.

    Raises:
        Unreadable: if there is none, or more than one.
    """
    bare, mends = _unwrapped(text)
    try:
        return Read(read_strictly(bare), mends, len(text))
    except Unreadable as error:
        if not bare:
            raise Unreadable("they are empty") from error
    if lead := _LEAD.match(bare):
        bare, mends = bare[lead.end() :], (*mends, "words before the object taken off")
    read = read_first(bare, cut=cut)
    rest = bare[read.end :].strip()
    mends += read.mends
    if rest.strip("}] \n") == "" and rest:
        mends += ("closing bracket too many taken off",)
    elif rest == ";":
        mends += ("semicolon taken off",)
    elif rest:
        raise Unreadable(f"something follows their end: {rest[:40]!r}")
    return Read(read.value, mends, len(text))


def read_first(text: str, start: int = 0, *, cut: bool = False) -> Read:
    """The value that begins at ``start``, whatever comes behind it; see :func:`read_loosely`."""
    reader = _Reader(text, start, cut=cut)
    value = reader.value()
    return Read(value, tuple(dict.fromkeys(reader.mends)), reader.at)


def _unwrapped(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without what never belongs to it."""
    mends: list[str] = []
    bare = text.strip()
    for mark, what in (("\ufeff", "byte order mark taken off"), ("\0", "NUL taken off")):
        if bare.strip(mark) != bare:
            bare = bare.strip(mark).strip()
            mends.append(what)
    if bare.startswith("```") and (fenced := _FENCE.match(bare)):
        bare = fenced[1]
        mends.append("code fence taken off")
    return bare, tuple(mends)


class _Reader:
    """Reads one value from a place on; ``mends`` is what had to be put right, ``at`` where it has come to."""

    def __init__(self, text: str, at: int, *, cut: bool) -> None:
        self.at = at
        self.mends: list[str] = []
        self._text, self._cut, self._depth = text, cut, 0

    def value(self) -> Any:
        self._skip()
        char = self._next()
        if char in ("{", "["):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise Unreadable("they are nested too deeply")
            value: Any = self._object() if char == "{" else self._list()
            self._depth -= 1
            return value
        if char in _CLOSES:
            return self._string()
        if char == "-" or char.isdigit():
            return self._number()
        return self._named()

    def _object(self) -> dict[str, Any]:
        members: dict[str, Any] = {}
        self.at += 1
        while not self._closed("}", begun=bool(members)):
            key = self._key(quoted=self._separate(members, may_lack=True))
            if key in members:
                raise Unreadable(f"the name {key!r} stands in them twice")
            self._skip()
            if self._next() != ":":
                raise Unreadable(f"a colon is missing behind {key!r}")
            self.at += 1
            members[key] = self.value()
        return members

    def _list(self) -> list[Any]:
        items: list[Any] = []
        self.at += 1
        while not self._closed("]", begun=bool(items)):
            self._separate(items, may_lack=False)
            items.append(self.value())
        return items

    def _closed(self, bracket: str, *, begun: bool) -> bool:
        """Whether the list or object ends here."""
        self._skip()
        if self.at >= len(self._text) and begun:
            self._missing_end("closing bracket added")
            return True
        if begun and self._next() == ",":
            comma = self.at
            self.at += 1
            self._skip()
            if self._next() != bracket:
                self.at = comma
                return False
            self.mends.append("comma too many taken out")
        if self._next() != bracket:
            return False
        self.at += 1
        return True

    def _separate(self, before: Any, *, may_lack: bool) -> bool:
        """Pass the comma behind what came before; true if there was none, and it had to be added."""
        if not before:
            return False
        if self._next() == ",":
            self.at += 1
            self._skip()
            return False
        if not may_lack or not self._text[self.at - 1].isspace():
            raise Unreadable(f"a comma is missing before {self._text[self.at : self.at + 20]!r}")
        self.mends.append("missing comma added")
        return True

    def _key(self, *, quoted: bool) -> str:
        if self._next() in _CLOSES:
            return self._string()
        word = _WORD.match(self._text, self.at)
        if word is None or quoted:
            raise Unreadable(f"a name is missing before {self._text[self.at : self.at + 20]!r}")
        self.mends.append("quotes put around a name")
        self.at = word.end()
        return word[0]

    def _string(self) -> str:
        quote = self._next()
        end = _CLOSES[quote]
        found = _TEXTS[end].match(self._text, self.at + 1)
        if found is None:
            raise Unreadable("a text in them has no end")
        self.at = found.end()
        if quote != '"':
            self.mends.append("quotes replaced")
        plain = re.sub(r"\\.|\"", _requoted, found[1], flags=re.DOTALL)
        try:
            value: str = json.loads(f'"{plain}"', strict=False)
        except ValueError as error:
            raise Unreadable(f"a text in them has an escape that JSON does not have: {found[1][:40]!r}") from error
        if any(char < " " for char in found[1]):
            self.mends.append("line break inside of a text escaped")
        if "\\'" in found[1]:
            self.mends.append("escaped quote replaced")
        return value

    def _number(self) -> float:
        found = _NUMBER.match(self._text, self.at)
        if found is None:
            raise Unreadable(f"{self._text[self.at : self.at + 20]!r} is no number that JSON has")
        self.at = found.end()
        if self.at == len(self._text):
            self._missing_end(None)  # more digits may have been to come
        number: float = read_strictly(found[0])
        return number

    def _named(self) -> Any:
        word = _WORD.match(self._text, self.at)
        if word is None:
            raise Unreadable(f"a value is missing before {self._text[self.at : self.at + 20]!r}")
        if word[0] not in _WORDS:
            raise Unreadable(f"{word[0][:40]} is no value that JSON has")
        if word[0][0].isupper():
            self.mends.append(f"{word[0]} replaced")
        self.at = word.end()
        return _WORDS[word[0]]

    def _next(self) -> str:
        if self.at >= len(self._text):
            raise Unreadable("they are cut off" if self.at else "they are empty")
        return self._text[self.at]

    def _skip(self) -> None:
        """Pass blanks and comments."""
        while (blank := _BLANKS.match(self._text, self.at)) and blank.end() > self.at:
            if blank[0].strip():
                self.mends.append("comment taken out")
            self.at = blank.end()

    def _missing_end(self, mend: str | None) -> None:
        if self._cut:
            raise Unreadable("they are cut off")
        if mend is not None:
            self.mends.append(mend)


def _requoted(found: re.Match[str]) -> str:
    """A quote as JSON has it inside of a text, whatever quotes stood around that."""
    return {'"': '\\"', "\\'": "'"}.get(found[0], found[0])


def _no_constant(word: str) -> Any:
    raise Unreadable(f"{word} is no value that JSON has")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Unreadable(f"the number {digits[:40]} is too large")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise Unreadable(f"the name {next(n for n in names if names.count(n) > 1)!r} stands in them twice")
    return members

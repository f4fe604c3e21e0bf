"""Regular expressions of a JSON Schema: what is in the common subset, how long its matches are, its plain form.

JSON Schema means ECMAScript's dialect, validators run Python's, masks run a third. What means the same in all of them
is accepted and written out anew in the plainest form: alternatives, sequences, classes, counted repeats.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

LONGEST = 1000  # characters; longer texts are not asked for by a pattern
_FULL = ((0, 0xD7FF), (0xE000, 0x10FFFF))  # every character that is one
_ASCII = ((0, 0x7F),)
_SHORTHAND = {
    "d": ((0x30, 0x39),),
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
    "s": ((0x09, 0x0D), (0x20, 0x20)),
}
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}
_ALL_LENGTHS = (1 << (LONGEST + 1)) - 1

Ranges = tuple[tuple[int, int], ...]


class NotPlain(ValueError):
    """The pattern uses something outside the common subset; the message says what."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that must match a whole text.

    Attributes:
        text: its plain form, without anchors.
        lengths: bit ``n`` is set if some text of ``n`` characters matches, ``n`` up to :data:`LONGEST`.
        bounded: it matches no text longer than that.
    """

    text: str
    lengths: int
    bounded: bool

    def can_be(self, shortest: int, longest: int) -> bool:
        """Whether some match has between ``shortest`` and ``longest`` characters, both included."""
        return bool(self.lengths >> shortest & ((1 << max(0, longest - shortest + 1)) - 1))


@lru_cache(maxsize=4096)
def parse(pattern: str, *, repeats: int | None = None) -> Pattern:
    """Read a pattern.

    Args:
        pattern: as it stands in the schema; a side without an anchor may go on with anything.
        repeats: write "any number of times" as at most so often; ``None`` leaves it open.

    Raises:
        NotPlain: naming the construct.
    """
    return _Parser(pattern, repeats).whole()


class _Parser:
    """One pass of recursive descent; each rule returns what it read as a :class:`Pattern`."""

    def __init__(self, source: str, repeats: int | None) -> None:
        self._source = source
        self._at = 0
        self._repeats = repeats

    def whole(self) -> Pattern:
        branches = [self._anchored()]
        while self._take("|"):
            branches.append(self._anchored())
        if self._at < len(self._source):
            raise NotPlain("a ')' closes nothing")
        return _either(branches)

    def _anchored(self) -> Pattern:
        rest = self._repeat(_one_of(_FULL), 0, None)
        start = None if self._take("^") else rest
        body = self._sequence()
        end = None if self._take("$") else rest
        if self._peek() not in ("", "|", ")"):
            raise NotPlain("text follows '$'")
        return _joined([part for part in (start, body, end) if part is not None])

    def _group(self) -> Pattern:
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
        if not self._take(")"):
            raise NotPlain("a '(' is not closed" if not self._peek() else "an anchor stands inside a group")
        return _either(branches)

    def _sequence(self) -> Pattern:
        parts = []
        while self._peek() not in ("", "|", ")", "$"):
            parts.append(self._quantified(self._atom()))
        return _joined(parts)

    def _atom(self) -> Pattern:
        char = self._next()
        if char == "(":
            if self._take("?"):
                self._group_head()
            return self._group()
        if char == "[":
            return _one_of(self._class())
        if char == "\\":
            return _one_of(self._escape()[0])
        if char == ".":
            return _one_of(_without(_FULL, ((0x0A, 0x0A),)))
        if char == "^":
            raise NotPlain("an anchor stands in the middle")
        if char in "*+?{":
            raise NotPlain(f"{char!r} repeats nothing")
        return _one_of(((ord(char), ord(char)),))

    def _group_head(self) -> None:
        if self._take(":"):
            return
        if not self._take("P<"):
            raise NotPlain("it looks ahead or behind, or sets a flag, with '(?'")
        end = self._source.find(">", self._at)
        if end < 0:
            raise NotPlain("the name of a group is not closed")
        self._at = end + 1

    def _quantified(self, atom: Pattern) -> Pattern:
        char = self._peek()
        if char in ("*", "+", "?"):
            self._at += 1
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        elif char == "{":
            low, high = self._counts()
        else:
            return atom
        self._take("?")  # lazy: the same texts match
        if self._peek() in ("*", "+", "{") and self._peek():
            raise NotPlain("a repeat is repeated")
        return self._repeat(atom, low, high)

    def _counts(self) -> tuple[int, int | None]:
        end = self._source.find("}", self._at)
        low, comma, high = self._source[self._at + 1 : end].partition(",") if end > 0 else ("", "", "")
        if not low.isdecimal() or not (high == "" or high.isdecimal()):
            raise NotPlain("a '{' does not begin a count")
        self._at = end + 1
        most = int(low) if not comma else int(high) if high else None
        if max(int(low), most or 0) > LONGEST or (most is not None and most < int(low)):
            raise NotPlain(f"a count is above {LONGEST} or ends below its start")
        return int(low), most

    def _repeat(self, atom: Pattern, low: int, high: int | None) -> Pattern:
        if high is None and self._repeats is not None:
            high = max(low, self._repeats)
        return _repeated(atom, low, high)

    def _class(self) -> Ranges:
        negated, shorthand = self._take("^"), False
        ranges: list[tuple[int, int]] = []
        while not self._take("]"):
            low, is_short = self._member()
            shorthand |= is_short
            following = self._source[self._at + 1 : self._at + 2]
            if not is_short and self._peek() == "-" and following not in ("]", ""):
                self._at += 1
                high, short_end = self._member()
                if short_end or high[0][0] < low[0][0]:
                    raise NotPlain("a range in [...] runs backwards or ends in a shorthand")
                low = ((low[0][0], high[0][0]),)
            ranges += low
        found: Ranges = tuple(sorted(ranges))
        if negated:
            # Dialects differ in what a shorthand holds beyond ASCII, so its complement stays within.
            found = _without(_ASCII if shorthand else _FULL, found)
        return _without(_FULL, _without(_FULL, found))

    def _member(self) -> tuple[Ranges, bool]:
        char = self._next()
        if char == "\\":
            return self._escape()
        if char == "[" or (char in "-&~|" and self._peek() == char):
            raise NotPlain(f"a {char!r} inside [...] can mean an operation on sets; write it with a backslash")
        return ((ord(char), ord(char)),), False

    def _escape(self) -> tuple[Ranges, bool]:
        char = self._next()
        if char in _SHORTHAND:
            return _SHORTHAND[char], True
        if char.lower() in _SHORTHAND:
            return _without(_ASCII, _SHORTHAND[char.lower()]), True
        if char in ("x", "u"):
            digits = self._source[self._at : self._at + (2 if char == "x" else 4)]
            try:
                code = int(digits, 16)
            except ValueError:
                raise NotPlain(f"'\\{char}' has no number") from None
            self._at += len(digits)
        elif char in _CONTROL:
            code = ord(_CONTROL[char])
        elif char.isalnum():
            raise NotPlain(f"'\\{char}' is not in every dialect")
        else:
            code = ord(char)
        return ((code, code),), False

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _take(self, text: str) -> bool:
        found = self._source.startswith(text, self._at)
        self._at += len(text) * found
        return found

    def _next(self) -> str:
        if self._at >= len(self._source):
            raise NotPlain("it ends too early")
        self._at += 1
        return self._source[self._at - 1]


# -- putting together --------------------------------------------------------------------------------------------------


def _one_of(ranges: Ranges) -> Pattern:
    if not ranges:
        raise NotPlain("a [...] holds no character")
    inner = "".join(f"\\x{{{a:x}}}" if a == b else f"\\x{{{a:x}}}-\\x{{{b:x}}}" for a, b in ranges)
    return Pattern(f"[{inner}]", 0b10, bounded=True)


def _either(parts: list[Pattern]) -> Pattern:
    lengths = 0
    for part in parts:
        lengths |= part.lengths
    text = parts[0].text if len(parts) == 1 else f"(?:{'|'.join(p.text for p in parts)})"
    return Pattern(text, lengths, all(p.bounded for p in parts))


def _joined(parts: list[Pattern]) -> Pattern:
    lengths = 1
    for part in parts:
        lengths = _sums(lengths, part.lengths)
    bounded = all(p.bounded for p in parts) and sum(p.lengths.bit_length() for p in parts) <= LONGEST
    return Pattern("".join(p.text for p in parts), lengths, bounded)


def _repeated(part: Pattern, low: int, high: int | None) -> Pattern:
    reached, lengths = 1, 0
    for count in range((high if high is not None else LONGEST) + 1):
        if count >= low:
            if not reached & ~lengths:  # a further round adds nothing
                break
            lengths |= reached
        reached = _sums(reached, part.lengths)
    counts = f"{{{low},{'' if high is None else high}}}"
    bounded = part.bounded and high is not None and (part.lengths.bit_length() - 1) * high <= LONGEST
    return Pattern(f"(?:{part.text}){counts}", lengths, bounded)


def _sums(left: int, right: int) -> int:
    """All sums of a length from each, as a bit set."""
    if left.bit_count() < right.bit_count():
        left, right = right, left
    result = 0
    while right:
        lowest = (right & -right).bit_length() - 1
        result |= left << lowest
        right &= right - 1
    return result & _ALL_LENGTHS


def _without(ranges: Ranges, taken: Ranges) -> Ranges:
    """``ranges`` without ``taken``; both sorted."""
    left = []
    for low, high in ranges:
        for start, end in taken:
            if start > high or end < low:
                continue
            if start > low:
                left.append((low, start - 1))
            low = end + 1
        if low <= high:
            left.append((low, high))
    return tuple(left)

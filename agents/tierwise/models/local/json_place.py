"""Where in a JSON text a writer stands, byte by byte: what a grammar of tokens cannot remember."""

from __future__ import annotations

from dataclasses import dataclass, field

_QUOTE, _ESCAPE = ord('"'), ord("\\")


@dataclass
class JsonPlace:
    """Follows a JSON text.

    Attributes:
        in_text: a text (a name or a value) is open.
        repeats: a name has come twice in one object.
    """

    in_text: bool = False
    repeats: bool = False
    _escaped: bool = False
    _is_name: bool = False
    _name: bytes = b""
    _open: list[set[bytes] | None] = field(default_factory=list)  # names of each open object; None for a list
    _wants_name: bool = False

    def feed(self, piece: bytes) -> None:
        """Go on by some bytes."""
        for byte in piece:
            if self.in_text:
                self._feed_text(byte)
            else:
                self._feed_rest(byte)

    def would_repeat(self, piece: bytes) -> bool:
        """Whether a name of the open object would come again with these bytes."""
        if self.repeats or not self._open or not self._open[-1]:
            return False
        ahead = JsonPlace(
            self.in_text, False, self._escaped, self._is_name, self._name, [set(self._open[-1])], self._wants_name
        )
        ahead.feed(piece)
        return ahead.repeats

    def _feed_text(self, byte: int) -> None:
        if self._escaped:
            self._escaped = False
        elif byte == _ESCAPE:
            self._escaped = True
        elif byte == _QUOTE:
            self.in_text = False
            names = self._open[-1] if self._open else None
            if self._is_name and names is not None:
                self.repeats = self.repeats or self._name in names
                names.add(self._name)
                self._wants_name = False
            return
        if self._is_name:
            self._name += bytes((byte,))

    def _feed_rest(self, byte: int) -> None:
        match chr(byte):
            case '"':
                self.in_text, self._is_name, self._name = True, self._wants_name, b""
            case "{":
                self._open.append(set())
                self._wants_name = True
            case "[":
                self._open.append(None)
                self._wants_name = False
            case "}" | "]":
                if self._open:
                    self._open.pop()
                self._wants_name = False
            case ",":
                self._wants_name = bool(self._open) and self._open[-1] is not None

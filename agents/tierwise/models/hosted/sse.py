"""Server-sent events out of bytes, however a connection cuts them."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import NamedTuple

_LF, _CR = b"\n", b"\r"


class ServerEvent(NamedTuple):
    """One event: what it is called (mostly nothing), and its data, which nobody has looked at yet."""

    name: bytes
    data: bytes


class EventDecoder:
    """Decodes one stream, by the HTML standard: an event is what has data, and ends at an empty line.

    What an event's ``id`` and ``retry`` are for, to connect once more, no API of this make knows. They are passed over.

    Args:
        most: bytes that it takes; a broken server's line, or its comments, may never end.
    """

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._line: list[bytes] = []  # the line in work, in the pieces that came
        self._name = b""
        self._data: list[bytes] = []
        self._first, self._after_cr = True, False

    def feed(self, part: bytes) -> list[ServerEvent]:
        """Take the next bytes; the events that are complete now.

        Raises:
            ValueError: if these are more bytes than it takes.
        """
        self._size += len(part)
        if self._size > self._most:
            raise ValueError(f"the answer is longer than {self._most >> 20} MB")
        if self._after_cr and part:  # "\r\n" is one end of a line, though it came in two parts
            part = part.removeprefix(_LF)
            self._after_cr = False
        if _CR in part:
            self._after_cr = part.endswith(_CR)
            part = part.replace(b"\r\n", _LF).replace(_CR, _LF)
        *ended, rest = part.split(_LF)
        if not ended:
            self._line.append(rest)
            return []
        ended[0] = b"".join((*self._line, ended[0]))
        self._line = [rest]
        if self._first:
            ended[0] = ended[0].removeprefix(BOM_UTF8)
            self._first = False
        return [event for line in ended if (event := self._take(line)) is not None]

    def _take(self, line: bytes) -> ServerEvent | None:
        if not line:
            event = ServerEvent(self._name, b"\n".join(self._data)) if self._data else None
            self._name, self._data = b"", []
            return event
        field, _, value = line.partition(b":")  # a comment is a field without a name
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        elif field == b"event":
            self._name = value.removeprefix(b" ")
        return None

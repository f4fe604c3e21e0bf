"""Private keys in armour: ``-----BEGIN ... PRIVATE KEY-----``, over many lines or with line ends written out in one."""

from __future__ import annotations

import re

from tierwise_tools.secrets.patterns import Span

LONGEST = 65_536
"""Characters of a block; what is longer is no key."""
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_EDGE = r"[ \t>|+*#\"',\r]*"
_BODY = re.compile(rf"{_EDGE}(?:\\+[nrt]|[A-Za-z0-9+/=])*{_EDGE}")
_LINE = re.compile(rf"{_EDGE}(?:(?:Proc-Type|DEK-Info|Comment|Version|Hash|Charset): [^\n]*|[A-Za-z0-9+/=]*){_EDGE}$")


def key_spans(text: str) -> tuple[list[Span], int | None]:
    """Where private keys stand, and where one begins that may go on beyond the end of the text.

    A beginning that nothing of a key follows is left alone.
    """
    spans: list[Span] = []
    at = 0
    while (begin := _BEGIN.search(text, at)) is not None:
        end, is_open = _end_of(text, begin.end())
        if is_open and len(text) - begin.start() <= LONGEST:
            if end > begin.end():
                spans.append((begin.start(), end))
            return spans, begin.start()
        if end > begin.end():
            spans.append((begin.start(), end))
        at = max(end, begin.end())
    return spans, None


def _end_of(text: str, at: int) -> tuple[int, bool]:
    """Where the block whose first line goes on at ``at`` ends, and whether more of it may come."""
    limit = at + LONGEST
    stop = _line_end(text, at)
    mark = _END.search(text, at, stop)
    if mark is not None:
        return mark.end(), False
    body = _BODY.match(text, at, stop)
    assert body is not None
    if body.end() < stop:
        return (body.end() if len(body[0].strip()) >= 16 else at), stop == len(text)
    end = body.end() if body[0].strip() else at
    while stop < len(text) and stop < limit:
        start, stop = stop + 1, _line_end(text, stop + 1)
        mark = _END.search(text, start, stop)
        if mark is not None:
            return mark.end(), False
        if not _LINE.match(text, start, stop):
            return end, stop == len(text)
        if text[start:stop].strip():
            end = stop
    return end, stop == len(text)


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found

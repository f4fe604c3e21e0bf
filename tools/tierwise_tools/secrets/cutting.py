"""Taking secrets out of a text, whole or in pieces as it arrives."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

from tierwise_tools.secrets.blocks import key_spans
from tierwise_tools.secrets.known import forms_of, known_secrets
from tierwise_tools.secrets.named import named_spans
from tierwise_tools.secrets.patterns import PLACES, TOKENS, Span, fold, looks_random

LEFT_OUT = "[redacted]"
Finder = Callable[[str], Iterator[Span]]
_LONG = 65_536  # characters of a line that is looked at as a whole
_LOOK = 4_096  # a longer one is cut where nothing is taken out, seen from so far behind the cut
_BEFORE = 100  # characters before something that is taken out which may be why it is
_ROUNDS = 4
_SPACE = re.compile(r"\s")
# A word at the very end, and what may stand before one that is a secret.
_LAST = re.compile(r"[!-~]+\Z")
_EXPECTED = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|bearer|basic|authorization|credentials?)[\w-]{0,30}[\"'`\\]{0,4}"
    r"(?:[^\S\n]{0,4}[:=][^\S\n]{0,4}[\"'`\\]{0,4}|[^\S\n]{1,4}(?:is:?[^\S\n]{1,4})?)(?:bearer |basic |token )?\Z"
)
_HALF = re.compile(r"://[^\s/:@]*:\S+\Z|[?&]sig=\S+\Z|(?:hooks\.slack\.com|/api/webhooks)/\S+\Z")
_BEGINS = tuple({anchor for rule in TOKENS if rule.begins for anchor in rule.anchors if len(anchor) >= 3})
_FEWEST = 8  # characters; fewer do not tell a key


class Redaction:
    """Takes out of texts what looks like a secret, and what is known to be one. Immutable.

    Known are the values given here and those of the environment, see
    :func:`~tierwise_tools.secrets.known.known_secrets`.

    Args:
        secrets: values known to be secret; those of less than four characters are none.
        also: finds more that has to go; it must not look beyond a line.
    """

    def __init__(self, secrets: Iterable[str] = (), also: Finder | None = None) -> None:
        known = dict.fromkeys(form for secret in secrets for form in forms_of(secret))
        known.update(dict.fromkeys(known_secrets()))
        self._known = sorted(known, key=len, reverse=True)
        self._also = also

    def __call__(self, text: str) -> str:
        """The text with ``[redacted]`` in place of what was taken out; once more over the same text changes nothing."""
        if len(text) > _LONG and any(len(line) >= _LONG for line in text.split("\n")):
            stream = RedactingStream(self)
            return stream.feed(text) + stream.rest()
        return self._replaced(text)

    def spans(self, text: str) -> list[Span]:
        """What has to go, in order, without overlaps."""
        folded = fold(text)
        found = [span for rule in TOKENS for span in rule.spans(text, folded)]
        found += [span for rule in PLACES for span in rule.spans(text, folded)]
        found += named_spans(text, folded)
        if "-----BEGIN" in text:
            found += key_spans(text)[0]
        for secret in self._known:
            found += _occurrences(text, secret)
        if self._also is not None:
            found += self._also(text)
        return [span for span in _merged(found) if text[span[0] : span[1]].strip("[]") != LEFT_OUT.strip("[]")]

    def open_end(self, text: str) -> str:
        """As calling it, for a text that breaks off: a last word that may be the first half of a secret goes, too."""
        text = self(text)
        last = _LAST.search(text, max(0, len(text) - _LOOK))
        if last is None or text.endswith(LEFT_OUT) or not self._may_begin(text, last):
            return text
        return text[: last.start()] + LEFT_OUT

    def _may_begin(self, text: str, last: re.Match[str]) -> bool:
        """Whether the last word of a text that breaks off may be the first half of a secret."""
        word = last[0].strip("\"'`.,;:!?()[]{}*<>")
        if _HALF.search(last[0]) or any(secret.startswith(word) for secret in self._known if len(word) >= 4):
            return True
        if _EXPECTED.search(text, max(0, last.start() - 100), last.start()):
            return bool(word) and not (word.isalpha() and word.islower() and len(word) < _FEWEST)
        name, _, value = word.rpartition("=") if "=" in word else word.rpartition(":")
        if value and name and _EXPECTED.search(f"{name}="):
            return True
        if any(word.startswith(anchor) and len(word) > len(anchor) for anchor in _BEGINS):
            return True
        return len(word) >= _FEWEST and looks_random(word) and "/" not in word

    def _replaced(self, text: str) -> str:
        for _ in range(_ROUNDS):
            spans = self.spans(text)
            if not spans:
                break
            text = replaced(text, spans)
        return text


class RedactingStream:
    """A :class:`Redaction` of a text that comes in pieces: what it gives is what the whole text would have become.

    It holds back the last line, of a very long one the last 68 kB, and a private key until its end.

    Args:
        redaction: what is taken out.
    """

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._held = ""

    def feed(self, chunk: str) -> str:
        """Take the next piece; returns what can be shown by now."""
        self._held += chunk
        shown = ""
        while ready := self._ready():
            shown += self._redaction._replaced(self._held[:ready])
            self._held = self._held[ready:]
        return shown

    def pending(self) -> str:
        """What :meth:`rest` would give now; nothing changes."""
        return self._redaction.open_end(self._held)

    def rest(self) -> str:
        """What was held back; nothing may follow."""
        held, self._held = self._held, ""
        return self._redaction._replaced(held)

    def _ready(self) -> int:
        """How much of what is held does not depend on what comes."""
        held, at = self._held, 0
        while (line_end := held.find("\n", at, at + _LONG + _LOOK)) >= 0:
            at = line_end + 1
        if at == 0:
            return self._break() if len(held) >= _LONG + _LOOK else 0
        if "-----BEGIN" in held:
            keys, begun = key_spans(held)
            if begun is not None:
                keys.append((begun, len(held) + 1))
            while (within := next((start for start, end in keys if start < at < end), None)) is not None:
                at = held.rfind("\n", 0, within) + 1
        return at

    def _break(self) -> int:
        """Where a line that is too long is cut; what comes later makes no difference to it."""
        window = self._held[: _LONG + _LOOK]
        spans = self._redaction.spans(window)
        places = [found.start() for found in _SPACE.finditer(window, _LONG // 2, _LONG)]
        starts = [start - _BEFORE for start, _ in spans]
        for place in (*reversed(places), _LONG):
            before = bisect_left(starts, place) - 1
            if before < 0 or place > spans[before][1]:
                return place
        return max((start for start, _ in spans if 0 < start <= _LONG), default=_LONG)


def replaced(text: str, spans: Iterable[Span]) -> str:
    """A text with ``[redacted]`` in place of each span."""
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], LEFT_OUT]
        at = end
    return "".join((*parts, text[at:]))


def _occurrences(text: str, secret: str) -> Iterator[Span]:
    at = text.find(secret)
    while at >= 0:
        yield at, at + len(secret)
        at = text.find(secret, at + len(secret))


def _merged(found: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged

"""Lines of a text and where they are in it."""

from __future__ import annotations

import re

_NEWLINE = re.compile("\n")


class Lines:
    """A text by lines; a line is what ends with a line feed, nothing else, so that numbers agree with other parsers."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> str:
        """The line of that number (from 0), without its line feed."""
        return self.text[self._starts[number] : self.end(number)]

    def start(self, number: int) -> int:
        """Where a line starts; the end of the text for any number past the last."""
        return self._starts[number] if number < len(self._starts) else len(self.text)

    def end(self, number: int) -> int:
        """Where a line ends, before its line feed."""
        return self._starts[number + 1] - 1 if number + 1 < len(self._starts) else len(self.text)

    def span(self, first: int, after: int) -> tuple[int, int]:
        """Where the lines ``[first, after)`` are, without the blank ones at their end."""
        after = min(after, len(self))
        while after > first + 1 and not self[after - 1].strip():
            after -= 1
        return self.start(first), self.end(max(first, after - 1))


def basename(name: str) -> str:
    """The last part of a path or an address: what people call a file."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]

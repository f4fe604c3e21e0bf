"""What is said of a document that cannot be read."""

from __future__ import annotations

from tierwise.errors import InvalidInput

_MOST_CHARS = 300


class Unreadable(InvalidInput):
    """A document could not be read.

    Args:
        what: what happened and why, one sentence.
        fix: the one thing to do.
        original: what the library that failed said itself.

    Attributes:
        original: that, in one line.
    """

    code = "unreadable"

    def __init__(self, what: str, *, fix: str | None = None, original: str | None = None) -> None:
        self.original = one_line(original) if original else None
        super().__init__(what, fix=fix)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.what, self.fix, self.original))


def _rebuild(what: str, fix: str | None, original: str | None) -> Unreadable:
    return Unreadable(what, fix=fix, original=original)


def original_of(error: BaseException) -> str:
    """The kind of an error and what it says."""
    return one_line(f"{type(error).__name__}: {error}".removesuffix(": "))


def one_line(text: str) -> str:
    """The text on one line, printable and short."""
    line = "".join(c if c.isprintable() else " " for c in text[: 4 * _MOST_CHARS])
    return " ".join(line.split())[:_MOST_CHARS]

"""Values in a data file: where each is and how it is reached; and which of them are records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tierwise.knowledge.document import Block
from tierwise.knowledge.reading.problem import Unreadable

MAX_DEPTH = 100
MOST_VALUES = 300_000  # that are held at a time: as many take about 100 MB of memory
MAX_RECORD = 1_200  # characters; a mapping or list above it is taken apart
_MAX_RUN = 600  # characters of neighbouring plain values that make a record together
_MAX_PATH = 200


@dataclass(slots=True)
class Value:
    """A value of JSON or YAML.

    Attributes:
        start: where it begins in the text, with its key if it has one.
        end: one past its last character.
        inner: where the value itself begins, behind its key.
        key: the name that leads to it, or its place in a list such as ``[3]``.
        scalar: its words if it is neither a mapping nor a list.
        children: what it holds, if it is one of those; left out where it is too small to be taken apart.
    """

    start: int
    end: int
    inner: int
    key: str = ""
    scalar: str | None = None
    children: list[Value] = field(default_factory=list)

    def forget(self) -> int:
        """Leave out what it holds; returns how many values those were."""
        count = sum(1 + child.forget() for child in self.children)
        self.children.clear()
        return count


class TooDeep(Unreadable):
    """Values inside of values beyond :data:`MAX_DEPTH`."""

    def __init__(self) -> None:
        super().__init__(
            f"Its values are nested more than {MAX_DEPTH} levels deep.", fix="Flatten it, or leave it out."
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (TooDeep, ())


class TooMany(Exception):
    """A file holds more than :data:`MOST_VALUES` values."""


def records(text: str, roots: Sequence[Value]) -> list[Block]:
    """What the roots hold, entry by entry, each with the path of its keys as head.

    Entries that are too large are taken apart again; plain values beside each other stay together.
    """
    if len(roots) == 1:
        return list(_inside(text, roots[0], ""))
    return [block for root in roots for block in _entry(text, root, "")]


def _entry(text: str, value: Value, path: str) -> Iterator[Block]:
    path = _join(path, value.key)
    if value.children and value.end - value.start > MAX_RECORD:
        yield from _inside(text, value, path)
    else:
        yield from _block(text, value.start, value.end, path)


def _inside(text: str, value: Value, path: str) -> Iterator[Block]:
    if not value.children:
        yield from _block(text, value.start, value.end, path)
        return
    run: list[Value] = []
    for child in value.children:
        if run and (child.scalar is None or child.end - run[0].start > _MAX_RUN):
            yield from _run(text, run, path)
            run = []
        if child.scalar is None:
            yield from _entry(text, child, path)
        else:
            run.append(child)
    yield from _run(text, run, path)


def _run(text: str, run: Sequence[Value], path: str) -> Iterator[Block]:
    """Plain values beside each other; one by itself has its own path."""
    if run:
        yield from _block(text, run[0].start, run[-1].end, path if len(run) > 1 else _join(path, run[0].key))


def _block(text: str, start: int, end: int, path: str) -> Iterator[Block]:
    """A block around these characters without white space at its end; none if that is all there is."""
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield Block(start, end, "record", path or None)


def _join(path: str, key: str) -> str:
    key = " ".join(key.split())
    if not path or key.startswith("["):
        return f"{path}{key}"[-_MAX_PATH:]
    return f"{path} > {key}"[-_MAX_PATH:]

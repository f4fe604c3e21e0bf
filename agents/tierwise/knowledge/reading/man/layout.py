"""The text of a manual page as it is laid out: paragraphs flow, items hang under their tags."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tierwise.knowledge.document import Block, BlockKind, Heading

_STEP = 4  # columns that what hangs under a tag is set in by
_BULLET = re.compile(r"[\u2022\u00b7\u25cf\u25e6\u25aa\u2043\u2013\u2014*o+-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.):]")
_MAX_TAG = 100
_SPACE = re.compile(r"[ \t]+")


@dataclass(slots=True)
class _Kept:
    """A block that is open: where it begins, how far in, and what it is."""

    start: int
    left: int
    kind: BlockKind
    head: str | None


class Layout:
    """Takes words and breaks in their order and keeps what has been written.

    Attributes:
        headings: in order of their place.
        blocks: in order of their place, the outermost of those inside of each other.
        filling: whether lines flow together to paragraphs.
    """

    def __init__(self) -> None:
        self.headings: list[Heading] = []
        self.blocks: list[Block] = []
        self.filling = True
        self._parts: list[str] = []
        self._length = 0
        self._line: list[str] = []
        self._glued = False  # whether the next words follow without a space
        self._gap = False  # whether a blank line is owed
        self._left = 0
        self._hanging = False
        self._margins: list[tuple[int, bool]] = []
        self._open: _Kept | None = None
        self._bullet = ""  # of an item whose words have not come yet
        self._alone: tuple[int, str] | None = None  # the line last written and where, if it is its whole paragraph

    @property
    def text(self) -> str:
        """What has been written."""
        return "".join(self._parts)

    def words(self, words: str, *, glued: bool = False) -> None:
        """Words of the paragraph, or a line of a display; ``glued`` lets what comes next follow without a space."""
        if not self.filling:
            self._line.append(words)
            if not glued:
                self.end_line(keep=True)
            return
        if words[:1] in (" ", "\t"):
            self.end_line()  # a line that is set in begins anew
        glued = glued and words[-1:] not in (" ", "\t")
        words = _SPACE.sub(" ", words).strip()
        if words:
            self._line.append(words if self._glued or not self._line else f" {words}")
            self._glued = glued
        elif not glued:
            self._glued = False

    def end_line(self, *, keep: bool = False) -> None:
        """End the line that is open; an empty one is written only if it is to be kept."""
        line, self._line, self._glued = "".join(self._line), [], False
        if self.filling:
            line = line.strip()
        if line.strip() or self._bullet:
            indent = " " * (self._left + _STEP * self._hanging)
            if self._bullet:
                indent, self._bullet = f"{' ' * self._left}{self._bullet} ", ""
            self._write(f"{indent}{line}".rstrip())
        elif keep:
            self._gap = True

    def paragraph(self, *, hanging: bool = False) -> None:
        """Begin a paragraph: at the margin, or ``hanging`` under the tag before."""
        self.end_line()
        self._gap = True
        self._hanging = hanging
        self._close_down_to(self._left + _STEP * hanging)

    def gap(self) -> None:
        """Leave a blank line."""
        self.end_line()
        self._gap = True

    def heading(self, title: str, level: int) -> None:
        """Write a heading; all that is open ends."""
        self.end_line()
        self._margins.clear()
        self._left, self._hanging, self.filling, self._gap = 0, False, True, True
        self._close_down_to(0)
        title = " ".join(title.split())
        if title:
            start = self._write(title)
            self.headings.append(Heading(start, start + len(title), level, title))
            self._gap = level == 1

    def item(self, tag: str, *, near: bool = False) -> None:
        """Begin an item; what comes next hangs under its tag, behind it if the tag is a bullet or a number.

        Args:
            tag: in words; may be empty.
            near: whether it shares its text with the tag before (``.TQ``), or no blank line is wanted.
        """
        self.end_line()
        tag = " ".join(tag.split())
        bullet = _BULLET.fullmatch(tag) is not None
        self._hanging = True
        if not tag:
            self._gap = True
            return
        self._gap = self._gap or not near
        follows = self._open is not None and self._open.kind == "list" and self._open.left == self._left and bullet
        if not follows and not (near and self._open is not None):
            self._close_down_to(self._left)
        if bullet:
            self._open = self._open or _Kept(self._next_start(), self._left, "list", None)
            self._bullet = tag
            return
        self._open = self._open or _Kept(self._next_start(), self._left, "record", tag[:200])
        self._write(" " * self._left + tag)

    def begin_display(self) -> None:
        """Lines stay lines from here on."""
        self.end_line()
        self._gap = True
        self.filling = False
        if self._open is None:
            self._open = _Kept(self._next_start(), self._left + _STEP * self._hanging, "code", None)

    def end_display(self) -> None:
        """Lines flow again."""
        self.end_line()
        if not self.filling:
            self.filling = True
            self._gap = True
            if self._open is not None and self._open.kind == "code":
                self._close()

    def indent(self) -> None:
        """Move the margin in, to where the text is; a short line above it is the tag of what is set in.

        That is how pages made from DocBook and AsciiDoc write options.
        """
        self.end_line()
        if self._alone is not None and not self._gap and self._open is None:
            start, tag = self._alone
            if len(tag) <= _MAX_TAG and not tag.endswith((":", ".")):
                self._open = _Kept(start, self._left, "record", tag.strip())
        if len(self._margins) < 30:
            self._margins.append((self._left, self._hanging))
            self._left += _STEP
            self._hanging = False

    def dedent(self) -> None:
        """Move the margin back to where it was."""
        self.end_line()
        if self._margins:
            self._left, self._hanging = self._margins.pop()

    def table(self, rows: list[str], head: str | None) -> None:
        """Write a table, one row a line."""
        self.end_line()
        self._gap = True
        indent = " " * (self._left + _STEP * self._hanging)
        starts = [self._write(indent + row) for row in rows if row]
        if starts and self._open is None:
            self.blocks.append(Block(starts[0], self._length, "table", head))
        self._gap = True

    def close(self) -> None:
        """Write what is waiting and end all blocks."""
        self.end_line()
        self._close_down_to(0)

    def _next_start(self) -> int:
        return self._length + (0 if not self._length else 2 if self._gap else 1)

    def _write(self, line: str) -> int:
        """Write a line; returns where it starts."""
        begins = self._gap
        start = self._next_start()
        self._parts += ("\n" * (start - self._length), line)
        self._length = start + len(line)
        self._gap = False
        self._alone = (start, line) if begins else None
        return start

    def _close_down_to(self, left: int) -> None:
        if self._open is not None and self._open.left >= left:
            self._close()

    def _close(self) -> None:
        kept, self._open = self._open, None
        if kept is not None and kept.start < self._length:
            self.blocks.append(Block(kept.start, self._length, kept.kind, kept.head))

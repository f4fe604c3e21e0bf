"""What lies on a page of a PDF, wherever it came from: words, ruling lines and pictures, in one upright frame."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Word:
    """Letters without a gap. Lengths are points (1/72 inch), from the upper left corner, y downwards.

    Attributes:
        text: its letters.
        x0: its left edge.
        x1: its right edge.
        y: its baseline.
        size: its font's size.
        bold: whether its font is heavy.
        mono: whether all letters of its font have one width.
    """

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool
    mono: bool

    @property
    def top(self) -> float:
        """About where its letters end."""
        return self.y - 0.75 * self.size

    @property
    def bottom(self) -> float:
        """About where they end below the baseline."""
        return self.y + 0.22 * self.size


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line along ``at`` (its x if it stands, its y if it lies) from ``start`` to ``end``."""

    lies: bool
    at: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page.

    Attributes:
        number: from 1.
        width: of the page, in points.
        height: of the page.
        words: in the order in which they were drawn.
        rules: lines and the edges of boxes.
        slanted: lines of text that run in another direction than most.
        pictured: the share of the page that its largest picture covers, 0 to 1.
        drawings: how many shapes are drawn on it.
        letters: how many its words have.
        unmapped: letters whose font does not say which they are.
        hidden: letters that were left out because nobody sees them.
        cut: whether it holds more than is read of one page.
    """

    number: int
    width: float
    height: float
    words: tuple[Word, ...] = ()
    rules: tuple[Rule, ...] = ()
    slanted: tuple[str, ...] = ()
    pictured: float = 0.0
    drawings: int = 0
    letters: int = 0
    unmapped: int = 0
    hidden: int = 0
    cut: bool = False

    def described(self) -> Sheet:
        """The same without what lies on it."""
        return replace(self, words=(), rules=(), slanted=())

"""Numbers of pages in words."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 20


def listed(noun: str, numbers: Sequence[int], one: str = "", more: str = "") -> str:
    """``Page 3 is``, ``Pages 3, 4 and 9 are``, ``Pages 1, 2, ... and 80 more are``.

    Args:
        noun: in the singular; its plural ends in ``s``.
        numbers: at least one.
        one: what follows a single one.
        more: what follows several.
    """
    if len(numbers) == 1:
        return f"{noun} {numbers[0]} {one}".rstrip()
    shown = [str(n) for n in numbers[:_SHOWN]]
    last = f"{len(numbers) - _SHOWN:,} more" if len(numbers) > _SHOWN else shown.pop()
    return f"{noun}s {', '.join(shown)} and {last} {more}".rstrip()

"""Which conversations' prefixes are stored beside the one the context holds: bookkeeping only, nothing is copied here.

Reading a token costs a hundred times what copying its keys and values does, so what the context holds is stored when
another conversation takes over, and copied back when its own goes on. Least recently used goes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAST = 32  # tokens; reading fewer again is cheaper than thinking about it
_COPIES = 32  # tokens copied in less time than one is read, with room to spare
_CONTINUED = 3 / 4  # of a prefix that stays in use: then it is the same conversation, and its old end is of no use


@dataclass(frozen=True, eq=False)
class Stored:
    """A prefix and the state of a context that has read it.

    Attributes:
        tokens: what was read.
        state: bytes of the context's memory.
    """

    tokens: tuple[int, ...]
    state: NDArray[np.uint8]


class Prefixes:
    """Stored prefixes that together take at most ``budget`` bytes.

    Args:
        budget: bytes of all states together, at any time; 0 stores nothing.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._stored: list[Stored] = []  # least recently used first

    @property
    def size(self) -> int:
        """Bytes of all states."""
        return sum(stored.state.nbytes for stored in self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def find(self, prompt: Sequence[int], *, held: int) -> Stored | None:
        """The stored prefix that saves most reading, if copying it back is worth that.

        Args:
            prompt: what is to be read.
            held: tokens of it that the context holds already.
        """
        best, longest = None, held
        for stored in self._stored:
            length = common(stored.tokens, prompt)
            if length > longest:
                best, longest = stored, length
        gain = longest - held
        if best is None or gain < _LEAST or gain * _COPIES < len(best.tokens):
            return None
        return best

    def wants(self, tokens: Sequence[int], *, staying: int) -> bool:
        """Whether ``tokens`` should be stored before all but the first ``staying`` leave the context."""
        return (
            self.budget > 0
            and _worth_keeping(len(tokens), staying)
            and all(len(tokens) - common(stored.tokens, tokens) >= _LEAST for stored in self._stored)
        )

    def make_room(self, size: int, *, keep: Stored | None) -> bool:
        """Evict until ``size`` more bytes fit; ``False``, and nothing evicted, if they cannot.

        Args:
            size: bytes to come.
            keep: what is needed next and must stay.
        """
        if size > self.budget - (keep.state.nbytes if keep else 0):
            return False
        for stored in [s for s in self._stored if s is not keep]:
            if self.size + size <= self.budget:
                break
            self._stored.remove(stored)
        return True

    def add(self, stored: Stored) -> None:
        """Store a prefix that there is room for; shorter ones it contains go."""
        self._stored = [s for s in self._stored if len(s.tokens) - common(s.tokens, stored.tokens) >= _LEAST]
        self._stored.append(stored)

    def used(self, stored: Stored, *, staying: int) -> None:
        """Note that it was copied back and its first ``staying`` tokens go on; if that is most of it, the copy goes."""
        self.remove(stored)
        if _worth_keeping(len(stored.tokens), staying):
            self._stored.append(stored)

    def remove(self, stored: Stored) -> None:
        """Forget one."""
        self._stored.remove(stored)


def common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens two texts have in common at their beginning."""
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))


def _worth_keeping(length: int, staying: int) -> bool:
    return length - staying >= _LEAST and staying < _CONTINUED * length

"""Which conversations' prefixes are stored beside the one the context holds: bookkeeping only, nothing is copied here.

Reading a token costs a hundred times what copying its keys and values does, so what the context holds is stored when
another conversation takes over, and copied back when its own goes on. Least recently used goes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORTH_COPYING = 32  # tokens; reading fewer again is cheaper than thinking about it
_COPIES = 32  # tokens copied in less time than one is read, with room to spare
_CONTINUED = 3 / 4  # of a prefix that stays in use: then it is the same conversation, and its old end is of no use


class Adapter(NamedTuple):
    """A LoRA adapter: its file, and a number that changes with the file's contents."""

    path: str
    version: int


@dataclass(frozen=True, eq=False)
class Stored:
    """A prefix and the state of a context that has read it.

    Attributes:
        tokens: what was read.
        state: bytes of the context's memory.
        adapter: the adapter it was read with; keys and values are of no use with another one.
    """

    tokens: tuple[int, ...]
    state: NDArray[np.uint8]
    adapter: Adapter | None = None


class Prefixes:
    """Stored prefixes that together take at most ``budget`` bytes.

    Args:
        budget: bytes of all states together, at any time; 0 stores nothing.

    Attributes:
        evicted: how many had to go so far to keep within the budget.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.evicted = 0
        self._stored: list[Stored] = []  # least recently used first

    @property
    def size(self) -> int:
        """Bytes of all states."""
        return sum(stored.state.nbytes for stored in self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def find(self, prompt: Sequence[int], adapter: Adapter | None = None, *, held: int) -> Stored | None:
        """The stored prefix that saves most reading, if copying it back is worth that.

        Args:
            prompt: what is to be read.
            adapter: what it is to be read with.
            held: tokens of it that the context holds already.
        """
        best, longest = None, held
        for stored in self._with(adapter):
            length = common(stored.tokens, prompt)
            if length > longest:
                best, longest = stored, length
        gain = longest - held
        if best is None or gain < WORTH_COPYING or gain * _COPIES < len(best.tokens):
            return None
        return best

    def wants(self, tokens: Sequence[int], adapter: Adapter | None = None, *, staying: int) -> bool:
        """Whether ``tokens`` should be stored before all but the first ``staying`` leave the context."""
        return (
            self.budget > 0
            and _worth_keeping(len(tokens), staying)
            and all(len(tokens) - common(stored.tokens, tokens) >= WORTH_COPYING for stored in self._with(adapter))
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
            self.evicted += 1
        return True

    def add(self, stored: Stored) -> None:
        """Store a prefix that there is room for; shorter ones it contains go."""
        contained = [s for s in self._with(stored.adapter) if _contains(stored, s)]
        self._stored = [s for s in self._stored if s not in contained]
        self._stored.append(stored)

    def used(self, stored: Stored, *, staying: int) -> None:
        """Note that it was copied back and its first ``staying`` tokens go on; if that is most of it, the copy goes."""
        self.remove(stored)
        if _worth_keeping(len(stored.tokens), staying):
            self._stored.append(stored)

    def remove(self, stored: Stored) -> None:
        """Forget one."""
        self._stored.remove(stored)

    def _with(self, adapter: Adapter | None) -> list[Stored]:
        return [stored for stored in self._stored if stored.adapter == adapter]


def common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens two texts have in common at their beginning."""
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))


def _contains(longer: Stored, shorter: Stored) -> bool:
    return len(shorter.tokens) - common(shorter.tokens, longer.tokens) < WORTH_COPYING


def _worth_keeping(length: int, staying: int) -> bool:
    return length - staying >= WORTH_COPYING and staying < _CONTINUED * length

"""Where the conversations of one model lie: in a sequence of its memory, or copied out of it.

The memory holds what is being answered, and what was answered last. When another conversation comes, whatever is not
needed is copied to the host's memory (:mod:`tierwise.models.local.prefixes`), because every token in the model's memory
slows each step down, while copying one back costs a hundredth of reading it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tierwise.models.local.prefixes import WORTH_COPYING, Adapter, Prefixes, Stored, common


class Memory(Protocol):
    """The part of an engine that holds sequences."""

    def trim(self, sequence: int, length: int) -> int: ...  # noqa: D102
    def share(self, source: int, target: int, length: int) -> int: ...  # noqa: D102
    def state_size(self, sequence: int) -> int: ...  # noqa: D102
    def save(self, sequence: int, length: int) -> Any: ...  # noqa: D102
    def restore(self, sequence: int, state: Any) -> bool: ...  # noqa: D102


@dataclass(eq=False)
class Slot:
    """One sequence of the model's memory.

    Attributes:
        number: which.
        tokens: what it holds.
        adapter: the adapter it was computed with.
        busy: an answer is written in it.
    """

    number: int
    tokens: list[int] = field(default_factory=list)
    adapter: Adapter | None = None
    busy: bool = False


class Conversations:
    """Gives each request a slot that already holds as much of its prompt as possible.

    Args:
        memory: the engine.
        slots: how many there are.
        budget: bytes for copies outside the model's memory.
    """

    def __init__(self, memory: Memory, slots: int, budget: int) -> None:
        self._memory = memory
        self._slots = [Slot(number) for number in range(slots)]
        self.prefixes = Prefixes(budget)

    @property
    def free(self) -> bool:
        """Whether a slot is not busy."""
        return any(not slot.busy for slot in self._slots)

    def place(self, prompt: Sequence[int], adapter: Adapter | None) -> Slot:
        """A busy slot whose tokens begin ``prompt``; at least its last token is left to compute.

        Args:
            prompt: what is to be read; its last token is always computed again, for the logits the answer starts from.
            adapter: the adapter it is read with.
        """
        goal = list(prompt[:-1])
        idle = [slot for slot in self._slots if not slot.busy]
        slot = max(idle, key=lambda s: common(s.tokens, goal) if s.adapter == adapter else -1)
        held = common(slot.tokens, goal) if slot.adapter == adapter else 0
        found = self.prefixes.find(goal, adapter, held=held)
        for other in idle:
            self._put_away(other, staying=held if other is slot and found is None else 0, needed_next=found)
            if other is not slot:
                self._empty(other)
        if found is not None:
            self._bring_back(found, slot, goal)
        elif held == 0:
            self._empty(slot)
        slot.adapter = adapter
        self._share(slot, goal)
        self.cut(slot, common(slot.tokens, goal))
        slot.busy = True
        return slot

    def release(self, slot: Slot) -> None:
        """The answer is over; the slot keeps what it holds until another conversation needs the room."""
        slot.busy = False

    def cut(self, slot: Slot, length: int) -> None:
        """Keep the first ``length`` tokens; fewer, if the memory of this model cannot be cut."""
        del slot.tokens[self._memory.trim(slot.number, length) :]

    def forget(self) -> None:
        """Empty every slot: what the memory holds is no longer known."""
        for slot in self._slots:
            self._empty(slot)

    def _empty(self, slot: Slot) -> None:
        self._memory.trim(slot.number, 0)
        slot.tokens.clear()

    def _put_away(self, slot: Slot, *, staying: int, needed_next: Stored | None) -> None:
        if not self.prefixes.wants(slot.tokens, slot.adapter, staying=staying):
            return
        if self.prefixes.make_room(self._memory.state_size(slot.number), keep=needed_next):
            state = self._memory.save(slot.number, len(slot.tokens))
            if state is not None:
                self.prefixes.add(Stored(tuple(slot.tokens), state, slot.adapter))

    def _bring_back(self, found: Stored, slot: Slot, goal: Sequence[int]) -> None:
        self._empty(slot)
        if self._memory.restore(slot.number, found.state):
            slot.tokens[:] = found.tokens
            self.prefixes.used(found, staying=common(found.tokens, goal))
        else:
            self.prefixes.remove(found)

    def _share(self, slot: Slot, goal: Sequence[int]) -> None:
        """Take the beginning that a conversation in work has in common with this one, such as the instructions."""
        busy = [s for s in self._slots if s.busy and s.adapter == slot.adapter]
        if not busy:
            return
        other = max(busy, key=lambda s: common(s.tokens, goal))
        length = common(other.tokens, goal)
        if length - common(slot.tokens, goal) >= WORTH_COPYING:
            self._empty(slot)
            slot.tokens[:] = other.tokens[: self._memory.share(other.number, slot.number, length)]

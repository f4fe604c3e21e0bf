"""Something that is kept for each model, as long as the model lives."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class PerModel(Generic[T]):
    """Keeps by identity: a model of one's own need not be hashable (a dataclass is not).

    Args:
        make: makes what is kept.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._kept: dict[int, tuple[weakref.ref[Any], T]] = {}

    def of(self, model: object) -> T:
        """What is kept for a model; made anew each time for one that cannot be watched."""
        key = id(model)
        found = self._kept.get(key)
        if found is not None and found[0]() is model:
            return found[1]
        made = self._make()
        with contextlib.suppress(TypeError):  # it has no place for a weak reference
            self._kept[key] = weakref.ref(model, lambda _: self._kept.pop(key, None)), made
        return made

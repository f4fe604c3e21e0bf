"""A text is counted once a model, and correctly however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from tierwise.graph import counting
from tierwise.graph.counting import count_tokens


class Counter:
    """A token a character."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self.asked += texts
        return [len(text) for text in texts]


class Unhashable(Counter):
    """As a dataclass is."""

    __hash__ = None  # type: ignore[assignment]


class Slotted:
    """A model that has no place for a weak reference."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        self.asked: list[str] = []

    count_tokens = Counter.count_tokens


async def test_a_text_is_counted_once_a_model() -> None:
    one, other = Counter(), Counter()
    assert await count_tokens(cast(Any, one), ["a", "bb", "a"]) == [1, 2, 1]
    assert await count_tokens(cast(Any, one), ["bb", "ccc"]) == [2, 3]
    assert one.asked == ["a", "bb", "ccc"]
    assert await count_tokens(cast(Any, other), ["bb"]) == [2]
    assert other.asked == ["bb"]
    assert await count_tokens(cast(Any, one), []) == []


async def test_more_texts_than_are_kept_are_counted_all_the_same(monkeypatch: Any) -> None:
    monkeypatch.setattr(counting, "_MOST", 5)
    model = cast(Any, Counter())
    assert await count_tokens(model, ["x" * n for n in range(4)]) == [0, 1, 2, 3]
    assert await count_tokens(model, ["x" * n for n in range(12)]) == list(range(12))
    assert await count_tokens(model, ["x" * n for n in range(12)]) == list(range(12))


async def test_what_is_kept_for_a_model_goes_with_it() -> None:
    model = Unhashable()
    for _ in range(2):
        assert await count_tokens(cast(Any, model), ["a"]) == [1]
    assert model.asked == ["a"]
    kept = len(counting._counted._kept)
    del model
    assert len(counting._counted._kept) == kept - 1


async def test_a_model_that_cannot_be_remembered_is_asked_each_time() -> None:
    model = Slotted()
    assert await count_tokens(cast(Any, model), ["a", "\ud800"]) == [1, 1]
    assert await count_tokens(cast(Any, model), ["a"]) == [1]
    assert model.asked == ["a", "\ud800", "a"]

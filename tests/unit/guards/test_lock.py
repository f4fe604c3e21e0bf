"""A turn is locked by any one lock, and by a lock that cannot be read."""

from __future__ import annotations

import pytest

from tierwise.guards import locks
from tierwise.types import Passage


def test_no_lock_no_reason() -> None:
    assert locks() == ()


@pytest.mark.parametrize("level", ["app", "thread", "collection", "message"])
@pytest.mark.parametrize("state", [True, None])
def test_each_level_locks_also_when_it_cannot_be_read(level: str, state: bool | None) -> None:
    (reason,) = locks(**{level: state})  # type: ignore[arg-type]
    assert reason.code == "lock"
    assert level in reason.text


def test_a_passage_of_a_locked_collection_locks_the_turn() -> None:
    secret = Passage("p", "/a.txt", "private", None, 0, 1, "x", locked=True)
    assert [reason.code for reason in locks(passages=[secret])] == ["lock"]

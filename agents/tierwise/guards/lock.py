"""Is this turn locked, and by what? A lock that cannot be read counts as locked."""

from __future__ import annotations

from collections.abc import Sequence

from tierwise.types import Passage, Reason

_WORDS = {
    "app": "The whole app is locked to this device.",
    "thread": "This thread is locked to this device.",
    "collection": "The collection that was asked is locked to this device.",
    "message": "You locked this message to this device.",
    "passages": "A passage comes from a locked collection.",
}


def locks(
    *,
    app: bool | None = False,
    thread: bool | None = False,
    collection: bool | None = False,
    message: bool | None = False,
    passages: Sequence[Passage] = (),
) -> tuple[Reason, ...]:
    """Every lock that holds for a turn, the widest first; none means that the turn may leave the device.

    Args:
        app: the app's lock; here and below, ``None`` means that it could not be read, and counts as locked.
        thread: the thread's lock.
        collection: the lock of the collection the turn is limited to.
        message: the user's wish for this message.
        passages: what the prompt will hold; one from a locked collection locks the turn.
    """
    states: dict[str, bool | None] = {
        "app": app,
        "thread": thread,
        "collection": collection,
        "message": message,
        "passages": any(passage.locked for passage in passages),
    }
    return tuple(
        Reason("lock", _WORDS[name] if state else f"The lock of the {name} cannot be read, so it counts as locked.")
        for name, state in states.items()
        if state is not False
    )

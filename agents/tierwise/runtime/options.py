"""What a caller may say about a question, in one place for all the ways to ask it."""

from __future__ import annotations

from typing import TypedDict

from tierwise.types import Dial


class RouteOptions(TypedDict, total=False):
    """Keyword arguments of ``route``.

    Attributes:
        tier: ``auto`` (the default), ``quick``, ``deep`` or a tier's name.
        dial: overrides the configured wish between economy and quality.
        lock: keep this message on the device.
        collection: search only this collection.
        offline: refuse every tier that is not on the device; ``None`` leaves it to the settings.
    """

    tier: str
    dial: Dial | None
    lock: bool
    collection: str | None
    offline: bool | None


class AskOptions(RouteOptions, total=False):
    """Keyword arguments of ``ask`` and ``stream``.

    Attributes:
        thread: a thread to continue or to begin; by default a new one.
    """

    thread: str | None

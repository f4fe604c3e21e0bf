"""The dial in the user's own writing: a word, or a share of questions."""

from __future__ import annotations

from typing import Any, cast, get_args

from tierwise.errors import ConfigError
from tierwise.types import Dial, Wish

WORDS: tuple[Dial, ...] = get_args(Dial)


def read_wish(name: str, value: Any) -> Wish:
    """A wish from what a file, a variable or a flag says.

    Args:
        name: where it stands, for the error.
        value: ``economy``, ``balanced``, ``quality``, or a share from 0 to 1 as a number or text (``0.2``, ``20%``).

    Raises:
        ConfigError: if it is none of these.
    """
    if value in WORDS:
        return cast(Wish, value)
    share = _share(value)
    if share is None:
        raise ConfigError(
            f"{name} is {value!r}.", fix="Use economy, balanced, quality, or a share of questions such as 0.2."
        )
    return share


def wish_text(wish: Wish) -> str:
    """The wish for people."""
    return wish if isinstance(wish, str) else f"at most {wish:.0%} of questions to a larger tier"


def _share(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, str) and value.strip().endswith("%"):
            share = float(value.strip()[:-1]) / 100
        else:
            share = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return share if 0 <= share <= 1 else None

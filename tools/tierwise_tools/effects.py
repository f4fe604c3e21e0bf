"""What a call of a tool does beside answering, and what that means for asking a person first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

Effect = Literal["read", "write", "network", "execute"]
Asks = Literal["by_effect", "always"]

EFFECTS: tuple[Effect, ...] = get_args(Effect)
_ASKING: frozenset[Effect] = frozenset({"write", "execute"})


def read_effects(effects: Effect | Iterable[Effect] | None) -> tuple[Effect, ...]:
    """Effects as they are kept: each once, in the order of :data:`EFFECTS`.

    Args:
        effects: one, several, or ``None`` for a tool that does not say: it is taken to change something.

    Raises:
        ValueError: for a word that is none.
    """
    words = ("write",) if effects is None else (effects,) if isinstance(effects, str) else tuple(effects)
    if unknown := [word for word in words if word not in EFFECTS]:
        raise ValueError(f"{unknown[0]!r} is no effect; use {', '.join(EFFECTS)}")
    if not words:
        raise ValueError(f"a tool has at least one effect; use {', '.join(EFFECTS)}")
    return tuple(effect for effect in EFFECTS if effect in words)


def only_reads(effects: Iterable[Effect]) -> bool:
    """Whether a call changes nothing and tells nobody outside."""
    return set(effects) <= {"read"}


def ask_by_effect(effects: Iterable[Effect], *, tainted: bool) -> bool:
    """Whether a person has to say yes first, by the effects alone.

    ``read`` and ``network`` are free and ``write`` and ``execute`` ask. In a turn that has read untrusted text the
    model may be doing what that text wants, so anything but ``read`` asks: a request that leaves can carry something
    away.

    Args:
        effects: of the tool.
        tainted: the turn has read text that may not be trusted.
    """
    if tainted:
        return not only_reads(effects)
    return bool(_ASKING.intersection(effects))

"""A question of an earlier turn, asked again of another tier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tierwise.config import Tier
from tierwise.errors import InvalidInput
from tierwise.jsonable import from_json
from tierwise.knowledge import Filter
from tierwise.record import Record
from tierwise.routing.choose import TierState, resolve
from tierwise.runtime.options import AgainOptions, AskOptions


@dataclass(frozen=True, slots=True)
class Again:
    """What is asked, how, and in place of what: ``overrules`` as the turn's state has it."""

    question: str
    options: AskOptions
    overrules: dict[str, Any]


def prepare_again(record: Record, tiers: Sequence[Tier], turn_id: str, tier: str, options: AgainOptions) -> Again:
    """Look the earlier turn up; its thread, lock and documents are kept, and its dial unless another is given.

    Raises:
        UnknownName: if there is no such turn or tier.
        InvalidInput: if the turn is not over, or another answer took its place already.
    """
    old = record.get(turn_id)
    if old.status == "running":  # perhaps nobody runs it any more
        record.free(old.thread)
        old = record.get(old.turn_id)
    if old.status in ("running", "needs_approval"):
        state = "is still being answered" if old.status == "running" else "waits for your decision"
        raise InvalidInput(f"Turn {old.turn_id} {state}.", fix="Let it end, or stop it, first.")
    if old.overruled is not None:
        successor = record.successor(old.turn_id)
        fix = f"Name that turn: {successor}." if successor else "Name a later turn."
        raise InvalidInput(f"Another answer has taken the place of turn {old.turn_id} already.", fix=fix)
    asked = resolve([TierState(t.name, t.stays_on_device, 0) for t in tiers], tier)
    question = options.get("question")
    asking: AskOptions = {
        "thread": old.thread,
        "tier": "auto" if asked is None else asked.name,
        "collection": old.collection,
        "only": None if old.only is None else from_json(Filter, old.only),
        "document": old.document,
        "dial": old.dial if (dial := options.get("dial")) is None else dial,
        "lock": options.get("lock", False) or old.locked,
        "offline": options.get("offline"),
        "schema": options.get("schema"),
        "adapter": options.get("adapter"),
        "grounded": options.get("grounded"),
        "show_before_sending": options.get("show_before_sending"),
        "search": options.get("search", True),
        "own_tools": options.get("own_tools", True),
        "caller": options.get("caller"),
        "goes_on": options.get("goes_on", False),
    }
    overrules = {
        "turn_id": old.turn_id,
        "tier": old.final,
        "locked": old.locked,
        "anew": asked is None or old.final in (None, asked.name),
        "edited": question is not None and question != old.asked,
    }
    return Again(old.asked if question is None else question, asking, overrules)

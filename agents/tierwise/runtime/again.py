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
from tierwise.routing.thread.overruling import check_overrule
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
        InvalidInput: if the turn has no answer, another answer took its place already, or that tier gave it.
    """
    old = record.get(turn_id)
    if old.final is None:
        state = "is still being answered" if old.status == "running" else "has no answer to overrule"
        raise InvalidInput(f"Turn {old.turn_id} {state}.", fix="Ask the question anew.")
    if old.overruled is not None:
        successor = record.successor(old.turn_id)
        fix = f"Name that turn: {successor}." if successor else "Name a later turn."
        raise InvalidInput(f"Another answer has taken the place of turn {old.turn_id} already.", fix=fix)
    asked = resolve([TierState(t.name, t.stays_on_device, 0) for t in tiers], tier)
    if asked is None:
        raise InvalidInput("It is not said which tier is to answer again.", fix="Name one, or quick or deep.")
    check_overrule([t.name for t in tiers], old.final, asked.name)
    asking: AskOptions = {
        "thread": old.thread,
        "tier": asked.name,
        "collection": old.collection,
        "only": None if old.only is None else from_json(Filter, old.only),
        "document": old.document,
        "dial": old.dial if (dial := options.get("dial")) is None else dial,
        "lock": options.get("lock", False) or old.locked,
        "offline": options.get("offline"),
        "schema": options.get("schema"),
        "adapter": options.get("adapter"),
        "grounded": options.get("grounded"),
    }
    return Again(old.asked, asking, {"turn_id": old.turn_id, "tier": old.final, "locked": old.locked})

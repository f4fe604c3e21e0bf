"""What a turn would choose, found without one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

from tierwise.errors import UsageError
from tierwise.graph.budget import wish_in_force
from tierwise.graph.caps import caller_of, read_caps
from tierwise.graph.context import Services
from tierwise.graph.finding import passages_for, question_vector
from tierwise.graph.searching import collection_lock
from tierwise.graph.state import TurnState
from tierwise.guards import locks
from tierwise.routing.base import Question
from tierwise.routing.choose import choose, rough_tokens
from tierwise.turns import Notice
from tierwise.types import Assessment, Passage, Reason, Wish


@dataclass(frozen=True, slots=True)
class Route:
    """What would be chosen for a question, without drafting, and what the user would be told about the choice."""

    choice: str
    p_good: dict[str, float]
    reasons: tuple[Reason, ...]
    notices: tuple[Notice, ...] = ()


async def find_route(services: Services, state: TurnState) -> Route:
    """The choice for the first message of a thread.

    Raises:
        UnknownName: if the collection or the tier does not exist.
        Blocked: if no tier may answer.
    """
    question = state["asked"]
    notices = [Notice("calibration_unused", services.calibration_problem)] if services.calibration_problem else []
    vector = await asyncio.to_thread(question_vector, services, question)
    passages: tuple[Passage, ...] = ()
    try:
        passages = (await asyncio.to_thread(passages_for, services, state, question, vector)).passages
    except UsageError:
        raise
    except Exception as error:  # it costs the passages, here as in a turn
        notices.append(Notice("no_passages", f"The documents could not be searched: {error}"))
    collection_locked = await asyncio.to_thread(collection_lock, services.retriever, state)
    caps = await asyncio.to_thread(read_caps, services, None, caller_of(state))
    wish = cast(Wish, state["dial"])
    force = await asyncio.to_thread(wish_in_force, services, caps, wish, state["requested"])
    notices += force.notices
    tiers = services.tier_states(caps=caps)
    names = tuple(tier.name for tier in tiers)
    try:
        assessment = await services.router.assess(
            Question(question, names, passages=passages, vector=vector, dial=force.wish)
        )
    except Exception as error:  # it leaves the choice to the rules, here as in a turn
        assessment = Assessment()
        notices.append(Notice("router_failed", f"The router failed, so the rules decided: {error}"))
    choice = choose(
        tiers,
        requested=state["requested"],
        locked=bool(locks(collection=collection_locked, message=state["locked"], passages=passages)),
        offline=state["offline"],
        prompt_tokens=rough_tokens(question),
        assessment=assessment,
        dial=force.wish,
    )
    reasons = tuple(dict.fromkeys(choice.reasons + assessment.reasons))
    return Route(choice.tier, assessment.p_good, reasons, tuple(notices))

"""assess and choose: what is known before drafting, and the tier that tries first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from langgraph.runtime import Runtime

from tierwise.events import TierChosen
from tierwise.graph.at_hand import read
from tierwise.graph.budget import InForce, wish_in_force
from tierwise.graph.caps import read_caps
from tierwise.graph.context import TurnContext
from tierwise.graph.conversation import Past, look_back
from tierwise.graph.emitting import emit
from tierwise.graph.said import fixed_words, said_before
from tierwise.graph.state import TurnState
from tierwise.jsonable import from_json, to_json
from tierwise.record import NO_ANSWER
from tierwise.routing.base import Question
from tierwise.routing.budget import Cap
from tierwise.routing.choose import TierState, choose, resolve, rough_tokens
from tierwise.routing.thread.overruling import check_lock
from tierwise.turns import Notice
from tierwise.types import Assessment, Choice, Message, Passage


async def choose_tier(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Choose the first tier; a router that fails leaves the choice to the rules.

    Raises:
        Blocked: if no tier may answer.
        UnknownName: if the user named a tier that does not exist.
    """
    context, services = runtime.context, runtime.context.services
    started = time.perf_counter()
    # A thread's questions may have to be compared by their vectors, which takes its time.
    if state.get("passing"):
        known = await read(services.record, _read, state, context)
    else:
        known = await asyncio.to_thread(_read, state, context)
    context.caps, force, past = known.caps, known.force, known.past
    tiers = services.tier_states(caps=context.caps)
    notices = [Notice("calibration_unused", services.calibration_problem)] if services.calibration_problem else []
    notices += force.notices
    again = state.get("overrules")
    asked = resolve(tiers, state["requested"])
    if again and asked is not None:
        check_lock(asked, turn_locked=again["locked"])
    try:
        assessment = await services.router.assess(
            Question(
                text=state["asked"],
                tiers=tuple(t.name for t in tiers),
                history=tuple(known.history),
                passages=tuple(from_json(Passage, p) for p in state["passages"]),
                vector=context.vector,
                dial=force.wish,
                conversation=past.features,
            )
        )
    except Exception as error:
        assessment = Assessment()
        notices.append(Notice("router_failed", f"The router failed, so the rules decided: {error}"))
    choice = choose(
        tiers,
        requested=state["requested"],
        locked=state["locked"],
        offline=state["offline"],
        prompt_tokens=rough_tokens(state["asked"]) + rough_tokens(fixed_words(state)),
        adapter=state.get("adapter") is not None,
        assessment=assessment,
        dial=force.wish,
        stay=past.stay,
    )
    if choice.stage == "fallback":
        notices.append(_passed_over([tier.name for tier in tiers], asked, choice))
    paced = {} if force.share is None else {"allowed_share": force.share}
    window = services.window(tiers[0].name)
    if choice.stage == "pre" and window is not None:
        window.note(choice.reasons[0].value or 0.0)
    emit(
        runtime,
        context.event(
            TierChosen, tier=choice.tier, stage=choice.stage, reasons=choice.reasons, p_good=assessment.p_good
        ),
    )
    return {
        "tier": choice.tier,
        "chosen": choice.tier,
        "stage": choice.stage,
        "reasons": to_json(choice.reasons),
        "floor": to_json(assessment.floor),
        "calibration": services.calibration,
        "wish": force.wish,
        "features": {**past.features, **paced, **assessment.features},
        "p_good": assessment.p_good,
        "attempt": 1,
        "draft": None,
        "held": None,
        "notices": to_json(notices),
        "ms": {"choose": (time.perf_counter() - started) * 1000},
    }


@dataclass(frozen=True, slots=True)
class _Known:
    """What the record says before a tier is chosen."""

    caps: tuple[Cap, ...]
    force: InForce
    history: list[Message]
    past: Past


def _read(state: TurnState, context: TurnContext) -> _Known:
    """Read all of it in one go; call it in a thread."""
    services = context.services
    caps = read_caps(services, state["turn_id"], context.caller)
    force = wish_in_force(services, caps, state["dial"], state["requested"])  # type: ignore[arg-type]
    return _Known(caps, force, _history(state, context), look_back(state, context))


def _history(state: TurnState, context: TurnContext) -> list[Message]:
    """What was said before, question and answer in turn; call it in a thread."""
    if (kept := said_before(state)) is not None:
        said = kept.earlier.exchanges
        return [m for one in said for m in (Message("user", one.asked), Message("assistant", one.text or NO_ANSWER))]
    before = again["turn_id"] if (again := state.get("overrules")) else None
    return context.services.record.history(state["thread"], with_locked=True, before=before)


def _passed_over(tiers: Sequence[str], asked: TierState | None, choice: Choice) -> Notice:
    """What to tell about a tier that would have come first and cannot be used now."""
    wanted = asked.name if asked is not None else tiers[0]
    why = " ".join(reason.text for reason in choice.reasons)
    below = tiers.index(choice.tier) < tiers.index(wanted)
    return Notice("degraded" if below else "fallback", f"{why} {choice.tier} answers instead.")

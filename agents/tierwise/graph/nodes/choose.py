"""assess and choose: what is known before drafting, and the tier that tries first."""

from __future__ import annotations

import asyncio
import time

from langgraph.runtime import Runtime

from tierwise.events import TierChosen
from tierwise.graph.context import TurnContext
from tierwise.graph.state import TurnState
from tierwise.jsonable import from_json, to_json
from tierwise.routing.base import Question
from tierwise.routing.choose import choose, rough_tokens
from tierwise.types import Assessment, Notice, Passage


async def choose_tier(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Choose the first tier; a router that fails leaves the choice to the rules.

    Raises:
        Blocked: if no tier may answer.
        UnknownName: if the user named a tier that does not exist.
    """
    context, services = runtime.context, runtime.context.services
    started = time.perf_counter()
    tiers = services.tier_states()
    notices = []
    history = await asyncio.to_thread(services.record.history, state["thread"], with_locked=True)
    try:
        assessment = await services.router.assess(
            Question(
                text=state["asked"],
                tiers=tuple(t.name for t in tiers),
                history=tuple(history),
                passages=tuple(from_json(Passage, p) for p in state["passages"]),
                vector=context.vector,
                dial=state["dial"],  # type: ignore[arg-type]
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
        prompt_tokens=rough_tokens(state["asked"]),
        adapter=state.get("adapter") is not None,
        assessment=assessment,
        dial=state["dial"],  # type: ignore[arg-type]
    )
    runtime.stream_writer(
        context.event(
            TierChosen, tier=choice.tier, stage=choice.stage, reasons=choice.reasons, p_good=assessment.p_good
        )
    )
    return {
        "tier": choice.tier,
        "chosen": choice.tier,
        "stage": choice.stage,
        "reasons": to_json(choice.reasons),
        "features": assessment.features,
        "p_good": assessment.p_good,
        "attempt": 1,
        "draft": None,
        "held": None,
        "notices": to_json(notices),
        "ms": {"choose": (time.perf_counter() - started) * 1000},
    }

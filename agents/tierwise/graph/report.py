"""From a turn's state to its decision record."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, cast

from tierwise.graph.attempts import finished_attempt
from tierwise.graph.context import Live, TurnContext
from tierwise.graph.state import TurnState
from tierwise.graph.step import cost_of
from tierwise.jsonable import from_json
from tierwise.record import steps_of
from tierwise.turns import (
    Attempt,
    DecisionRecord,
    Notice,
    OfferedTool,
    Outgoing,
    Retrieval,
    SentOut,
    ToolStep,
    Unsupported,
    WaitingCall,
)
from tierwise.types import AttemptOutcome, Citation, Passage, Reason, ToolCall, TurnStatus, Usage


def decision_record(
    state: TurnState,
    context: TurnContext,
    status: TurnStatus | Literal["running"],
    *,
    error: str | None = None,
    waiting: Sequence[WaitingCall] = (),
    outgoing: Outgoing | None = None,
) -> DecisionRecord:
    """Write down a turn as it stands: finished, or stopped wherever it was.

    An attempt that was being written (``context.live``) becomes a stopped attempt, and its text the turn's text. The
    state may be behind it: whoever reads the events sees a state only after the node that changed it.
    """
    live = context.live
    if live is not None and live.number > state.get("step", 0):
        state = {**live.before, **live.told}
    else:
        live = None
    attempts = tuple(sorted(_attempts(state, context, live, status, error), key=lambda a: a.n))
    text, final = state.get("text", ""), state.get("final")
    if status != "done" and attempts and attempts[-1].outcome in ("stopped", "failed"):
        # A larger tier that had not said a word has not replaced the draft that is held.
        shown = next((a for a in (attempts[-1], *_held(state, context)) if a.text), None)
        text, final = (shown.text, shown.tier) if shown else ("", None)
    sent = list(state.get("sent", []))
    if live is not None and live.sent is not None:
        sent.append(live.sent)
    return DecisionRecord(
        turn_id=state["turn_id"],
        thread=state["thread"],
        asked=state["asked"],
        status=status,
        created=state["created"],
        requested_tier=state["requested"],
        dial=cast(Any, state["dial"]),
        chosen=state.get("chosen"),
        final=final,
        stage=cast(Any, state.get("stage")),
        text=text,
        reasons=tuple(_all(Reason, state.get("reasons", []))),
        features=state.get("features", {}),
        p_good=state.get("p_good", {}),
        attempts=attempts,
        passages=tuple(_all(Passage, state.get("passages", []))),
        citations=tuple(_all(Citation, state.get("citations", []))),
        tools=_steps(state, context, status),
        notices=_distinct(_all(Notice, state.get("notices", []))),
        locked=state["locked"],
        offline=state["offline"],
        sent_out=_sent_out(sent),
        usage=sum((a.usage for a in attempts), Usage()),
        cost_usd=sum(a.cost_usd for a in attempts),
        ms={**state.get("ms", {}), "total": context.elapsed_ms()},
        error=error,
        collection=state.get("collection"),
        searched=state.get("searched"),
        refused=state.get("refused"),
        only=state.get("only"),
        document=state.get("document"),
        calibration=state.get("calibration"),
        overrules=overrules["turn_id"] if (overrules := state.get("overrules")) else None,
        tainted=state.get("tainted", False),
        waiting=tuple(waiting),
        outgoing=outgoing,
        unsupported=tuple(_all(Unsupported, state.get("unsupported", []))),
        retrieval=from_json(Retrieval, retrieval) if (retrieval := state.get("retrieval")) else None,
        offered=tuple(_all(OfferedTool, state.get("offered", []))),
        calls=tuple(_all(ToolCall, state.get("calls", []))),
        finish=cast(Any, state.get("finish")),
        caller=caller["id"] if (caller := state.get("caller")) else None,
        attached=state.get("attached"),
    )


def _steps(state: TurnState, context: TurnContext, status: str) -> tuple[ToolStep, ...]:
    """The turn's tool calls; of a turn that did not come to its end also those that the state does not know of yet."""
    steps = {(step.round, step.index): step for step in _all(ToolStep, state.get("results", []))}
    if status in ("stopped", "failed"):
        steps = {(s.round, s.index): s for s in steps_of(context.services.record.calls(context.turn_id))} | steps
    return tuple(steps[place] for place in sorted(steps))


def _attempts(
    state: TurnState,
    context: TurnContext,
    live: Live | None,
    status: TurnStatus | Literal["running"],
    error: str | None,
) -> Iterator[Attempt]:
    """Finished attempts, the draft that is held, the current draft, and the attempt that was being written."""
    services, draft = context.services, state.get("draft")
    yield from _all(Attempt, state.get("attempts", []))
    # Nobody knows yet whether the draft will be replaced.
    yield from _held(state, context, "waiting" if status == "needs_approval" and draft is None else "discarded")
    if status == "done" and draft is not None:
        yield finished_attempt(services, draft, "accepted")
        return
    outcome: AttemptOutcome = {"stopped": "stopped", "needs_approval": "waiting"}.get(status, "failed")  # type: ignore[assignment]
    if live is not None:
        took = (time.perf_counter() - live.started) * 1000
        yield Attempt(
            n=live.attempt,
            tier=live.tier,
            model_requested=live.model,
            model_served=live.model,
            outcome=outcome,
            text=live.text,
            usage=live.usage,
            cost_usd=cost_of(services.tier(live.tier), live.usage),
            ms=took,
            error=error,
            prompt=live.prompt,
            on_device=services.tier(live.tier).stays_on_device,
        )
    elif draft is not None:
        yield finished_attempt(services, draft, outcome, error)


def _held(state: TurnState, context: TurnContext, outcome: AttemptOutcome = "discarded") -> Iterator[Attempt]:
    if held := state.get("held"):
        yield finished_attempt(context.services, held, outcome)


def _all(kind: type[Any], values: Iterable[dict[str, Any]]) -> list[Any]:
    return [from_json(kind, value) for value in values]


def _distinct(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    return tuple(dict.fromkeys(notices))


def _sent_out(sent: Sequence[dict[str, Any]]) -> SentOut:
    return SentOut(
        bytes=sum(s["bytes"] for s in sent),
        passages=max((s["passages"] for s in sent), default=0),
        hosts=tuple(dict.fromkeys(s["host"] for s in sent)),
    )

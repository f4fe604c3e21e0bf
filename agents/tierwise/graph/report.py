"""From a turn's state to its decision record."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, cast

from tierwise.graph.attempts import finished_attempt
from tierwise.graph.context import TurnContext
from tierwise.graph.state import TurnState
from tierwise.jsonable import from_json
from tierwise.types import (
    Attempt,
    Citation,
    DecisionRecord,
    Notice,
    Passage,
    Reason,
    SentOut,
    ToolStep,
    TurnStatus,
    Usage,
)


def decision_record(
    state: TurnState, context: TurnContext, status: TurnStatus | Literal["running"], *, error: str | None = None
) -> DecisionRecord:
    """Write down a turn as it stands: finished, or stopped wherever it was.

    An attempt that was being written (``context.live``) becomes a stopped attempt, and its text the turn's text.
    """
    attempts = tuple(sorted(_attempts(state, context, status, error), key=lambda a: a.n))
    text, final = state.get("text", ""), state.get("final")
    if status != "done" and attempts and attempts[-1].outcome in ("stopped", "failed"):
        text, final = attempts[-1].text, attempts[-1].tier if attempts[-1].text else None
    sent = list(state.get("sent", []))
    if context.live is not None and context.live.sent is not None:
        sent.append(context.live.sent)
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
        tools=tuple(
            _all(ToolStep, sorted(state.get("results", []), key=lambda r: (r["attempt"], r["round"], r["index"])))
        ),
        notices=_distinct(_all(Notice, state.get("notices", []))),
        locked=state["locked"],
        offline=state["offline"],
        sent_out=_sent_out(sent),
        usage=_total(attempts),
        cost_usd=sum(a.cost_usd for a in attempts),
        ms={**state.get("ms", {}), "total": context.elapsed_ms()},
        error=error,
    )


def _attempts(
    state: TurnState, context: TurnContext, status: TurnStatus | Literal["running"], error: str | None
) -> Iterator[Attempt]:
    """Finished attempts, the draft that is held, the current draft, and the attempt that was being written."""
    services, live, draft = context.services, context.live, state.get("draft")
    yield from _all(Attempt, state.get("attempts", []))
    if held := state.get("held"):
        yield finished_attempt(services, held, "discarded")
    if status == "done" and draft is not None:
        yield finished_attempt(services, draft, "accepted")
        return
    outcome: Literal["stopped", "failed"] = "stopped" if status == "stopped" else "failed"
    if live is not None:
        took = (time.perf_counter() - live.started) * 1000
        yield Attempt(live.attempt, live.tier, live.model, live.model, outcome, live.text, ms=took, error=error)
    elif draft is not None:
        yield finished_attempt(services, draft, outcome)


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


def _total(attempts: Iterable[Attempt]) -> Usage:
    usages = [a.usage for a in attempts]
    return Usage(
        prompt_tokens=sum(u.prompt_tokens for u in usages),
        completion_tokens=sum(u.completion_tokens for u in usages),
        cached_tokens=sum(u.cached_tokens for u in usages),
        estimated=any(u.estimated for u in usages),
    )

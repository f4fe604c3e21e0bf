"""What a response tells beside OpenAI's own fields: which tier answered, why, at what cost, or why nobody did."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from tierwise import Answer, Citation, Notice, Reason, to_json
from tierwise_app.serve.discreet import model_name
from tierwise_app.serve.problems import Problem, without_paths

_HEADER_TEXT = re.compile(r"[^\x21-\x7e]")


class TurnProblem(Problem):
    """A turn that ended without an answer.

    Args:
        again: a client that repeats such requests by itself may do so.
        headers: of the turn.
        more: see :class:`~tierwise_app.serve.problems.Problem`.
    """

    def __init__(self, *args: Any, again: bool, headers: dict[str, str], **more: Any) -> None:
        # What OpenAI's clients look at: they would else repeat whatever ended with 409 or 5xx, with all it costs.
        super().__init__(*args, headers=headers | ({} if again else {"X-Should-Retry": "false"}), **more)


def headers_of(
    answer: Answer, *, thread: str | None = None, ignored: Sequence[str] = (), waited: float | None = None
) -> dict[str, str]:
    """The headers of a response with this answer.

    Args:
        answer: the answer.
        thread: the thread that was asked for.
        ignored: fields of the request that had no effect.
        waited: seconds that the turn stood in the line.
    """
    decision = answer.decision
    told = {
        **early_headers(answer.turn_id, thread=thread, ignored=ignored),
        "X-Tierwise-Tier": answer.tier or "",
        "X-Tierwise-Stage": decision.stage if decision else "",
        "X-Tierwise-Reasons": ",".join(dict.fromkeys(r.code for r in decision.reasons)) if decision else "",
        "X-Tierwise-Cost-Usd": f"{answer.cost_usd:.6f}",
        "X-Tierwise-Sent-Bytes": str(answer.sent_out.bytes),
        "X-Tierwise-Waited-Ms": "" if waited is None else f"{waited * 1000:.1f}",
    }
    return {name: _HEADER_TEXT.sub("?", value) for name, value in told.items() if value}


def early_headers(turn_id: str | None, *, thread: str | None = None, ignored: Sequence[str] = ()) -> dict[str, str]:
    """What can be told before the turn is over; as :func:`headers_of`."""
    told = {"X-Tierwise-Turn": turn_id, "X-Tierwise-Thread": thread, "X-Tierwise-Ignored": ",".join(ignored)}
    return {name: _HEADER_TEXT.sub("?", value)[:2000] for name, value in told.items() if value}


def extension_of(answer: Answer, waited: float | None = None) -> dict[str, Any]:
    """The body's ``tierwise``; all of the turn is at ``/v1/turns/TURN``.

    Args:
        answer: the answer.
        waited: seconds that the turn stood in the line; left out by default: nobody knows that of a turn that is
            looked up later.
    """
    decision = answer.decision
    return {
        "turn_id": answer.turn_id,
        "thread": answer.thread,
        "status": answer.status,
        "tier": answer.tier,
        "stage": decision.stage if decision else None,
        "reasons": _plainly(decision.reasons) if decision else [],
        "p_good": dict(decision.p_good) if decision else {},
        "attempts": [
            {
                "n": a.n,
                "tier": a.tier,
                "model_served": model_name(a.model_served),
                "outcome": a.outcome,
                "ms": round(a.ms, 1),
            }
            for a in answer.attempts
        ],
        "citations": [_citation(one) for one in answer.citations],
        "notices": _plainly(answer.notices),
        "sent_out": to_json(answer.sent_out),
        "cost_usd": answer.cost_usd,
        "ms": round(answer.ms, 1),
        **({} if waited is None else {"waited_ms": round(waited * 1000, 1)}),
    }


def problem_of(answer: Answer, code: str | None = None) -> TurnProblem:
    """Why there is no answer.

    Args:
        answer: of a turn that did not end ``done``.
        code: of its ``turn.failed``.
    """
    about: dict[str, Any] = {"turn_id": answer.turn_id}
    text, headers = answer.error or "", early_headers(answer.turn_id)
    if answer.status == "needs_approval":
        about["waiting"] = to_json(answer.waiting)
        about["outgoing"] = None if (sending := answer.outgoing) is None else {"id": sending.id, "tier": sending.tier}
        about["decide"] = f"POST /v1/turns/{answer.turn_id}/approvals"
        what = "a tool is run" if answer.waiting else "something leaves this device"
        return TurnProblem(
            409,
            "needs_approval",
            f"A person has to say yes before {what}.",
            fix=f"Decide at {about['decide']}: the turn then goes on.",
            about=about,
            again=False,
            headers=headers,
        )
    if answer.status == "blocked":
        return TurnProblem(403, "blocked", text or "The turn was blocked.", about=about, again=False, headers=headers)
    if answer.status == "stopped":
        return stopped(answer.turn_id)
    code = code or "failed"
    if code == "context_too_long":
        return TurnProblem(400, "context_length_exceeded", text, about=about, again=False, headers=headers)
    status = 500 if code == "internal" else 502
    text = text or "No tier could answer."
    return TurnProblem(status, code, text, about=about, again=code in _PASSING, headers=headers)


# Codes of what may go better a moment later.
_PASSING = frozenset(
    ("model_crashed", "rate_limited", "server_error", "unreachable", "timeout", "tier_resting", "store_busy")
)


def stopped(turn_id: str | None) -> TurnProblem:
    """The turn was stopped from outside, or the server ends."""
    return TurnProblem(
        503,
        "stopped",
        "The turn was stopped before it had an answer.",
        fix="Ask again.",
        about={"turn_id": turn_id},
        again=True,
        headers=early_headers(turn_id),
    )


def _plainly(told: Sequence[Reason | Notice]) -> list[dict[str, Any]]:
    """Reasons and notices without the folders of this machine: they may tell why a tier failed."""
    return [{**to_json(one), "text": without_paths(one.text)} for one in told]


def _last(path: str) -> str:
    return PurePath(path.replace("\\", "/")).name


def _citation(one: Citation) -> dict[str, Any]:
    source = one.source if "://" in one.source else _last(one.source)
    return {**to_json(one), "source": source}
